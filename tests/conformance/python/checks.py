"""Runs checks one by one and writes down what came of each."""

import os
import time
import traceback


class Skip(Exception):
    """This check says nothing about this appliance; the text says why."""


class Checks:
    """Checks of one client.

    Each result is a line of the file CONFORMANCE_RESULTS: client, version, operation, result, detail.
    """

    def __init__(self, client, version):
        self.client = client
        self.version = version
        # Seconds before each check: a real appliance shares its call budget with people.
        self.pause = float(os.environ.get("CONFORMANCE_PAUSE") or 0)
        self.results = open(os.environ["CONFORMANCE_RESULTS"], "a", encoding="utf-8")

    def check(self, operation, action):
        """Runs the action; whatever it raises is the failure of this check alone. Returns what the action returns."""
        time.sleep(self.pause)
        try:
            value = action()
        except Skip as reason:
            self.note(operation, "skipped", str(reason))
        except Exception as error:  # a client's exceptions have no common base
            self.note(operation, "FAILED", f"{type(error).__name__}: {error}{_where(error)}")
        else:
            self.note(operation, "passed", "")
            return value
        return None

    def note(self, operation, result, detail):
        """Writes one result down."""
        fields = (self.client, self.version, operation, result, " ".join(detail.split()))
        self.results.write("\t".join(fields) + "\n")
        self.results.flush()


def _where(error):
    frames = traceback.extract_tb(error.__traceback__)
    here = [frame for frame in frames if "/conformance/python/" in frame.filename]
    return f" (line {here[-1].lineno})" if here else ""


def equal(actual, expected, what):
    """Fails unless both are equal; both are shown."""
    if actual != expected:
        raise AssertionError(f"{what}: {actual!r} instead of {expected!r}")


def holds(condition, what):
    """Fails unless the condition is true."""
    if not condition:
        raise AssertionError(what)


def raises(kind, action, text=""):
    """Fails unless the action raises this kind of exception, and its text has this in it."""
    try:
        value = action()
    except kind as error:
        if text.lower() not in str(error).lower():
            raise AssertionError(f"{kind.__name__} says {str(error)!r}, not {text!r}") from error
        return error
    raise AssertionError(f"no {kind.__name__}, but {value!r}")
