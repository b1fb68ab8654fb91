"""Servers, views and zones as objects of the library. Made only on the simulator; a real appliance is only read."""

from SOLIDserverRest import adv
from SOLIDserverRest.Exception import (
    SDSDNSAlreadyExistingError,
    SDSDNSError,
    SDSEmptyError,
    SDSError,
)

from checks import Skip, equal, holds, raises


def run(session):
    check = session.checks.check
    target = session.target

    def server_by_name_and_id():
        server = session.server()
        by_id = adv.DNS(sds=session.sds, name="anything")
        by_id.myid = server.myid
        by_id.refresh()
        equal(by_id.params["dns_name"], target.server, "name of the server read by id")
        equal(by_id.params["dns_type"], server.params["dns_type"], "type")
        holds(server.params["dns_type"] == "vdns" or server.ipv4_addr, "a server that is no SMART has an address")

    def member_by_name():
        members = session.server().params["vdns_members_name"]
        if not members:
            raise Skip(f"{target.server} is no SMART")
        member = adv.DNS(sds=session.sds, name=members.split(";")[0])
        member.refresh()
        equal(member.params["vdns_parent_name"], target.server, "parent of the member")
        holds(member.ipv4_addr is not None, "the member has an address")

    def unknown_server():
        server = adv.DNS(sds=session.sds, name=f"{target.prefix}-no-such-server")
        raises(SDSDNSError, server.refresh, "non existant DNS")

    def zone_by_name_and_id():
        zone = session.zone(session.server())
        by_id = adv.DNS_zone(sds=session.sds, name="anything")
        by_id.set_dns(zone.dns_server)
        by_id.myid = zone.myid
        by_id.refresh()
        equal(by_id.params["dnszone_name"], target.zone, "name of the zone read by id")
        equal(by_id.zone_type, "master", "type")

    def unknown_zone():
        zone = adv.DNS_zone(sds=session.sds, name=f"{target.prefix}.invalid")
        zone.set_dns(session.server())
        raises(SDSError, zone.refresh, "cannot found object by name")

    check("server: refresh by name and by id", server_by_name_and_id)
    check("server: refresh of a member", member_by_name)
    check("server: refresh of an unknown one", unknown_server)
    check("zone: refresh by name and by id", zone_by_name_and_id)
    check("zone: refresh of an unknown one", unknown_zone)
    if target.simulated:
        _servers(session)
        _views(session)
        _zones(session)


def _life(session, kind, steps):
    """The checks of one object, in order. A check whose predecessor failed fails by itself."""
    for operation, action in steps:
        session.checks.check(f"{kind}: {operation}", action)


def _servers(session):
    name = f"{session.target.prefix}-smart"

    def new(arch="masterslave"):
        server = adv.DNS(sds=session.sds, name=name)
        server.set_type("vdns", arch)
        return server

    def read():
        server = adv.DNS(sds=session.sds, name=name)
        server.refresh()
        return server

    def create():
        server = new()
        server.set_class_params({"location": "Köln & Bonn"})
        server.create()
        holds(server.myid > 0, f"id {server.myid}")
        equal(server.params["dns_type"], "vdns", "type")
        equal(server.params["vdns_arch"], "masterslave", "architecture")

    def update():
        server = read()
        server.set_recursion(False)
        server.set_forward("only", ["192.0.2.53", "192.0.2.54"])
        server.add_class_params({"floor": "3"})
        server.update()
        again = read()
        equal(again.params["dns_recursion"], "no", "recursion")
        equal(again.params["dns_forward"], "only", "forward")
        equal(again.params["dns_forwarders"].rstrip(";"), "192.0.2.53;192.0.2.54", "forwarders")
        equal(again.get_class_params("floor"), "3", "class parameter that was added")
        equal(again.get_class_params("location"), "Köln & Bonn", "class parameter of the creation")

    def delete():
        server = read()
        server.delete()
        raises(SDSDNSError, read, "non existant DNS")

    def with_address():
        server = adv.DNS(sds=session.sds, name=f"{session.target.prefix}-bind")
        server.set_type("other")
        server.set_ipv4("192.0.2.61")
        server.create()
        equal(str(server.ipv4_addr), "192.0.2.61", "address")
        server.delete()

    _life(
        session,
        "server",
        [
            ("create a SMART, with class parameters", create),
            ("refresh by name", lambda: equal(read().params["dns_name"], name, "name")),
            ("create it again", lambda: raises(SDSDNSAlreadyExistingError, new().create)),
            ("update", update),
            ("delete", delete),
            ("create and delete one with an address", with_address),
        ],
    )


