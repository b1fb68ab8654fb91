"""A dashboard with answers to its queries, as SVG: picture(dashboard, recorded). For scripts/dashboard; reads and writes nothing.

Of what Grafana knows it draws what our dashboard uses: stat and timeseries, stacking, thresholds, units, legends, and overrides of colour,
stacking, filling and line.
"""

import html
import math
import time

WIDTH, COLUMNS, ROW, GAP, HEAD = 1200, 24, 33, 8, 58
FONT = "Inter, Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
INK, FAINT, LINE, GRID = "#24292e", "#5f6670", "#d5d9df", "#e9ebee"
NAMED = {"green": "#2f8a34", "yellow": "#dca000", "red": "#cf222e", "orange": "#e36209"}
SERIES = ["#2f8a34", "#dca000", "#1f78c1", "#e36209", "#8f3bb8", "#0f9b9b", "#cf222e", "#c2528b", "#7a5c3e", "#6b7280", "#9aa82a", "#5b6ee1"]
# By how much a number is too large for its unit, with the larger unit.
SCALES = {
    "s": [(1e-3, 1e6, "µs"), (1, 1e3, "ms"), (60, 1, "s"), (3600, 1 / 60, "min"), (math.inf, 1 / 3600, "h")],
    "ops": [(math.inf, 1, "ops/s")],
    "short": [(1e3, 1, ""), (1e6, 1e-3, "K"), (math.inf, 1e-6, "M")],
}


def shown(value, unit, digits=3):
    """A value with its unit, to so many digits that count."""
    if value == 0:
        return "0" if unit == "short" else f"0 {SCALES[unit][-1 if unit == 'ops' else 2][2]}"
    factor, name = next((factor, name) for below, factor, name in SCALES[unit] if abs(value) < below)
    number = value * factor
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(number))))
    text = f"{number:.{min(decimals, 3)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text + ("" if not name else name if unit == "short" else f" {name}")


def wide(text, size):
    """About how wide a text is; fonts differ, and none of ours is wider."""
    return sum(0.36 if letter in "ijlt.,:'| f" else 0.64 for letter in text) * size


def text(x, y, words, size=12, colour=INK, anchor="start", weight=400):
    bold = f' font-weight="{weight}"' if weight != 400 else ""
    place = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}"{place}{bold}>{html.escape(words)}</text>'


def path(points, close=False):
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points) + ("Z" if close else "")


class Curve:
    """One series of a panel: its name, its look, and its values by time."""

    def __init__(self, panel, reference, series, place):
        target = next(target for target in panel["targets"] if target["refId"] == reference)
        self.name = target["legendFormat"]
        for label, value in series["labels"].items():
            self.name = self.name.replace("{{" + label + "}}", value)
        custom = panel["fieldConfig"]["defaults"].get("custom", {})
        self.stacked = custom.get("stacking", {}).get("mode") == "normal"
        self.filling = custom.get("fillOpacity", 0) / 100
        self.stroke = custom.get("lineWidth", 1)
        self.colour = SERIES[place % len(SERIES)]
        self.values = {moment: value for moment, value in series["points"] if value is not None}
        for override in panel["fieldConfig"]["overrides"]:
            if override["matcher"]["options"] not in (self.name if override["matcher"]["id"] == "byName" else reference,):
                continue
            for wanted in override["properties"]:
                if wanted["id"] == "color":
                    self.colour = NAMED[wanted["value"]["fixedColor"]]
                elif wanted["id"] == "custom.stacking":
                    self.stacked = wanted["value"]["mode"] == "normal"
                elif wanted["id"] == "custom.fillOpacity":
                    self.filling = wanted["value"] / 100
                elif wanted["id"] == "custom.lineWidth":
                    self.stroke = wanted["value"]
                else:
                    raise ValueError(f"an override that is not drawn: {wanted['id']}")


def curves(panel, answers):
    found = [(reference, series) for reference, answer in sorted(answers.items()) for series in answer]
    found.sort(key=lambda one: (one[0], sorted(one[1]["labels"].items())))
    return [Curve(panel, reference, series, place) for place, (reference, series) in enumerate(found)]


def ticks(top, unit):
    """Round numbers from 0 to about the top."""
    factor = 1 if unit != "s" or top < 90 else 60
    rough = top / factor / 4 or 1
    power = 10 ** math.floor(math.log10(rough))
    step = next(many * power for many in (1, 2, 2.5, 5, 10) if many * power >= rough * 0.999) * factor
    if unit == "short" and top > 1:
        step = max(1, round(step))
    return [step * count for count in range(math.ceil(top / step - 1e-9) + 1)]


def pieces(values, step):
    """The points of a curve, broken where some are missing."""
    piece = []
    for moment in sorted(values):
        if piece and moment - piece[-1] > 1.5 * step:
            yield piece
            piece = []
        piece.append(moment)
    if piece:
        yield piece


