"""Records as objects of the library: the types that its general class can read back, class parameters, errors."""

import ipaddress

from SOLIDserverRest import adv
from SOLIDserverRest.Exception import SDSDNSError, SDSEmptyError, SDSError

from checks import Skip, equal, holds, raises


def long_form(address):
    """An IPv6 address as the appliance keeps it."""
    return ipaddress.IPv6Address(address).exploded


# By type: what set_type is told first and then, and the values that are stored for each.
TYPES = {
    "A": ({"ip": "192.0.2.11"}, ["192.0.2.11"], {"ip": "192.0.2.12"}, ["192.0.2.12"]),
    "AAAA": (
        {"ip": "2001:db8::11"},
        [long_form("2001:db8::11")],
        {"ip": "2001:db8:1::12"},
        [long_form("2001:db8:1::12")],
    ),
    "TXT": (
        {"txt": "v=spf1 include:_spf.example.net -all"},
        ["v=spf1 include:_spf.example.net -all"],
        {"txt": "one & two = 100 % + ü"},
        ["one & two = 100 % + ü"],
    ),
    "NS": ({"target": "ns1.example.net"}, ["ns1.example.net"], {"target": "ns2.example.net"}, ["ns2.example.net"]),
    "CNAME": (
        {"target": "www.example.net"},
        ["www.example.net"],
        {"target": "www2.example.net"},
        ["www2.example.net"],
    ),
    "DNAME": ({"target": "old.example.net"}, ["old.example.net"], {"target": "new.example.net"}, ["new.example.net"]),
    "MX": (
        {"priority": 10, "target": "mx1.example.net"},
        ["10", "mx1.example.net"],
        {"priority": 20, "target": "mx2.example.net"},
        ["20", "mx2.example.net"],
    ),
    "SRV": (
        {"priority": 1, "weight": 2, "port": 5060, "target": "sip1.example.net"},
        ["1", "2", "5060", "sip1.example.net"],
        {"priority": 3, "weight": 4, "port": 5061, "target": "sip2.example.net."},
        ["3", "4", "5061", "sip2.example.net"],
    ),
}


class Place:
    """Server, view and zone for new records."""

    def __init__(self, session):
        self.session = session
        self.server = session.server()
        self.zone = session.zone(self.server)
        self.view = self.zone.dns_view

    def record(self, label, rr_type, **values):
        """A record object of the library, not yet created."""
        record = adv.DNS_record(sds=self.session.sds, name=self.session.target.name(label))
        record.set_zone(self.zone)
        if self.view is not None:
            record.set_view(self.view)
        record.set_type(rr_type, **values)
        return record


def run(session):
    place = Place(session)
    for rr_type in TYPES:
        if rr_type != "AAAA":
            _life(session, place, rr_type)
    session.checks.check("record in each view", lambda: _in_view(session))
    session.checks.check("several values at one name", lambda: _several(session, place))
    session.checks.check("record without its zone given", lambda: _zone_found(session, place))


def run_aaaa(session):
    place = Place(session)
    _life(session, place, "AAAA")

    def short_form_is_not_found():
        made = place.record("short", "AAAA", ip="2001:db8::1")
        made.create()
        try:
            # The library sends the form that it was given, and the appliance compares text.
            raises(SDSError, place.record("short", "AAAA", ip="2001:db8::1").refresh, "cannot found object by name")
            place.record("short", "AAAA", ip=long_form("2001:db8::1")).refresh()
        finally:
            made.delete()

    session.checks.check("record AAAA: found by its long form only", short_form_is_not_found)


