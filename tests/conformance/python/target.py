"""Which appliance is tried, and where on it records may be made: from the environment, see the guide."""

import dataclasses
import os
import sys


@dataclasses.dataclass(frozen=True)
class Target:
    """The appliance, the account, and the scratch zone."""

    address: str
    user: str
    password: str = dataclasses.field(repr=False)
    token_id: str
    token_secret: str = dataclasses.field(repr=False)
    ca_file: str
    server: str
    view: str
    zone: str
    # All names that are made begin with it; what does not is never touched.
    prefix: str
    # Base URL of the simulator's admin interface; empty for a real appliance.
    admin: str

    @property
    def simulated(self):
        """Whether this is the simulator: then servers, views and zones are made, and faults are asked for."""
        return bool(self.admin)

    def name(self, label):
        """An owner name of this run in the scratch zone."""
        return f"{self.prefix}-{label}.{self.zone}"


def from_environment():
    """The target; ends the program when something is missing."""

    def need(name):
        value = os.environ.get(f"CONFORMANCE_{name}", "")
        if not value:
            sys.exit(f"CONFORMANCE_{name} is not set; docs/guides/conformance.md says what it is")
        return value

    def may(name):
        return os.environ.get(f"CONFORMANCE_{name}", "")

    return Target(
        address=need("ADDRESS"),
        user=need("USER"),
        password=need("PASSWORD"),
        token_id=may("TOKEN_ID"),
        token_secret=may("TOKEN_SECRET"),
        ca_file=may("CA_FILE"),
        server=need("SERVER"),
        view=may("VIEW"),
        zone=need("ZONE"),
        prefix=need("PREFIX"),
        admin=may("ADMIN"),
    )
