#!/usr/bin/python3
"""Contracts that share a port through mount prefixes, and those that cannot."""

import os
import secrets

from lib.cases import case, run
from lib.host import Host
from lib.people import CONTRACTS
from lib.program import TRUSTING, Place
from lib.raw import Raw
from lib.session import Http, ImSession

TWO = ("  - {name: both, listen: 127.0.0.1:0, contracts: [{use: im, mount: /a}, {use: support, mount: /b/c}]}\n"
       "contracts:\n  support: {use: im, auth: token}\n")
OVER_HTTP = ("netherlink", "flix", "message_service", "im")


def there(given, names):
    return [name for name in names if os.path.exists(os.path.join(given.plugins, f"contract.{name}.so"))]


class Mounted:
    """A host as lib/people knows it, whose contracts live below a prefix of one port."""

    def __init__(self, host, listener, names):
        self._host, self._listener, self._names = host, listener, names
        self.account = host.account

    def at(self, contract):
        if contract not in self._names:
            return self._host.at(contract)
        return f"http://127.0.0.1:{self._host.port(self._listener)}/{contract}"


@case
def two(given):
    """Two instances of one contract share a port under different mounts: one store, own options, own sessions"""
    with Host(given.loft, given.plugins, extra=TWO) as host:
        root = f"http://127.0.0.1:{host.port('both')}"
        first, second = root + "/a", root + "/b/c"
        ann, bob = host.account("s_ann"), host.account("s_bob")
        session, session_too = ImSession(first), ImSession(second)
        session.log_in("s_ann")
        session_too.log_in("s_ann", ann["token"])  # another contract's session: it takes nobody's place
        body = b'{"receiver_id":"s_ann","type":"text","content":"to both"}'
        assert Http(second).call("POST", "/api/v1/messages", {"X-User-ID": "s_bob"}, body)[0] == 401
        proof = {"Authorization": f"Bearer {bob['token']}"}
        status, answer = Http(second).call("POST", "/api/v1/messages", proof, body)
        assert status == 200, answer
        assert session.take()["data"]["content"] == session_too.take()["data"]["content"] == "to both"
        for base, headers in ((first, {"X-User-ID": "s_bob"}), (second, proof)):
            status, got = Http(base).call("GET", "/api/v1/messages/" + answer["message_id"], headers)
            assert status == 200 and got["message"]["content"] == "to both", (base, got)
        again = ImSession(first)
        again.log_in("s_ann")
        session.wait_closed()  # one session of a user, of this instance
        assert session_too.round_trip() == []
        session_too.close()
        again.close()


@case
def elsewhere(given):
    """What no route serves is answered by the contract whose prefix it is below, and by the host outside of them all"""
    with Host(given.loft, given.plugins, extra=TWO) as host:
        root = f"http://127.0.0.1:{host.port('both')}"
        contracts, hosts = {"error": "Not found"}, {"error": "not found"}
        for path, form in (("/a/nothing", contracts), ("/b/c/nothing", contracts), ("/b/c", contracts), ("/a", contracts),
                           ("/a/", contracts), ("/", hosts), ("/nothing", hosts), ("/health", hosts), ("/b/health", hosts),
                           ("/ab/health", hosts), ("/b/cd/health", hosts), ("/A/health", hosts), ("/a/b/c/health", contracts),
                           ("/a//health", contracts)):
            assert Http(root).call("GET", path) == (404, form), (path, Http(root).call("GET", path))
        for path in ("/a/health", "/b/c/health"):
            assert Http(root).call("GET", path)[0] == 200, path
            assert Http(root).call("DELETE", path) == (405, {"error": "Method not allowed"}), path
        for path, status in (("/a/ws", 101), ("/b/c/ws", 101), ("/ws", 404), ("/b/ws", 404), ("/a/ws/", 404), ("/a/ws/x", 404),
                             ("/aws", 404), ("/a/health", 200)):
            raw = Raw(root)
            assert raw.upgrade(path) == status, path
            raw.close()


