"""EfficientIP's Python library SOLIDserverRest, unmodified, against the /rest services.

Run in the virtual environment of one release: `rest.py [GROUP...]`; without a group, all of them.
"""

import dataclasses
import importlib.metadata
import logging
import os
import sys

from SOLIDserverRest import adv

import rest_containers
import rest_extended
import rest_limits
import rest_login
import rest_records
import rest_services
from appliance import Appliance
from checks import Checks
from target import from_environment

VERSION = importlib.metadata.version("SOLIDserverRest")

GROUPS = {
    "login": rest_login.run,
    "services": rest_services.run,
    "containers": rest_containers.run,
    "records": rest_records.run,
    "aaaa": rest_records.run_aaaa,
    "extended": rest_extended.run,
    "class-parameters": rest_records.run_class_parameters,
    "errors": rest_records.run_errors,
    "pending": rest_records.run_pending,
    "limits": rest_limits.run,
}
# Only when asked for: it needs a simulator that publishes late.
ON_REQUEST = {"pending"}


class Session:
    """One connection by the library, and what the groups need beside it."""

    def __init__(self):
        target = from_environment()
        # Names of one release do not meet those of another, whatever either leaves behind.
        self.target = dataclasses.replace(target, prefix=f"{target.prefix}-{VERSION.replace('.', '-')}")
        self.release = tuple(int(part) for part in VERSION.split(".")[:2])
        self.checks = Checks("SOLIDserverRest", VERSION)
        self.appliance = Appliance(self.target)
        self._sds = None

    def connect(self, method="basicauth", user=None, password=None, secret=None, **options):
        """A new connection of the library; the certificate is verified against REQUESTS_CA_BUNDLE."""
        sds = adv.SDS(ip_address=self.target.address)
        if method == "token":
            sds.set_token_creds(keyid=self.target.token_id, keysecret=secret or self.target.token_secret)
        else:
            sds.set_credentials(user=user or self.target.user, pwd=password or self.target.password)
        sds.set_check_cert(True)
        sds.connect(method=method, **options)
        # On a real appliance the library's own limit (200 calls a minute) stays.
        if self.target.simulated and hasattr(sds, "set_rate_limit"):
            sds.set_rate_limit(1_000_000, 60)
        sds.set_timeout(10)
        return sds

    @property
    def sds(self):
        """The connection that most checks share."""
        if self._sds is None:
            self._sds = self.connect()
        return self._sds

    def server(self):
        """The DNS server, read."""
        server = adv.DNS(sds=self.sds, name=self.target.server)
        server.refresh()
        return server

    def view(self, server):
        """The view of the scratch zone, read; None for a server without views."""
        if not self.target.view:
            return None
        view = adv.DNS_view(sds=self.sds, name=self.target.view, dns_server=server)
        view.refresh()
        return view

    def zone(self, server):
        """The scratch zone, read. In a view it is read by id, as the library's search by name leaves the view out."""
        zone = adv.DNS_zone(sds=self.sds, name=self.target.zone)
        zone.set_dns(server)
        view = self.view(server)
        if view is not None:
            zone.set_view(view)
            where = f"dnszone_name='{self.target.zone}' and dns_name='{self.target.server}'"
            rows = self.appliance.rows("dns_zone_list", f"{where} and dnsview_name='{self.target.view}'")
            zone.myid = int(rows[0]["dnszone_id"])
        zone.refresh()
        return zone


def main():
    # The library logs to the root; it would set up a handler of its own if there were none.
    logging.getLogger().addHandler(logging.NullHandler())
    if os.environ.get("CONFORMANCE_CA_FILE"):
        os.environ["REQUESTS_CA_BUNDLE"] = os.environ["CONFORMANCE_CA_FILE"]
    chosen = sys.argv[1:] or [group for group in GROUPS if group not in ON_REQUEST]
    session = Session()
    for group in chosen:
        try:
            GROUPS[group](session)
        except Exception as error:  # the preparation of a group failed; the other groups are still of interest
            session.checks.note(f"{group}: preparation", "FAILED", f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
