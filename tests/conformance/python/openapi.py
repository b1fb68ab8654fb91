"""Holds answers of /api/v2.0 against the vendor's OpenAPI description: status, content type, body.

`openapi.py DESCRIPTION RECORDING...` sends requests of its own, good and bad ones, to every path of the description's
DNS part that is on the appliance, and judges their answers, then those that another client has recorded.

The description requires no key and forbids none. That would let an empty object pass, so this is stricter: the
envelope must be complete, a row must have every column that the description gives it, and no other.
"""

import json
import sys
import urllib.parse

import yaml
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from appliance import Appliance
from checks import Checks, equal, holds
from target import from_environment

BASE = "/api/v2.0"
DESCRIPTION = "urn:openapi"


class Description:
    """The vendor's description of the API."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as text:
            self.document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        resource = Resource.from_contents(self.document, default_specification=DRAFT4)
        self.registry = Registry().with_resource(DESCRIPTION, resource)

    def operations(self):
        """Method and path of everything in the DNS module that is about servers, views, zones and records."""
        wanted = ("/dns/server/", "/dns/view/", "/dns/zone/", "/dns/rr/")
        for path, methods in self.document["paths"].items():
            if path.startswith(wanted):
                for method in methods:
                    if method in ("get", "post", "put", "delete"):
                        yield method.upper(), path

    def judge(self, method, path, status, content_type, body, whole_rows):
        """Raises an AssertionError that says what about an answer is not as described."""
        operation = self.document["paths"].get(path, {}).get(method.lower())
        holds(operation is not None, f"{method} {path} is not described")
        answers = operation["responses"]
        holds(str(status) in answers, f"status {status} is not described, only {', '.join(answers)}")
        media = answers[str(status)]["content"]
        holds(content_type.split(";")[0].strip() in media, f"content type {content_type!r} is not described")
        schema = media["application/json"]["schema"]
        reference = schema.get("$ref", "")
        pointer = {"$ref": DESCRIPTION + reference} if reference else schema
        validator = OAS30Validator(pointer, registry=self.registry, format_checker=oas30_format_checker)
        errors = sorted(validator.iter_errors(body), key=lambda error: list(map(str, error.absolute_path)))
        told = [f"{'.'.join(map(str, error.absolute_path)) or 'body'}: {error.message}" for error in errors[:5]]
        equal(told, [], "against the schema")
        self._envelope(status, body)
        if status == 200 and whole_rows:
            self._rows(reference, body["data"])

    def _envelope(self, status, body):
        equal(sorted(body), ["data", "messages", "success"], "keys of the envelope")
        equal(body["success"], status == 200, "success")
        if status != 200:
            kinds = [message.get("type") for message in body["messages"]]
            holds("error" in kinds, f"a refusal says why: {body['messages']!r}")
        for message in body["messages"]:
            equal(sorted(message), ["code", "extras", "msg", "type"], "keys of a message")
            holds(message["msg"], "a message says something")

    def _rows(self, reference, rows):
        schemas = self.document["components"]["schemas"]
        schema = schemas[reference.rsplit("/", 1)[-1]]
        inner = schema["properties"]["data"]["items"].get("$ref", "").rsplit("/", 1)[-1]
        described = set(schemas[inner]["properties"]) if inner else set()
        holds(described, f"{reference} describes its columns")
        for row in rows:
            equal(sorted(described - set(row)), [], "columns that are missing")
            equal(sorted(set(row) - described), [], "columns that are not described")


class Requests:
    """Sends requests and judges the answers."""

    def __init__(self, description, target):
        self.description = description
        self.target = target
        self.appliance = Appliance(target)
        version = description.document["info"]["version"]
        self.checks = Checks("OpenAPI description", str(version).split(" ", maxsplit=1)[0])
        self.seen = set()

    def send(self, label, method, path, parameters=None, body=None, status=200, whole_rows=None):
        """One request, one check: the answer has this status and is as described. Gives the answer's data."""
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        if whole_rows is None:
            whole_rows = "select" not in (parameters or {})

        def action():
            code, headers, answer = self.appliance.request(method, f"{BASE}{path}{query}", body)
            self.seen.add((method, path, code))
            self.description.judge(method, path, code, headers.get("Content-Type", ""), answer, whole_rows)
            equal(code, status, "status")
            return answer["data"]

        return self.checks.check(f"{method} {path}: {label}", action)