def _life(session, place, rr_type):
    first, stored, then, stored_then = TYPES[rr_type]
    label = rr_type.lower()
    kept = {}

    def held():
        return session.appliance.records(label, rr_type)

    def create():
        record = place.record(label, rr_type, **first)
        record.set_ttl(600)
        record.create()
        holds(record.myid > 0, f"id {record.myid}")
        equal(held(), [(rr_type, "600", *stored)], "what the appliance holds")
        equal([str(value) for value in record.values.values()], stored, "what the library read back")
        kept["id"] = record.myid

    def refresh_by_name():
        record = place.record(label, rr_type)
        record.refresh()
        equal(int(record.myid), kept["id"], "id")
        equal((record.ttl, [str(value) for value in record.values.values()]), (600, stored), "TTL and values")

    def refresh_by_values():
        # The long form is what the appliance finds an address by.
        given = {"ip": stored[0]} if rr_type == "AAAA" else first
        record = place.record(label, rr_type, **given)
        record.refresh()
        equal(int(record.myid), kept["id"], "id")

    def refresh_by_id():
        record = adv.DNS_record(sds=session.sds)
        record.set_dns(place.server)
        record.myid = kept["id"]
        record.refresh()
        equal((record.name, record.rr_type), (session.target.name(label), rr_type), "name and type")
        equal([str(value) for value in record.values.values()], stored, "values")
        equal(record.zone.name, session.target.zone, "zone that the library found")

    def update():
        record = place.record(label, rr_type)
        record.refresh()
        record.set_type(rr_type, **then)
        record.set_ttl(1200)
        record.update()
        equal(held(), [(rr_type, "1200", *stored_then)], "what the appliance holds")
        equal(record.ttl, 1200, "TTL that the library read back")
        equal([str(value) for value in record.values.values()], stored_then, "values that the library read back")

    def delete():
        record = place.record(label, rr_type)
        record.refresh()
        record.delete()
        equal(held(), [], "what the appliance holds")
        raises(SDSError, place.record(label, rr_type).refresh, "cannot found object by name")

    for operation, action in [
        ("create", create),
        ("refresh by name", refresh_by_name),
        ("refresh by name and values", refresh_by_values),
        ("refresh by id", refresh_by_id),
        ("update values and TTL", update),
        ("delete", delete),
    ]:
        session.checks.check(f"record {rr_type}: {operation}", action)


def _in_view(session):
    if not session.target.simulated:
        raise Skip("only the scratch zone is written")
    server = adv.DNS(sds=session.sds, name="views.example.com")
    server.refresh()
    name = f"{session.target.prefix}-view.example.org"
    made = []
    for label, address in (("internal", "192.0.2.21"), ("external", "192.0.2.22")):
        view = adv.DNS_view(sds=session.sds, name=label, dns_server=server)
        view.refresh()
        record = adv.DNS_record(sds=session.sds, name=name)
        record.set_dns(server)
        record.set_view(view)
        record.set_type("A", ip=address)
        record.create()
        made.append((record, view, label, address))
    rows = session.appliance.rows("dns_rr_list", f"rr_full_name='{name}'")
    held = sorted((row["dnsview_name"], row["value1"]) for row in rows)
    equal(held, [("external", "192.0.2.22"), ("internal", "192.0.2.21")], "rows by view")
    for record, view, label, address in made:
        found = adv.DNS_record(sds=session.sds, name=name, rr_type="A")
        found.set_view(view)
        found.refresh()
        equal((int(found.myid), found.values["1"]), (int(record.myid), address), f"record of the view {label}")
        record.delete()
    equal(session.appliance.rows("dns_rr_list", f"rr_full_name='{name}'"), [], "rows afterwards")


def _several(session, place):
    addresses = ["192.0.2.31", "192.0.2.32", "192.0.2.33"]
    made = []
    for address in addresses:
        record = place.record("several", "A", ip=address)
        record.set_ttl(300)
        record.create()
        made.append(record)
    equal(len({record.myid for record in made}), 3, "ids")
    found = place.record("several", "A", ip=addresses[1])
    found.refresh()
    equal(int(found.myid), made[1].myid, "id found by value")
    found.delete()
    left = [("A", "300", addresses[0]), ("A", "300", addresses[2])]
    equal(session.appliance.records("several"), left, "what is left")
    made[0].delete()
    made[2].delete()


def _zone_found(session, place):
    record = adv.DNS_record(sds=session.sds, name=session.target.name("found"), rr_type="A")
    record.set_dns(place.server)
    if place.view is not None:
        record.set_view(place.view)
    record.set_values(["192.0.2.41"])
    record.create()
    equal(record.zone.name, session.target.zone, "zone that the appliance chose")
    equal(record.params["rr_glue"], f"{session.target.prefix}-found", "owner relative to the zone")
    record.delete()


def run_class_parameters(session):
    place = Place(session)
    wanted = {"owner": "net&sys", "note": "a=b + c; 100 %", "city": "Zürich"}

    def read():
        record = place.record("classes", "A")
        record.refresh()
        return record

    def create():
        record = place.record("classes", "A", ip="192.0.2.51")
        record.set_class_params(dict(wanted))
        record.create()
        equal({key: read().get_class_params(key) for key in wanted}, wanted, "class parameters")

    def update():
        record = place.record("classes", "A", ip="192.0.2.51")
        record.myid = int(read().myid)
        record.set_class_params({"ticket": "42"})
        record.update()
        expected = {**wanted, "ticket": "42"}
        equal({key: read().get_class_params(key) for key in expected}, expected, "others survive a change of one")

    def delete_one():
        record = place.record("classes", "A", ip="192.0.2.51")
        record.myid = int(read().myid)
        record.set_class_params({"ticket": "", "owner": "web"})
        record.update()
        equal(read().get_class_params("ticket"), None, "class parameter that was deleted")
        equal(read().get_class_params("owner"), "web", "class parameter that was changed")
        equal(read().get_class_params("city"), "Zürich", "class parameter that was not named")

    def class_name():
        record = read()
        record.set_class_name("conformance")
        record.update()
        equal(read().params["rr_class_name"], "conformance", "class")

    # The baseline cannot delete a class parameter.
    deletion = [("delete one by update", delete_one)] if session.release >= (2, 10) else []
    for operation, action in [
        ("set with the creation", create),
        ("add one by update", update),
        *deletion,
        ("set the class itself", class_name),
        ("delete the record", lambda: read().delete()),
    ]:
        session.checks.check(f"class parameters: {operation}", action)