@case
def all_on_one(given):
    """Every contract over HTTP and WebSockets on one port: whoever writes through one is heard through each"""
    names = there(given, OVER_HTTP)
    mounts = ", ".join(f"{{use: {name}, mount: /{name}}}" for name in names)
    extra = f"  - {{name: web, listen: 127.0.0.1:0, contracts: [{mounts}]}}\n"
    with Host(given.loft, given.plugins, extra=extra) as host:
        mounted = Mounted(host, "web", names)
        people = [person for person in CONTRACTS if person.contract in names]
        mark = secrets.token_hex(4)
        for number, writer in enumerate(people):
            ann, ben = host.account(f"ann_{number}_{mark}"), host.account(f"ben_{number}_{mark}")
            listeners = [person(mounted, ben) for person in people if person.pushes]
            for listener in listeners:
                listener.enter()
            speaker = writer(mounted, ann)
            speaker.enter()
            sent = speaker.send(ben, "through one port")
            for listener in listeners:
                assert listener.hear().id == sent, listener.contract
                listener.leave()
            for person in people:
                if not person.pushes:
                    assert [seen.id for seen in person(mounted, ben).catch_up()] == [sent], person.contract
            speaker.leave()


@case
def clashes(given):
    """Contracts that want one route of one port are refused by `check` and `serve`, with the place and both names"""
    def refused(listener, more, *words):
        text = TRUSTING + f"listeners:\n  - name: web\n    listen: 127.0.0.1:0\n    contracts:\n{listener}{more}"
        with Place(given, text) as place:
            checked = place.run("check")
            assert checked.code == 78, checked
            served = place.refused(78)
            for ran in (checked, served):
                for word in words:
                    assert word in ran.err, f"{word!r} is not in\n{ran}"
            assert checked.err.endswith("loft: 1 problem in the configuration\n"), checked

    remedy = "give one of them another `mount` or listener"
    support = "contracts: {support: {use: im}}\n"
    refused("      - im\n      - support\n", support, "loft.yaml:12:9: listeners.0.contracts.1: listener 'web': ",
            "WebSocket /ws is claimed by im and by support", "POST /api/v1/messages is claimed by im and by support",
            "GET /api/v1/messages/:id is claimed by im and by support", remedy)
    refused("      - {use: support, mount: /x}\n      - {use: im, mount: /x}\n", support,
            "loft.yaml:12:9: listeners.0.contracts.1: ", "WebSocket /x/ws is claimed by support and by im",
            "POST /x/api/v1/messages is claimed by support and by im", remedy)
    # By a prefix that makes one contract's route of another's.
    refused("      - {use: im, mount: /api/v1/messages}\n      - {use: support, mount: /api/v1/messages}\n", support,
            "WebSocket /api/v1/messages/ws is claimed by im and by support")
    if there(given, ["netherlink"]):
        refused("      - im\n      - netherlink\n", "", "WebSocket /ws is claimed by im and by netherlink", remedy)
    for name in there(given, ["flix"]):
        refused(f"      - im\n      - {name}\n", "", f"POST /api/v1/messages is claimed by im and by {name}", remedy)


@case
def not_twice(given):
    """Packet connections have no prefix, so that a second contract on one such port is refused too; a prefix must be one"""
    start = TRUSTING + "listeners:\n"
    packets = ("  - {name: packets, listen: 127.0.0.1:0, transport: route_packet, contracts: [carrypigeon, {use: other, "
               "mount: /other}]}\ncontracts: {other: {use: carrypigeon}}\n")
    with Place(given, start + packets) as place:
        place.refused(78, "loft.yaml:8:92: listeners.0.contracts.1: listener 'packets': packet connections is claimed by "
                          "carrypigeon and by other")
    for mount in ("a", "/a/", "/"):
        with Place(given, start + f"  - {{name: web, listen: 127.0.0.1:0, contracts: [{{use: im, mount: {mount}}}]}}\n") as place:
            place.refused(78, "loft.yaml:8:", "must begin with a slash and not end with one, such as /im")


if __name__ == "__main__":
    run(__doc__)
