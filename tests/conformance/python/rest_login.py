"""Connecting: the three logins, refused logins, the certificate."""

import os

from SOLIDserverRest.Exception import SDSAuthError, SDSEmptyError, SDSRequestError

from checks import Skip, equal, holds, raises


def run(session):
    check = session.checks.check
    target = session.target

    def reported_version():
        status, rows = session.appliance.call("GET", "member_list", {"WHERE": "member_is_me=1"})
        equal(status, 200, "status of member_list")
        return rows[0]["member_version"]

    def connects(method):
        if method == "token" and not target.token_id:
            raise Skip("no token is given")
        sds = session.connect(method=method)
        equal(sds.get_version(), reported_version(), "version")
        where = {"WHERE": f"dns_name='{target.server}'"}
        equal(sds.query("dns_server_list", params=where)[0]["dns_name"], target.server, "server seen with this login")

    def refused(method, **wrong):
        if not target.simulated:
            raise Skip("a real appliance may lock the account")
        raises(SDSAuthError, lambda: session.connect(method=method, **wrong), "authentication error")

    for method in ("basicauth", "native", "token"):
        check(f"connect by {method}", lambda method=method: connects(method))
    check("connect by basicauth: wrong password", lambda: refused("basicauth", password="wrong"))
    check("connect by basicauth: unknown user", lambda: refused("basicauth", user="nobody"))
    check("connect by native: wrong password", lambda: refused("native", password="wrong"))
    check("connect by token: wrong secret", lambda: refused("token", secret="wrong"))

    def certificate_file():
        if not target.ca_file:
            raise Skip("no CA file is given")
        equal(session.connect(cert_file_path=target.ca_file).get_version(), reported_version(), "version")

    def unknown_authority():
        if not target.simulated:
            raise Skip("needs an appliance whose certificate is from a CA of its own")
        bundle = os.environ.pop("REQUESTS_CA_BUNDLE")
        try:
            raises(SDSRequestError, session.connect, "SSL certificate error")
        finally:
            os.environ["REQUESTS_CA_BUNDLE"] = bundle

    def load():
        figures = session.sds.get_load()
        equal(sorted(figures), ["cpu", "hdd", "ioload", "mem"], "figures")
        holds(all(isinstance(figure, (int, float)) for figure in figures.values()), f"numbers: {figures}")

    def disconnect():
        sds = session.connect()
        sds.disconnect()
        raises(SDSEmptyError, lambda: sds.query("member_list"), "not connected")

    check("certificate of a file", certificate_file)
    check("certificate of an unknown authority is refused", unknown_authority)
    check("load of the appliance", load)
    check("disconnect", disconnect)
