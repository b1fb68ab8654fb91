"""The low-level interface: each DNS service that the library maps, and the types of what comes back."""

from SOLIDserverRest.Exception import SDSEmptyError, SDSServiceError

from checks import equal, holds, raises

# By library name: what finds one object, and the parameter of its info service.
OBJECTS = {
    "server": ("dns_name='{server}'", "dns_id"),
    "view": ("dnsview_name!=''", "dnsview_id"),
    "zone": ("dnszone_name='{zone}'", "dnszone_id"),
    "rr": ("dnszone_name='{zone}' and rr_type='SOA'", "rr_id"),
}


def only_strings(rows, what):
    """Every column of every row is a string, and every row says that there was no error."""
    holds(isinstance(rows, list) and rows, f"{what}: rows: {rows!r}")
    for row in rows:
        wrong = {column: value for column, value in row.items() if not isinstance(value, str)}
        equal(wrong, {}, f"{what}: columns that are no strings")
        equal(row.get("errno"), "0", f"{what}: errno")


def run(session):
    check = session.checks.check
    target = session.target
    sds = session.sds

    def listed(kind):
        where = OBJECTS[kind][0].format(server=target.server, zone=target.zone)
        return sds.query(f"dns_{kind}_list", params={"WHERE": where, "limit": 5})

    def list_and_info(kind):
        rows = listed(kind)
        only_strings(rows, f"dns_{kind}_list")
        key = OBJECTS[kind][1]
        info = sds.query(f"dns_{kind}_info", params={key: rows[0][key]})
        only_strings(info, f"dns_{kind}_info")
        equal(len(info), 1, "rows of info")
        equal(info[0][key], rows[0][key], "id")

    def count(kind):
        where = OBJECTS[kind][0].format(server=target.server, zone=target.zone)
        counted = sds.query(f"dns_{kind}_count", params={"WHERE": where})
        only_strings(counted, f"dns_{kind}_count")
        rows = sds.query(f"dns_{kind}_list", params={"WHERE": where})
        equal(counted[0]["total"], str(len(rows)), "count against list")

    def nothing(kind):
        none = {"WHERE": f"{OBJECTS[kind][1]}='0'"}
        raises(SDSEmptyError, lambda: sds.query(f"dns_{kind}_list", params=none), "204")
        counted = sds.query(f"dns_{kind}_count", params=none)
        equal(counted[0]["total"], "0", "count of nothing")

    def unknown_id(kind):
        key = OBJECTS[kind][1]
        raises(SDSEmptyError, lambda: sds.query(f"dns_{kind}_info", params={key: "2147483000"}), "204")

    def without_id(kind):
        # The one error that comes as an array.
        body = sds.query(f"dns_{kind}_info", params={"unknown": "1"})
        holds(isinstance(body, list), f"an array: {body!r}")
        holds(body[0]["errno"] != "0" and isinstance(body[0]["errmsg"], str), f"errno and errmsg: {body!r}")

    def described(service):
        body = sds.query(service, option=True)
        holds(isinstance(body, list), f"an array: {body!r}")
        equal(body[0]["errno"], "0", "errno")
        parameters = {entry["name"] for entry in body if "name" in entry}
        holds(parameters, "parameters are named")
        return parameters

    def views_exist():
        return target.simulated or target.view

    for kind in OBJECTS:
        if kind == "view" and not views_exist():
            continue
        check(f"{kind}: list and info", lambda kind=kind: list_and_info(kind))
        check(f"{kind}: count", lambda kind=kind: count(kind))
        check(f"{kind}: empty list and count", lambda kind=kind: nothing(kind))
        check(f"{kind}: info of an unknown id", lambda kind=kind: unknown_id(kind))
        check(f"{kind}: info without an id", lambda kind=kind: without_id(kind))

    def describes_records():
        names = described("dns_rr_create")
        for name in ("rr_name", "rr_type", "rr_ttl", "value1", "add_flag"):
            holds(name in names, f"{name} is among the parameters")

    check("OPTIONS: dns_rr_create", describes_records)
    for service in ("dns_rr_list", "dns_rr_delete", "dns_zone_list", "dns_server_list"):
        check(f"OPTIONS: {service}", lambda service=service: described(service))

    def pages():
        where = {"WHERE": f"dnszone_name='{target.zone}' and dns_name='{target.server}'", "ORDERBY": "rr_id"}
        whole = [row["rr_id"] for row in sds.query("dns_rr_list", params=where)]
        paged = []
        while len(paged) <= len(whole):
            try:
                rows = sds.query("dns_rr_list", params={**where, "limit": 1, "offset": len(paged)})
            except SDSEmptyError:
                break
            equal(len(rows), 1, "rows of a page")
            paged.append(rows[0]["rr_id"])
        equal(paged, whole, "pages of one row against the whole list")

    def selected():
        row = sds.query(
            "dns_rr_list",
            params={"WHERE": f"dnszone_name='{target.zone}' and rr_type='SOA'", "SELECT": "dnszone_name,rr_type,rr_id"},
        )[0]
        equal(sorted(set(row) - {"errno"}), ["dnszone_name", "rr_id", "rr_type"], "columns of SELECT")

    check("rr: paging by limit and offset", pages)
    check("rr: SELECT", selected)
    check("unknown service", lambda: raises(SDSServiceError, lambda: sds.query("dns_unknown_list")))