def timeseries(panel, found, recorded, width, height):
    unit = panel["fieldConfig"]["defaults"]["unit"]
    rows, used = [[]], 0
    for curve in found:
        taken = 20 + wide(curve.name, 11.5) + 12
        if used + taken > width - 16 and rows[-1]:
            rows.append([])
            used = 0
        rows[-1].append((used, curve))
        used += taken
    top, bottom = 46, height - 24 - 17 * len(rows)
    start, end, step = recorded["start"], recorded["end"], recorded["step"]

    drawn, base = [], {}
    for curve in found:
        under = {moment: base.get(moment, 0) if curve.stacked else 0 for moment in curve.values}
        over = {moment: under[moment] + value for moment, value in curve.values.items()}
        if curve.stacked:
            base |= over
        drawn.append((curve, under, over))
    marks = ticks(max((value for _, _, over in drawn for value in over.values()), default=1) or 1, unit)
    left, right = 20 + max(wide(shown(mark, unit), 11) for mark in marks), width - 12

    def x(moment):
        return left + (right - left) * (moment - start) / (end - start)

    def y(value):
        return bottom - (bottom - top) * value / marks[-1]

    parts = []
    for mark in marks:
        parts.append(f'<path d="M{left:.1f},{y(mark):.1f}H{right:.1f}" stroke="{GRID}"/>')
        parts.append(text(left - 6, y(mark) + 4, shown(mark, unit), 11, FAINT, "end"))
    for moment in range(math.ceil(start / 120) * 120, end + 1, 120):
        parts.append(f'<path d="M{x(moment):.1f},{top}V{bottom}" stroke="{GRID}"/>')
        clock = time.strftime("%H:%M", time.gmtime(moment))
        if x(moment) < right - 12:
            parts.append(text(x(moment), bottom + 15, clock, 11, FAINT, "middle"))
    for number, moment in enumerate(recorded["marks"], 1):
        parts.append(f'<path d="M{x(moment):.1f},{top - 4}V{bottom}" stroke="#8a919b" stroke-dasharray="2 3"/>')
        parts.append(text(x(moment), top - 7, str(number), 10, FAINT, "middle"))
    for curve, under, over in drawn:
        for piece in pieces(curve.values, step):
            line = [(x(moment), y(over[moment])) for moment in piece]
            if curve.filling and len(line) > 1:
                area = line + [(x(moment), y(under[moment])) for moment in reversed(piece)]
                parts.append(f'<path d="{path(area, True)}" fill="{curve.colour}" fill-opacity="{curve.filling}"/>')
            if len(line) > 1 and curve.stroke:
                parts.append(f'<path d="{path(line)}" fill="none" stroke="{curve.colour}" stroke-width="{curve.stroke + 0.5}" stroke-linejoin="round"/>')
            elif curve.stroke:
                parts.append(f'<circle cx="{line[0][0]:.1f}" cy="{line[0][1]:.1f}" r="2" fill="{curve.colour}"/>')
    for number, row in enumerate(rows):
        height_of_row = bottom + 36 + 17 * number
        for offset, curve in row:
            parts.append(f'<rect x="{12 + offset:.1f}" y="{height_of_row - 6}" width="13" height="4" rx="2" fill="{curve.colour}"/>')
            parts.append(text(12 + offset + 18, height_of_row, curve.name, 11.5))
    return parts


def stat(panel, found, recorded, width, height):
    defaults = panel["fieldConfig"]["defaults"]
    parts = []
    for place, curve in enumerate(found):
        moments = sorted(curve.values)
        last = curve.values[moments[-1]]
        steps = defaults["thresholds"]["steps"]
        colour = NAMED[[step["color"] for step in steps if step["value"] is None or last >= step["value"]][-1]]
        highest = max(curve.values.values()) or 1
        edge, tall = 2 + (width - 4) * place / len(found), min(34, height / 4)
        line = [
            (
                edge + (width - 4) / len(found) * (moment - recorded["start"]) / (recorded["end"] - recorded["start"]),
                height - 3 - tall * curve.values[moment] / highest,
            )
            for moment in moments
        ]
        area = [(line[0][0], height - 2), *line, (line[-1][0], height - 2)]
        parts.append(f'<path d="{path(area, True)}" fill="{colour}" fill-opacity="0.13"/>')
        parts.append(f'<path d="{path(line)}" fill="none" stroke="{colour}" stroke-opacity="0.6"/>')
        middle = edge + (width - 4) / len(found) / 2
        parts.append(text(middle, 30 + (height - 30 - tall) / 2 + 12, shown(last, defaults["unit"]), 34, colour, "middle", 600))
    return parts


DRAWERS = {"stat": stat, "timeseries": timeseries}


def picture(dashboard, recorded):
    """The SVG, and the titles of panels for which there was nothing to draw."""
    cell = (WIDTH - GAP) / COLUMNS
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
    height = HEAD + rows * ROW + GAP
    day = time.strftime("%Y-%m-%d", time.gmtime(recorded["start"]))
    clocks = [time.strftime("%H:%M", time.gmtime(recorded[edge])) for edge in ("start", "end")]
    note = "Drawn by scripts/dashboard from the dashboard's own queries, answered by Prometheus; not a screenshot of Grafana."
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="{FONT}" role="img">',
        f"<title>{html.escape(dashboard['title'])}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#f4f5f6"/>',
        text(GAP + 2, 25, dashboard["title"], 18, INK, weight=600),
        text(WIDTH - GAP - 2, 25, f"{day}, {clocks[0]} to {clocks[1]} UTC", 13, FAINT, "end"),
        text(GAP + 2, 45, note, 12, FAINT),
    ]
    empty = []
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        width, tall = place["w"] * cell - GAP, place["h"] * ROW - GAP
        found = [curve for curve in curves(panel, recorded["answers"][str(panel["id"])]) if curve.values]
        parts.append(f'<g transform="translate({GAP + place["x"] * cell:.1f},{HEAD + place["y"] * ROW})">')
        parts.append(f'<rect width="{width:.1f}" height="{tall}" rx="3" fill="#fff" stroke="{LINE}"/>')
        size = min(12.5, 12.5 * (width - 20) / (1.06 * wide(panel["title"], 12.5)))
        parts.append(text(12, 21, panel["title"], round(size, 1), INK, weight=600))
        if found:
            parts += DRAWERS[panel["type"]](panel, found, recorded, width, tall)
        else:
            empty.append(panel["title"])
            parts.append(text(width / 2, tall / 2 + 10, "No data", 14, FAINT, "middle"))
        parts.append("</g>")
    parts.append("</svg>")
    return "\n".join(parts) + "\n", empty