def records(requests):
    """Servers, zones and records; written is only in the scratch zone."""
    send, target = requests.send, requests.target
    place = {"server_name": target.server, "zone_name": target.zone}
    if target.view:
        place["view_name"] = target.view
    in_zone = f"zone_name='{target.zone}' and server_name='{target.server}'"
    keys = {"server": ("server_id", f"server_name='{target.server}'"), "zone": ("zone_id", in_zone)}
    keys["rr"] = ("rr_id", in_zone)
    keys["view"] = ("view_id", "view_name!=''")
    for kind, (key, where) in keys.items():
        path = f"/dns/{kind}"
        rows = send("all", "GET", f"{path}/list", {"limit": 50})
        if kind == "view" and not rows:
            continue
        rows = send("where", "GET", f"{path}/list", {"where": where, "orderby": key}) or [{}]
        send("select", "GET", f"{path}/list", {"where": where, "select": key, "limit": 1})
        send("limit and offset", "GET", f"{path}/list", {"orderby": key, "limit": 1, "offset": 0})
        send("nothing", "GET", f"{path}/list", {"where": f"{key}=0"})
        send("bad where", "GET", f"{path}/list", {"where": f"{key}='"}, status=400)
        send("unknown column", "GET", f"{path}/list", {"where": "no_such_column='1'"}, status=400)
        send("one", "GET", f"{path}/info", {key: rows[0].get(key, "")})
        send("unknown id", "GET", f"{path}/info", {key: 2147483000})
        send("no id", "GET", f"{path}/info", status=400)
        counted = send("where", "GET", f"{path}/count", {"where": where})
        label = f"GET {path}/count: as many as the list"
        requests.checks.check(label, lambda n=counted, r=rows: equal(n[0]["count"], len(r), "count"))
        send("nothing", "GET", f"{path}/count", {"where": f"{key}=0"})
        send("bad where", "GET", f"{path}/count", {"where": f"{key}='"}, status=400)
    send("without inherited class parameters", "GET", "/dns/rr/list", {"where": in_zone, "no_parent_class_param": 1})

    values = {
        "A": ["192.0.2.211"],
        "AAAA": ["2001:db8::211"],
        "TXT": ["described"],
        "MX": ["10", "mx1.example.net"],
        "SRV": ["1", "2", "5060", "sip1.example.net"],
        "NAPTR": ["100", "10", "U", "E2U+sip", "!^.*$!sip:info@example.net!", "."],
        "CAA": ["0", "issue", "ca.example.net"],
    }
    for rr_type, columns in values.items():
        name = target.name(f"described-{rr_type.lower()}")
        body = {**place, "rr_name": name, "rr_type": rr_type, "rr_ttl": 600}
        body.update({f"rr_value{number}": column for number, column in enumerate(columns, 1)})
        body["rr_class_parameters"] = [
            {"name": "owner", "value": "net&sys", "inheritance": "set", "propagation": "restrict"}
        ]
        added = send(f"{rr_type}", "POST", "/dns/rr/add", body=body)
        row = int(added[0]["rr_id"]) if added else 0
        listed = {"where": f"rr_full_name='{name}' and server_name='{target.server}'"}
        send(f"{rr_type}", "GET", "/dns/rr/list", listed)
        send(f"{rr_type} that is there", "POST", "/dns/rr/add", body=body, status=400)
        send(f"{rr_type}", "PUT", "/dns/rr/edit", body={"rr_id": row, "rr_ttl": "1200"})
        send(f"{rr_type}", "GET", "/dns/rr/info", {"rr_id": row})
        send(f"{rr_type}", "DELETE", "/dns/rr/delete", {"rr_id": row})
        send(f"{rr_type} that is gone", "DELETE", "/dns/rr/delete", {"rr_id": row}, status=400)
    name = target.name("described-aaaa")
    address = {**place, "rr_name": name, "rr_type": "AAAA", "rr_value1": "2001:db8::1"}
    added = send("AAAA again", "POST", "/dns/rr/add", body=address)
    if added:
        info = send("AAAA again", "GET", "/dns/rr/info", {"rr_id": added[0]["rr_id"]})
        long = "2001:0db8:0000:0000:0000:0000:0000:0001"
        requests.checks.check("AAAA is shown in its long form", lambda: equal(info[0]["rr_value1"], long, "rr_value1"))
        send("AAAA by name", "DELETE", "/dns/rr/delete", {**address, "rr_value1": long})
    send("no parameters", "POST", "/dns/rr/add", body={}, status=400)
    bad = {**place, "rr_name": target.name("bad"), "rr_type": "A", "rr_value1": "not-an-address"}
    send("bad value", "POST", "/dns/rr/add", body=bad, status=400)
    elsewhere = {"server_name": target.server, "rr_name": f"{target.prefix}.invalid", "rr_type": "A"}
    send("name in no zone", "POST", "/dns/rr/add", body={**elsewhere, "rr_value1": "192.0.2.9"}, status=400)
    send("unknown id", "PUT", "/dns/rr/edit", body={"rr_id": 2147483000, "rr_value1": "192.0.2.9"}, status=400)
    if target.simulated:
        # Nobody knows for certain what a real appliance would delete.
        send("no parameters", "DELETE", "/dns/rr/delete", status=400)


