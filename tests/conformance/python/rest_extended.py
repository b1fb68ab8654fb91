"""The library's classes for single record types: created, fetched by name and by id, changed, deleted."""

import ipaddress

from SOLIDserverRest import adv
from SOLIDserverRest.Exception import SDSError

from checks import Skip, equal, holds, raises

# Class, attributes first, attributes then, and the stored values of each.
CLASSES = {
    "ARecord": ({"ipv4_address": "192.0.2.111"}, {"ipv4_address": "192.0.2.112"}),
    "AAAARecord": (
        {"ipv6_address": ipaddress.IPv6Address("2001:db8::111").exploded},
        {"ipv6_address": ipaddress.IPv6Address("2001:db8::112").exploded},
    ),
    "CNAMERecord": ({"hostname": "www.example.net"}, {"hostname": "www2.example.net"}),
    "MXRecord": (
        {"preference": 10, "mail_server": "mx1.example.net"},
        {"preference": 5, "mail_server": "mx2.example.net"},
    ),
    "NSRecord": ({"target": "ns1.example.net"}, {"target": "ns2.example.net"}),
    "TXTRecord": ({"text": "t" * 255}, {"text": 'with "quotes" and \\ inside'}),
    "NAPTRRecord": (
        {
            "order": 100,
            "preference": 10,
            "flags": "U",
            "services": "E2U+sip",
            "regex": "!^.*$!sip:info@example.net!",
            "replace": ".",
        },
        {
            "order": 200,
            "preference": 20,
            "flags": "S",
            "services": "SIP+D2U",
            "regex": "",
            "replace": "_sip._udp.example.net",
        },
    ),
}


def run(session):
    if session.target.view:
        # These classes name no view: they would write into all of them.
        session.checks.check("extended records", _refuse)
        return
    server = session.server()
    zone = session.zone(server)
    for name, (first, then) in CLASSES.items():
        _life(session, server, zone, name, first, then)
    session.checks.check("extended: two values need a filter", lambda: _two_values(session, server, zone))


def _refuse():
    raise Skip("the library's classes for single types cannot name a view")


def _life(session, server, zone, name, first, then):
    make = getattr(adv, name)
    label = f"x{name.lower()}"
    target = session.target
    where = {"sds": session.sds, "server": server, "zone": zone}

    def held():
        return [row[2:] for row in session.appliance.records(label)]

    def values(attributes):
        return tuple(str(value) for value in attributes.values())

    def create():
        # The zone's name is added by the library.
        record = make(**where, name=f"{target.prefix}-{label}", ttl=900, **first)
        record.create()
        holds(record.myid > 0, f"id {record.myid}")
        equal(held(), [values(first)], "what the appliance holds")

    def fetch():
        by_name = make(**where, name=target.name(label), fetch_existing=True)
        by_values = make(**where, name=target.name(label), fetch_existing=True, **first)
        by_id = make(**where, myid=int(by_name.myid), fetch_existing=True)
        equal(int(by_values.myid), int(by_name.myid), "id found by values")
        for record in (by_name, by_id):
            for attribute, value in first.items():
                found = getattr(record, attribute)
                equal(found, type(found)(value), attribute)
            equal((record.name, record.ttl), (target.name(label), 900), "name and TTL")

    def update():
        record = make(**where, name=target.name(label), fetch_existing=True)
        for attribute, value in then.items():
            setattr(record, attribute, value)
        record.set_ttl(901)
        record.update()
        equal(held(), [values(then)], "what the appliance holds")
        equal(record.ttl, 901, "TTL")

    def delete():
        make(**where, name=target.name(label), fetch_existing=True).delete()
        equal(held(), [], "what the appliance holds")
        raises(SDSError, lambda: make(**where, name=target.name(label), fetch_existing=True), "does not exist")

    for operation, action in [
        ("create", create),
        ("fetch by name, values, id", fetch),
        ("update", update),
        ("delete", delete),
    ]:
        session.checks.check(f"{name}: {operation}", action)


def _two_values(session, server, zone):
    where = {"sds": session.sds, "server": server, "zone": zone, "name": session.target.name("xtwo")}
    for address in ("192.0.2.121", "192.0.2.122"):
        adv.ARecord(**where, ipv4_address=address).create()
    raises(SDSError, lambda: adv.ARecord(**where, fetch_existing=True), "found 2 records")
    found = adv.ARecord(**where, fetch_existing=True, ipv4_address="192.0.2.122")
    equal(str(found.ipv4_address), "192.0.2.122", "address")
    found.delete()
    adv.ARecord(**where, fetch_existing=True).delete()
