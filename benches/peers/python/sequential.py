"""SOLIDserverRest 2.9.7 as its README shows it: objects of its `adv` part, one record after another.

A record is refreshed (found by name, then read by id), its TTL is set, and it is updated (written, then read again).
"""

import importlib.metadata
import logging
import os

import peer
from SOLIDserverRest import adv


class Places:
    """Servers and zones, each read once: kinder to the library than a script that reads them for each record."""

    def __init__(self, sds):
        self.sds = sds
        self.servers = {}
        self.zones = {}

    def server(self, name):
        if name not in self.servers:
            server = adv.DNS(sds=self.sds, name=name)
            server.refresh()
            self.servers[name] = server
        return self.servers[name]

    def zone(self, server, name):
        if (server, name) not in self.zones:
            zone = adv.DNS_zone(sds=self.sds, name=name)
            zone.set_dns(self.server(server))
            zone.refresh()
            self.zones[server, name] = zone
        return self.zones[server, name]


def connect(chosen):
    """A connection with the library's own timeout (a second), whose certificate is verified."""
    os.environ["REQUESTS_CA_BUNDLE"] = chosen.ca
    sds = adv.SDS(user=chosen.user, pwd=chosen.password)
    # Its setters take no port.
    sds.sds_ip = chosen.host
    sds.set_check_cert(True)
    sds.connect()
    return sds


def update(sds, places, wanted):
    """Gives one record its new TTL."""
    record = adv.DNS_record(sds=sds, name=wanted.name)
    record.set_zone(places.zone(wanted.server, wanted.zone))
    # The value tells records of one name and type apart.
    record.set_type(wanted.type, **{{"A": "ip", "TXT": "txt", "CNAME": "target"}[wanted.type]: wanted.value})
    record.refresh()
    record.set_ttl(wanted.new_ttl)
    record.update()
    if record.ttl != wanted.new_ttl:
        raise ValueError(f"the TTL is {record.ttl} after the update")


def main():
    # The library logs to the root logger, at length.
    logging.getLogger().addHandler(logging.NullHandler())
    chosen = peer.arguments()
    result = peer.Result("python-sequential")
    sds = connect(chosen)
    places = Places(sds)
    for wanted in chosen.records:
        try:
            update(sds, places, wanted)
            result.updated += 1
        except Exception as error:  # the next record is still of interest
            result.fail(wanted, error)
    result.print(
        sds.sds.calls_counter,
        solidserverrest=importlib.metadata.version("SOLIDserverRest"),
        requests=importlib.metadata.version("requests"),
    )


if __name__ == "__main__":
    main()