def containers(requests):
    """Views and zones, on the simulator only."""
    send, prefix = requests.send, requests.target.prefix
    server = {"server_name": "views.example.com"}
    view = {**server, "view_name": f"{prefix}-described"}
    added = send("new", "POST", "/dns/view/add", body={**view, "view_class_parameters": [{"name": "a", "value": "b"}]})
    view_id = int(added[0]["view_id"]) if added else 0
    send("again", "POST", "/dns/view/add", body=view, status=400)
    send("no parameters", "POST", "/dns/view/add", body={}, status=400)
    send("new", "GET", "/dns/view/info", {"view_id": view_id})
    send("recursion", "PUT", "/dns/view/edit", body={"view_id": view_id, "view_recursion": "no"})
    send("unknown id", "PUT", "/dns/view/edit", body={"view_id": 2147483000}, status=400)
    zone = {**view, "zone_name": f"{prefix}.example.net", "zone_type": "master"}
    added = send("new", "POST", "/dns/zone/add", body={**zone, "zone_class_parameters": [{"name": "a", "value": "b"}]})
    zone_id = int(added[0]["zone_id"]) if added else 0
    send("again", "POST", "/dns/zone/add", body=zone, status=400)
    send("no parameters", "POST", "/dns/zone/add", body={}, status=400)
    send("new", "GET", "/dns/zone/info", {"zone_id": zone_id})
    send("rows of a new zone", "GET", "/dns/rr/list", {"where": f"zone_id={zone_id}"})
    send("notify", "PUT", "/dns/zone/edit", body={"zone_id": zone_id, "zone_notify": "explicit"})
    send("unknown id", "PUT", "/dns/zone/edit", body={"zone_id": 2147483000}, status=400)
    send("by id", "DELETE", "/dns/zone/delete", {"zone_id": zone_id})
    send("again", "DELETE", "/dns/zone/delete", {"zone_id": zone_id}, status=400)
    send("no parameters", "DELETE", "/dns/zone/delete", status=400)
    send("by name", "DELETE", "/dns/view/delete", view)
    send("again", "DELETE", "/dns/view/delete", view, status=400)
    send("no parameters", "DELETE", "/dns/view/delete", status=400)


def recorded(requests, path):
    """Judges the answers that another client has had, one check for each kind of call and status."""
    kinds = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            if one["path"].startswith(BASE) and one["status"] in (200, 400):
                kinds.setdefault((one["method"], one["path"][len(BASE) :], one["status"]), []).append(one)

    def judge(exchanges):
        for one in exchanges:
            body = json.loads(one["body"])
            # What was selected is not recorded: columns may be missing, but their types are known.
            path = one["path"][len(BASE) :]
            requests.description.judge(one["method"], path, one["status"], one["contentType"], body, False)

    for (method, path, status), exchanges in sorted(kinds.items()):
        label = f"{method} {path}: {len(exchanges)} recorded answers with {status}"
        requests.checks.check(label, lambda exchanges=exchanges: judge(exchanges))


def main():
    description = Description(sys.argv[1])
    requests = Requests(description, from_environment())
    records(requests)
    if requests.target.simulated:
        containers(requests)

        def covered():
            tried = {(method, path) for method, path, status in requests.seen if status == 200}
            equal(sorted(set(description.operations()) - tried), [], "operations without an answer 200")

        requests.checks.check("every described operation was tried", covered)
    for path in sys.argv[2:]:
        recorded(requests, path)


if __name__ == "__main__":
    main()
