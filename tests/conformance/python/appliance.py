"""A second opinion on what the appliance holds: plain HTTP with the standard library, no client library between.

As a program: `appliance.py look` is the first look at a real appliance and changes nothing; `appliance.py left` checks
that no rows are left whose names begin with this run's prefix; `appliance.py sweep` removes those that are.
"""

import base64
import json
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

from checks import Checks, equal
from target import from_environment


class Appliance:
    """The /rest services by Basic login, and the admin interface if it is the simulator."""

    def __init__(self, target):
        self.target = target
        login = base64.b64encode(f"{target.user}:{target.password}".encode()).decode()
        self.headers = {"Authorization": f"Basic {login}"}
        context = ssl.create_default_context(cafile=target.ca_file or None)
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )

    def call(self, method, service, parameters=None):
        """Status and decoded body of one call of a /rest service; the body is None when there is none."""
        query = urllib.parse.urlencode(parameters or {})
        return self.request(method, f"/rest/{service}?{query}")[::2]

    def request(self, method, path, body=None, headers=None):
        """Status, headers and decoded body of one request; the body is None when it is empty."""
        url = f"https://{self.target.address}{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method, headers={**self.headers, **(headers or {})})
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with self.opener.open(request, timeout=20) as answer:
                return answer.status, answer.headers, _decoded(answer.read())
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers, _decoded(answer.read())

    def rows(self, service, where):
        """The rows of a list; none for 204."""
        status, body = self.call("GET", service, {"WHERE": where})
        if status == 204:
            return []
        if status != 200 or not isinstance(body, list):
            raise RuntimeError(f"{service} where {where}: {status} {body!r}")
        return body

    def records(self, label, rr_type=None):
        """What is stored at a name of this run: type, TTL and values, in order."""
        where = f"rr_full_name='{self.target.name(label)}' and dns_name='{self.target.server}'"
        found = []
        for row in self.rows("dns_rr_list", where):
            values = [row[f"value{number}"] for number in range(1, 8)]
            while values and values[-1] == "":
                values.pop()
            if rr_type in (None, row["rr_type"]):
                found.append((row["rr_type"], row["ttl"], *values))
        return sorted(found)

    def admin(self, method, path, body=None):
        """A call of the simulator's admin interface."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.target.admin + path, data=data, method=method)
        with self.opener.open(request, timeout=20) as answer:
            return _decoded(answer.read())

    def left(self):
        """The rows of the scratch zone whose names begin with this run's prefix."""
        place = f"dns_name='{self.target.server}' and dnszone_name='{self.target.zone}'"
        if self.target.view:
            place += f" and dnsview_name='{self.target.view}'"
        # The appliance ignores parameters that it does not know: each row is looked at again.
        return [
            row
            for row in self.rows("dns_rr_list", place)
            if row["rr_full_name"].startswith(f"{self.target.prefix}-")
            and row["rr_full_name"].endswith(f".{self.target.zone}")
            and row["dnszone_name"] == self.target.zone
            and row["dns_name"] == self.target.server
            and row.get("delayed_delete_time") != "1"
        ]

    def sweep(self):
        """Removes by id what is left. Returns how many rows that were."""
        rows = self.left()
        for row in rows:
            status, body = self.call("DELETE", "dns_rr_delete", {"rr_id": row["rr_id"]})
            if status not in (200, 204):
                raise RuntimeError(f"cannot remove {row['rr_full_name']} (rr_id {row['rr_id']}): {status} {body!r}")
        return len(rows)


def _decoded(body):
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


def look(appliance):
    """Checks, reading only, that the scratch zone is a place where records may be made. Ends the program if not."""
    target = appliance.target
    status, member = appliance.call("GET", "member_list", {"WHERE": "member_is_me=1"})
    if status == 401:
        sys.exit(f"{target.address} refuses the account {target.user}")
    version = member[0].get("member_version", "unknown") if status == 200 and isinstance(member, list) else "unknown"
    servers = appliance.rows("dns_server_list", f"dns_name='{target.server}'")
    servers = [row for row in servers if row["dns_name"] == target.server]
    if len(servers) != 1:
        sys.exit(f"{len(servers)} DNS servers are visible with the name {target.server}")
    if servers[0]["vdns_parent_id"] != "0":
        sys.exit(f"{target.server} is a member of {servers[0]['vdns_parent_name']}: name that one instead")
    views = appliance.rows("dns_view_list", f"dns_name='{target.server}'")
    names = sorted(row["dnsview_name"] for row in views if row["dns_name"] == target.server)
    if names and target.view not in names:
        # Without a view the appliance writes into all of them.
        sys.exit(f"{target.server} has the views {', '.join(names)}: set CONFORMANCE_VIEW to one of them")
    if target.view and not names:
        sys.exit(f"{target.server} has no views, or none that {target.user} may see")
    zones = [
        row
        for row in appliance.rows("dns_zone_list", f"dnszone_name='{target.zone}' and dns_name='{target.server}'")
        if row["dnszone_name"] == target.zone
        and row["dns_name"] == target.server
        and (not target.view or row["dnsview_name"] == target.view)
    ]
    if len(zones) != 1 or zones[0]["dnszone_type"] != "master":
        kinds = ", ".join(row["dnszone_type"] for row in zones) or "none"
        sys.exit(f"there must be one master zone {target.zone} on {target.server}; there is: {kinds}")
    rows = appliance.rows("dns_rr_list", f"dnszone_id='{zones[0]['dnszone_id']}'")
    print(f"appliance {target.address}, version {version}")
    print(f"server {target.server}, zone {target.zone}: {len(rows)} rows")
    print(f"records will be made and removed whose names begin with {target.prefix}-; nothing else is touched")


if __name__ == "__main__":
    place = Appliance(from_environment())
    if sys.argv[1:] == ["look"]:
        look(place)
    elif sys.argv[1:] == ["left"]:
        rest = sorted(f"{row['rr_full_name']} {row['rr_type']}" for row in place.left())
        Checks("this suite", "-").check("each check removes what it made", lambda: equal(rest, [], "rows left"))
    elif sys.argv[1:] == ["sweep"]:
        print(f"removed {place.sweep()} left-over rows of this run")
    else:
        sys.exit("usage: appliance.py look | left | sweep")
