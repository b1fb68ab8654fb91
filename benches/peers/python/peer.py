"""What the peers have in common: their command line, the records that they are told to change, and the result."""

import argparse
import dataclasses
import json
import platform
import resource
import sys
import time
import urllib.parse

# The types that each of the clients can read and write: one value, in one column.
TYPES = ("A", "CNAME", "TXT")
# As many complaints of one run are shown as a person reads.
SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Record:
    """A record that exists, and the TTL that it shall have."""

    name: str
    zone: str
    server: str
    type: str
    value: str
    old_ttl: int
    new_ttl: int

    def __post_init__(self):
        if self.type not in TYPES:
            sys.exit(f"{self.name}: type {self.type} is none of {', '.join(TYPES)}")
        if self.name != self.zone and not self.name.endswith("." + self.zone):
            sys.exit(f"{self.name}: not a name in the zone {self.zone}")


def arguments(*modes):
    """The command line, with `records` read and `host` and `port` taken from the endpoint."""
    parser = argparse.ArgumentParser()
    if modes:
        parser.add_argument("mode", choices=modes)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--records", required=True)
    parser.add_argument("--concurrency", type=int, default=50)
    chosen = parser.parse_args()
    endpoint = urllib.parse.urlsplit(chosen.endpoint)
    if endpoint.scheme != "https" or endpoint.path.strip("/"):
        sys.exit("--endpoint: https://HOST:PORT is needed; these clients know no path prefix")
    chosen.host = f"{endpoint.hostname}:{endpoint.port or 443}"
    with open(chosen.records, encoding="utf-8") as file:
        chosen.records = [Record(**record) for record in json.load(file)]
    return chosen


class Result:
    """Counts what became of the records, from its making on."""

    def __init__(self, name):
        self.name = name
        self.begun = time.monotonic()
        self.updated = self.skipped = self.failed = 0

    def fail(self, record, error):
        """A record that does not have its new TTL."""
        self.failed += 1
        if self.failed <= SHOWN:
            print(f"{record.name} {record.type}: {type(error).__name__}: {error}", file=sys.stderr)

    def print(self, calls, **versions):
        """The result as one JSON object; the clock stops."""
        wall = time.monotonic() - self.begun
        usage = resource.getrusage(resource.RUSAGE_SELF)
        print(
            json.dumps(
                {
                    "name": self.name,
                    "wall_seconds": round(wall, 4),
                    "updated": self.updated,
                    "skipped": self.skipped,
                    "failed": self.failed,
                    "calls": calls,
                    "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
                    "versions": {"python": platform.python_version(), **versions},
                }
            )
        )