def run_errors(session):
    check = session.checks.check
    place = Place(session)

    def duplicate():
        place.record("twice", "A", ip="192.0.2.61").create()
        raises(SDSDNSError, place.record("twice", "A", ip="192.0.2.61").create, "already exist")
        equal(len(session.appliance.records("twice")), 1, "rows")

    def delete_twice():
        record = place.record("twice", "A")
        record.refresh()
        again = place.record("twice", "A")
        again.myid = record.myid
        record.delete()
        raises(SDSDNSError, again.delete, "delete")

    def update_of_nothing():
        record = place.record("nothing", "A", ip="192.0.2.62")
        record.myid = 2147483000
        raises(SDSError, record.update, "update error")
        equal(session.appliance.records("nothing"), [], "rows")

    def no_zone():
        record = adv.DNS_record(sds=session.sds, name=f"{session.target.prefix}.no-such-zone.invalid", rr_type="A")
        record.set_dns(place.server)
        record.set_values(["192.0.2.63"])
        raises(SDSDNSError, record.create, "record:")

    def beside_cname():
        place.record("alias", "CNAME", target="www.example.net").create()
        raises(SDSDNSError, place.record("alias", "A", ip="192.0.2.64").create, "record:")
        record = place.record("alias", "CNAME")
        record.refresh()
        record.delete()

    def refused(service, parameters, number=None):
        body = session.sds.query(service, params=parameters)
        holds(isinstance(body, dict), f"an error is an object: {body!r}")
        for key in ("errno", "errmsg", "severity"):
            holds(isinstance(body.get(key), str), f"{key} is a string: {body!r}")
        holds(int(body["errno"]) > 0, f"errno is not 0: {body!r}")
        if number:
            equal(body["errno"], number, "errno")
        return body

    def bad_value():
        name = session.target.name("bad")
        common = {"rr_name": name, "dns_id": place.server.myid, "dnszone_id": place.zone.myid}
        refused("dns_rr_create", {**common, "rr_type": "A", "value1": "not-an-address"})
        refused("dns_rr_create", {**common, "rr_type": "NOSUCHTYPE", "value1": "192.0.2.65"})
        equal(session.appliance.records("bad"), [], "rows")

    def names_nothing():
        record = place.record("nowhere", "A")
        raises(SDSError, record.refresh, "204")
        where = {"WHERE": f"rr_full_name='{session.target.name('nowhere')}'"}
        raises(SDSEmptyError, lambda: session.sds.query("dns_rr_list", params=where), "204")

    check("error: duplicate", duplicate)
    check("error: delete of a deleted record", delete_twice)
    check("error: update of an unknown id", update_of_nothing)
    check("error: name in no zone", no_zone)
    check("error: A beside a CNAME", beside_cname)
    check("error: create without parameters", lambda: refused("dns_rr_create", {"rr_ttl": "60"}, "4"))
    if session.target.simulated:
        # Nobody knows for certain what a real appliance would delete.
        check("error: delete without parameters", lambda: refused("dns_rr_delete", {"rr_ttl": "60"}, "4"))
    check("error: delete of an unknown id", lambda: refused("dns_rr_delete", {"rr_id": "2147483000"}, "20117"))
    check("error: bad value, unknown type", bad_value)
    check("error: unknown name", names_nothing)


def run_pending(session):
    """On an appliance that publishes late the library waits until a change is there, and until it is gone."""
    place = Place(session)

    def create_and_delete():
        record = place.record("late", "A", ip="192.0.2.71")
        record.create(sync=False)
        rows = session.appliance.rows("dns_rr_list", f"rr_full_name='{session.target.name('late')}'")
        holds(any(row["delayed_create_time"] == "1" for row in rows), f"pending at first: {rows}")
        record.refresh()
        rows = session.appliance.call("GET", "dns_rr_info", {"rr_id": record.myid})[1]
        equal(rows[0]["delayed_create_time"], "0", "published when the library has read it")
        record.delete()

    session.checks.check("record that is published late", create_and_delete)
