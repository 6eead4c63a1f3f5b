#!/usr/bin/python3
"""The internal listener: liveness, readiness, and metrics that a strict reader of the exposition format accepts."""

import json
import os
import re

from lib.cases import case, run
from lib.host import Host
from lib.metrics import get, parse
from lib.session import Http, ImSession, PigeonSession

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def total(values, name):
    assert any(key[0] == name for key in values), f"there is no {name}, only {sorted({key[0] for key in values})}"
    return sum(value for key, value in values.items() if key[0] == name)


@case
def routes(given):
    """livez and readyz say ok and name the parts; other paths and methods get a problem document"""
    with Host(given.loft, given.plugins) as host:
        assert get(host, "/livez") == (200, "text/plain; charset=utf-8", "ok\n")
        status, kind, body = get(host, "/readyz")
        assert (status, kind) == (200, "application/json"), body
        assert json.loads(body) == {"parts": {"host": "ok", "storage": "ok"}, "ready": True}, body
        for path, method, expected in (("/", "GET", 404), ("/metric", "GET", 404), ("/metrics", "POST", 405)):
            status, kind, body = get(host, path, method)
            assert (status, kind) == (expected, "application/problem+json"), (path, status, kind, body)
            assert json.loads(body)["status"] == expected, body
        for path in ("/metrics", "/livez", "/readyz"):
            status, _, body = get(host, path, "HEAD")
            assert status == 200 and not body, path
        assert Http(host.im).call("GET", "/metrics")[0] == 404, "metrics are served to everybody"


@case
def metrics(given):
    """metrics are well-formed, and count what happened"""
    with Host(given.loft, given.plugins) as host:
        status, kind, text = get(host, "/metrics")
        assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
        before = parse(text)
        alice, bob = ImSession(host.im), ImSession(host.im)
        alice.log_in("s_alice")
        bob.log_in("s_bob")
        pigeon = PigeonSession(host.carrypigeon)
        for number in range(5):
            alice.send_json({"type": "send_message", "timestamp": 1, "data": {
                "receiver_id": "s_bob", "type": "text", "content": f"{number}"}})
            assert alice.find(lambda frame: frame["type"] == "send_message")["data"]["success"] is True
            assert bob.find(lambda frame: frame["type"] == "new_message")["data"]["content"] == f"{number}"
        status, _ = Http(host.im).call("GET", "/health")
        assert status == 200
        after = parse(get(host, "/metrics")[2])

        def grown(name):
            return total(after, name) - total(before, name)

        assert grown("loft_commit_messages_total") == 5
        assert grown("loft_http_requests_total") >= 4  # two upgrades, /health, /metrics
        assert grown("loft_net_connections") >= 3
        assert total(after, "loft_net_received_bytes_total") > total(before, "loft_net_received_bytes_total")
        for name, value in before.items():
            if name[0].endswith("_total"):
                assert after[name] >= value, f"{name} went back"
        for session in (alice, bob, pigeon):
            session.close()


@case
def dashboard(given):
    """every metric that the dashboard shows is one of the host's, used as what it is; no panel hides another"""
    with open(os.path.join(ROOT, "config", "dashboards", "loft.json"), encoding="utf-8") as file:
        board = json.load(file)
    with Host(given.loft, given.plugins) as host:
        values = parse(get(host, "/metrics")[2])
    labels = {}
    for name, pairs in values:
        labels.setdefault(name, set()).update(pair.split("=")[0] for pair in pairs)
    taken, shown = set(), set()
    for panel in board["panels"]:
        assert panel["description"] and panel["targets"], panel["title"]
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
        for target in panel["targets"]:
            names = re.findall(r"\b(loft_\w+)", target["expr"])
            assert names and target["expr"].count("(") == target["expr"].count(")"), target
            for name in names:
                assert name in labels, f"the host has no {name}, which '{panel['title']}' shows"
                counted = re.search(rf"(rate|increase)\({name}\b", target["expr"]) is not None
                assert counted == name.endswith("_total"), f"{name} in {target['expr']}"
                shown.add(name)
            for label in re.findall(r"by \((\w+)\)", target["expr"]):
                assert label == "instance" or all(label in labels[name] for name in names), target
    (hosts,) = [one["query"] for one in board["templating"]["list"] if one["name"] == "instance"]
    assert re.fullmatch(r"label_values\((\w+), instance\)", hosts)[1] in labels
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    # What an operator does not need in a picture.
    assert set(labels) - shown == {"loft_net_sends_total", "loft_net_wakeups_total", "loft_broker_announced_total",
                                   "loft_broker_withdrawn_total", "loft_broker_unreached_total", "loft_actions_total"}, set(labels) - shown


if __name__ == "__main__":
    run(__doc__)
