#!/usr/bin/python3
"""What the HTTP layer refuses before a route sees it: each contract says it in its own form."""

import json
import os

from lib.cases import case, run
from lib.host import Host
from lib.raw import Raw

BIG = "Content-Length: 2000000\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
# Status, first line, headers, and what is sent behind them.
REFUSED = ((413, "POST {path}", BIG, b""),
           (413, "PUT {path}", "Expect: 100-continue\r\n" + BIG, b""),
           (413, "POST {path}", CHUNKED, b"3\r\nabc\r\n1e8480\r\nx"),
           (431, "GET {path}", "X: " + "x" * 17000 + "\r\n", b""),
           (431, "GET {path}", "X: x\r\n" * 200, b""),
           (414, "GET {path}/" + "x" * 9000, "", b""),
           (417, "POST {path}", "Expect: wonders\r\nContent-Length: 3\r\n", b""),
           (400, "GET {path}", "Host: another\r\n", b""),
           (400, "POST {path}", "Content-Length: 3\r\nContent-Length: 4\r\n", b""),
           (400, "POST {path}", CHUNKED, b"zz\r\n"),
           (501, "POST {path}", "Transfer-Encoding: gzip\r\n", b""))


def im(status, body):
    return set(body) == {"error"} and body["error"][0].isupper()


def netherlink(status, body):
    return set(body) == {"success", "message"} and body["success"] is False


def flix(status, body):
    return set(body) == {"success", "error"} and body["success"] is False and set(body["error"]) == {"code", "message"}


def message_service(status, body):
    return set(body) == {"code", "message", "data"} and body["code"] == status and body["data"] is None


FORMS = {"im": (im, "/api/v1/messages"), "netherlink": (netherlink, "/api/messages/mark_synced"),
         "flix": (flix, "/api/v1/messages"), "message_service": (message_service, "/api/v1/messages/private")}
SOCKETS = {"im": "/ws", "netherlink": "/ws", "flix": "/socket/websocket"}


def problem(status, body):
    return set(body) == {"type", "title", "status", "detail"} and body["status"] == status


def there(given):
    return [name for name in FORMS if os.path.exists(os.path.join(given.plugins, f"contract.{name}.so"))]


def answer(base, line, headers="", behind=b""):
    """Status, headers and body of the only answer, after which the host closes."""
    raw = Raw(base)
    raw.send(f"{line} HTTP/1.1\r\nHost: {raw.host}\r\n{headers}\r\n".encode() + behind)
    data = raw.until_closed()
    raw.close()
    head, end, body = data.partition(b"\r\n\r\n")
    assert end, (line[:60], data)
    first, *rest = head.decode().split("\r\n")
    fields = {name.lower(): value for name, _, value in (text.partition(": ") for text in rest)}
    return int(first.split(" ")[1]), fields, body


def check(base, path, form, name):
    for status, line, headers, behind in REFUSED:
        got, fields, body = answer(base, line.format(path=path), headers, behind)
        text = json.loads(body)
        assert got == status and form(status, text), (name, status, line[:60], got, text)
        assert fields["connection"] == "close" and int(fields["content-length"]) == len(body), (name, fields)
    status, fields, body = answer(base, f"HEAD {path}", BIG)
    assert (status, body) == (413, b"") and int(fields["content-length"]) > 0, (name, fields, body)


@case
def own_listeners(given):
    """each contract words what is refused in its own form, and the connection closes; also what has no readable first line"""
    with Host(given.loft, given.plugins, contracts=(*there(given), "carrypigeon")) as host:
        for name in there(given):
            form, path = FORMS[name]
            base = f"http://127.0.0.1:{host.port(name)}"
            check(base, path, form, name)
            status, fields, body = answer(base, "nonsense")
            assert status == 400 and form(status, json.loads(body)), (name, body)
        check(f"http://127.0.0.1:{host.port('internal')}", "/metrics", problem, "admin")


@case
def one_port(given):
    """below the mounts of one port each contract keeps its words, auth beside im too, and outside of them the host has its own"""
    names = there(given)
    mounts = ", ".join([f"{{use: {name}, mount: /{name}}}" for name in names] + ["{use: auth, mount: /im}"])
    extra = f"  - {{name: web, listen: 127.0.0.1:0, contracts: [{mounts}]}}\n"
    with Host(given.loft, given.plugins, extra=extra) as host:
        base = f"http://127.0.0.1:{host.port('web')}"
        for name in names:
            form, path = FORMS[name]
            check(base, f"/{name}{path}", form, name)
        check(base, "/im/auth/token", problem, "auth")
        check(base, "/elsewhere", lambda status, body: set(body) == {"error"} and body["error"][0].islower(), "host")


@case
def sockets(given):
    """a WebSocket's path without an upgrade is 426 and says to what, with another method 405, which document 001 calls 400"""
    with Host(given.loft, given.plugins, contracts=(*there(given), "cp")) as host:
        for name in there(given):
            if name not in SOCKETS:
                continue
            form, path = FORMS[name][0], SOCKETS[name]
            base = f"http://127.0.0.1:{host.port(name)}"
            status, fields, body = answer(base, f"GET {path}", "Connection: close\r\n")
            assert status == 426 and form(426, json.loads(body)), (name, status, body)
            assert (fields["upgrade"], fields["connection"]) == ("websocket", "Upgrade, close"), fields
            for headers in ("", "Upgrade: websocket\r\n"):
                status, fields, body = answer(base, f"POST {path}", headers + "Content-Length: 0\r\nConnection: close\r\n")
                assert status == (400 if name == "flix" else 405) and form(status, json.loads(body)), (name, status, body)
                assert fields.get("allow") == (None if name == "flix" else "GET"), fields
            raw = Raw(base)
            assert raw.upgrade(path) == 101
            raw.close()
        status, _, body = answer(f"http://127.0.0.1:{host.port('cp')}", "GET /cp", "Connection: close\r\n")
        assert (status, set(json.loads(body))) == (426, {"error"}), body


if __name__ == "__main__":
    run(__doc__)