def _views(session):
    name = f"{session.target.prefix}-view"
    host = adv.DNS(sds=session.sds, name="views.example.com")
    host.refresh()

    def read():
        view = adv.DNS_view(sds=session.sds, name=name, dns_server=host)
        view.refresh()
        return view

    def create():
        view = adv.DNS_view(sds=session.sds, name=name, dns_server=host, class_params={"audience": "staff"})
        view.create(sync=False)
        holds(view.myid > 0, f"id {view.myid}")

    def refresh():
        view = read()
        equal(view.params["dnsview_name"], name, "name")
        equal(view.get_class_params("audience"), "staff", "class parameter")
        by_id = adv.DNS_view(sds=session.sds, name="anything", dns_server=host)
        by_id.myid = int(view.myid)
        by_id.refresh()
        equal(by_id.params["dnsview_name"], name, "name of the view read by id")

    def update():
        # The library has no method for it; its service is mapped.
        answer = session.sds.query("dns_view_update", params={"dnsview_id": read().myid, "dnsview_recursion": "no"})
        equal(int(answer[0]["ret_oid"]), int(read().myid), "id in the answer")
        equal(read().params["dnsview_recursion"], "no", "recursion")

    def again():
        view = adv.DNS_view(sds=session.sds, name=name, dns_server=host)
        raises(SDSDNSError, lambda: view.create(sync=False), "exist")

    def delete():
        read().delete()
        raises(SDSError, read, "cannot found object by name")

    _life(
        session,
        "view",
        [
            ("create, with class parameters", create),
            ("refresh by name and by id", refresh),
            ("create it again", again),
            ("update", update),
            ("delete", delete),
        ],
    )


def _zones(session):
    host = session.server()
    name = f"{session.target.prefix}-zone.example.net"

    def read(server=host, zone_name=name):
        zone = adv.DNS_zone(sds=session.sds, name=zone_name)
        zone.set_dns(server)
        zone.refresh()
        return zone

    def create():
        zone = adv.DNS_zone(sds=session.sds, name=name, zone_type="master", class_params={"team": "shop"})
        zone.set_dns(host)
        zone.create()
        holds(zone.myid > 0, f"id {zone.myid}")
        equal(zone.zone_type, "master", "type")
        types = {row["rr_type"] for row in session.appliance.rows("dns_rr_list", f"dnszone_name='{name}'")}
        equal(types, {"SOA", "NS"}, "types of the rows of a new zone")

    def refresh():
        zone = read()
        equal(zone.params["dnszone_name"], name, "name")
        equal(zone.get_class_params("team"), "shop", "class parameter")
        by_id = adv.DNS_zone(sds=session.sds, name="anything")
        by_id.set_dns(host)
        by_id.myid = int(zone.myid)
        by_id.refresh()
        equal(by_id.params["dnszone_name"], name, "name of the zone read by id")

    def update():
        # The library has no method for it; its service is mapped.
        parameters = {"dnszone_id": read().myid, "dnszone_notify": "explicit"}
        answer = session.sds.query("dns_zone_update", params=parameters)
        equal(int(answer[0]["ret_oid"]), int(read().myid), "id in the answer")
        equal(read().params["dnszone_notify"], "explicit", "notify")

    def again():
        zone = adv.DNS_zone(sds=session.sds, name=name, zone_type="master")
        zone.set_dns(host)
        raises(SDSDNSError, lambda: zone.create(sync=False), "exist")

    def delete():
        zone = read()
        zone.delete()
        raises(SDSError, read, "cannot found object by name")
        raises(SDSEmptyError, lambda: session.sds.query("dns_rr_list", params={"WHERE": f"dnszone_name='{name}'"}))

    def delete_again():
        zone = adv.DNS_zone(sds=session.sds, name=name)
        zone.set_dns(host)
        zone.myid = 2147483000
        raises(SDSDNSError, lambda: zone.delete(sync=False), "delete error")

    def types():
        for zone_type in ("slave", "forward", "stub"):
            zone = adv.DNS_zone(sds=session.sds, name=f"{zone_type}.{name}", zone_type=zone_type)
            zone.set_dns(host)
            zone.set_additional_params(dnszone_masters="192.0.2.53", dnszone_forwarders="192.0.2.53")
            zone.create(sync=False)
            equal(read(zone_name=f"{zone_type}.{name}").zone_type, zone_type, "type")
            zone.delete(sync=False)

    def in_view():
        server = adv.DNS(sds=session.sds, name="views.example.com")
        server.refresh()
        view = adv.DNS_view(sds=session.sds, name="internal", dns_server=server)
        view.refresh()
        zone = adv.DNS_zone(sds=session.sds, name=name, zone_type="master")
        zone.set_dns(server)
        zone.set_view(view)
        zone.create(sync=False)
        rows = session.appliance.rows("dns_zone_list", f"dnszone_name='{name}'")
        equal([row["dnsview_name"] for row in rows], ["internal"], "views that have the zone")
        # Without a view given the library finds it by itself.
        found = read(server)
        equal(found.dns_view.params["dnsview_name"], "internal", "view of the zone read by name")
        zone.delete(sync=False)

    _life(
        session,
        "zone",
        [
            ("create a master, with class parameters", create),
            ("refresh by name and by id", refresh),
            ("create it again", again),
            ("update", update),
            ("delete", delete),
            ("delete an unknown one", delete_again),
            ("create and delete slave, forward, stub", types),
            ("create, read, delete in a view", in_view),
        ],
    )
