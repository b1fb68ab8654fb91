"""What the library makes of 429, and of an appliance that is slow or breaks off: on the simulator only."""

import logging

from SOLIDserverRest import adv
from SOLIDserverRest import Exception as library
from SOLIDserverRest.Exception import SDSDNSError, SDSError, SDSRequestError

from checks import equal, holds, raises
from rest_records import Place


class Warnings(logging.Handler):
    """Keeps what the library warns of."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


def run(session):
    target = session.target
    if not target.simulated:
        return
    place = Place(session)
    check = session.checks.check
    knows_429 = hasattr(library, "SDSRateLimitError")

    def faulty(fault, action):
        """Runs the action under a fault; returns its value, the calls by status, and what the library warned of."""
        warnings = Warnings()
        logging.getLogger().addHandler(warnings)
        session.appliance.admin("DELETE", "/calls")
        session.appliance.admin("POST", "/faults", fault)
        try:
            value = action()
        finally:
            logging.getLogger().removeHandler(warnings)
            session.appliance.admin("DELETE", "/faults")
        return value, session.appliance.admin("GET", "/calls")["byStatus"], warnings.texts

    def read():
        return session.sds.query("dns_server_list", params={"WHERE": f"dns_name='{target.server}'"})

    def slow_down(count, seconds):
        return {"service": "list", "kind": "status", "code": 429, "count": count, "retryAfter": str(seconds)}

    def waits():
        rows, statuses, warned = faulty(slow_down(1, 1), read)
        equal(rows[0]["dns_name"], target.server, "answer after the pause")
        equal(statuses, {"200": 1, "429": 1}, "calls by status")
        equal(warned, ["rate limited, waiting for 1s"], "warnings")

    def gives_up():
        kind = library.SDSRateLimitError
        error, statuses, warned = faulty(slow_down(9, 0), lambda: raises(kind, read, "rate limit exceeded"))
        holds(error is not None, "an error")
        equal(statuses, {"429": 3}, "calls by status")
        equal(len(warned), 2, "pauses")

    def no_success():
        # This release looks at no 429; what matters is that it takes none for success.
        fault = {"service": "add", "kind": "status", "code": 429, "count": 1, "retryAfter": "1"}
        record = place.record("limited", "A", ip="192.0.2.81")
        faulty(fault, lambda: raises(SDSDNSError, record.create))
        equal(session.appliance.records("limited"), [], "rows")

    if knows_429:
        check("429: waits as long as Retry-After says", waits)
        check("429: gives up after three calls", gives_up)
    else:
        check("429: is no success", no_success)

    def too_slow():
        sds = session.connect()
        sds.set_timeout(1)
        where = {"WHERE": f"dns_name='{target.server}'"}
        fault = {"service": "list", "kind": "slow", "ms": 3000, "count": 1}
        faulty(fault, lambda: raises(SDSRequestError, lambda: sds.query("dns_server_list", params=where)))

    def not_connected():
        # An account without rights to a service: the version is unknown, and the connection stands all the same.
        sds, _, _ = faulty({"service": "member_list", "kind": "connected-false", "count": 1}, session.connect)
        equal(sds.version, "ukn", "version")

    def broken_off():
        fault = {"service": "list", "kind": "truncate", "count": 1}
        value, _, _ = faulty(fault, read)
        equal(value, None, "value of an answer that ends in the middle")

    def refused():
        fault = {"service": "add", "kind": "reject", "message": "no such luck", "count": 1}
        record = place.record("refused", "A", ip="192.0.2.82")
        faulty(fault, lambda: raises(SDSError, record.create, "no such luck"))

    check("answer that is too late", too_slow)
    check("version that the account may not see", not_connected)
    check("answer that breaks off", broken_off)
    check("write that the appliance refuses", refused)
