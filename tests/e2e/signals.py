#!/usr/bin/python3
"""What signals do to a running host."""

import http.client
import json
import os
import signal
import time

from lib.cases import case, run, until
from lib.host import Host
from lib.program import run as program
from lib.raw import Raw
from lib.session import Http, ImSession, PigeonSession
from lib.wire import Closed

TEXT, CLOSE = 1, 8


def send(session, client_id, receiver, content):
    session.send_json({"type": "send_message", "data": {"receiver_id": receiver, "type": "text", "content": content},
                       "timestamp": 1, "message_id": client_id})


def to_the_end(session):
    """Everything still heard, and the code with which the host closed."""
    heard = []
    while True:
        try:
            heard.append(session.take())
        except Closed as closed:
            return heard, closed.code


def acknowledged(heard):
    """Server's id → content of the messages that were answered as sent."""
    return {frame["data"]["message_id"]: frame["data"]["message"]["content"] for frame in heard
            if frame["type"] == "send_message" and frame["data"].get("success")}


def check_stored(host, user, messages):
    for key, content in messages.items():
        status, answer = Http(host.im).call("GET", f"/api/v1/messages/{key}", {"X-User-ID": user})
        assert status == 200 and answer["message"]["content"] == content, (key, content, status, answer)


def internal(host, path):
    """Status and body of the internal listener's answer."""
    link = http.client.HTTPConnection("127.0.0.1", host.port("internal"), timeout=30)
    try:
        link.request("GET", path)
        answer = link.getresponse()
        return answer.status, answer.read().decode()
    finally:
        link.close()


class Stubborn:
    """Two clients that do not let go: one owes the rest of a request, the other never answers a close frame."""

    def __init__(self, host):
        self.request = Raw(host.im)
        self.request.send(b"POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nX-User-ID: s_stubborn\r\nContent-Length: 100\r\n"
                          b"Expect: 100-continue\r\n\r\n")
        assert self.request.response()[0] == 100
        self.request.send(b'{"rec')
        self.socket = Raw(host.im)
        assert self.socket.upgrade() == 101

    def close(self):
        self.request.close()
        self.socket.close()


@case
def term_drains(given):
    """SIGTERM with live connections: what the host had heard is answered, everything acknowledged is stored, each
    connection hears 1001, the host ends with 0"""
    with Host(given.loft, given.plugins) as host:
        people = [f"s_user{index}" for index in range(20)]
        sessions = [ImSession(host.im) for _ in people]
        for session, user in zip(sessions, people):
            session.log_in(user)
        pigeon = PigeonSession(host.carrypigeon)
        account = host.account("s_pigeon")
        pigeon.log_in(account["token"], account["uid"])
        for index, session in enumerate(sessions):
            for number in range(40):
                send(session, f"c{index}-{number}", people[index - 1], f"{index}:{number}")
            session.send_json({"type": "heartbeat", "data": {}, "timestamp": 1})
        for session in sessions:
            session.find(lambda frame: frame["type"] == "heartbeat")  # so it has heard what came before
        for number in range(40, 50):  # and these meet the signal
            for index, session in enumerate(sessions):
                send(session, f"c{index}-{number}", people[index - 1], f"{index}:{number}")
        host.process.send_signal(signal.SIGTERM)
        answered = []
        for session in sessions:
            heard, code = to_the_end(session)
            assert code == 1001, code
            answered.append(acknowledged(heard))
        assert pigeon.wait_closed() is None
        pigeon.close()
        assert host.process.wait(30) == 0, host.tail()
        assert "signal=SIGTERM" in host.tail() and "everything_ended_in_time=true" in host.tail(), host.tail()
        assert not os.path.exists(os.path.join(host.data_dir, "ports.json"))
        assert not os.path.exists(os.path.join(host.data_dir, "control.sock"))
        host.check_log()
        host.start()
        for index, (user, messages) in enumerate(zip(people, answered)):
            assert {f"{index}:{number}" for number in range(40)} <= set(messages.values()), (user, len(messages))
            check_stored(host, user, messages)


@case
def grace_passes(given):
    """clients that refuse to close are left after the grace: nobody new gets in meanwhile, and the exit code is 0"""
    with Host(given.loft, given.plugins, arguments=["--set", "server.grace=2s"]) as host:
        session = ImSession(host.im)
        session.log_in("s_alice")
        stubborn = Stubborn(host)
        begin = time.monotonic()
        host.process.send_signal(signal.SIGTERM)
        assert session.wait_closed() == 1001
        try:
            Raw(host.im).close()
            raise AssertionError("a host that stops took a new connection")
        except ConnectionError:
            pass
        code = host.process.wait(30)
        took = time.monotonic() - begin
        assert code == 0, host.tail()
        assert 1.5 < took < 20, f"it took {took:.1f} s, the grace is 2 s"
        assert "everything_ended_in_time=false" in host.tail(), host.tail()
        host.check_log()
        stubborn.close()
        host.start()  # what it left can be used again


@case
def internal_while_draining(given):
    """while a connection keeps the drain open, readyz says 503 and that the host stops, livez 200, and metrics count on;
    when the connection ends, so does the host"""
    with Host(given.loft, given.plugins, arguments=["--set", "server.grace=10m"]) as host:
        assert internal(host, "/readyz") == (200, '{"parts":{"host":"ok","storage":"ok"},"ready":true}')
        session = ImSession(host.im)
        session.log_in("s_alice")
        stubborn = Stubborn(host)
        kept = http.client.HTTPConnection("127.0.0.1", host.port("internal"), timeout=30)
        kept.request("GET", "/livez")
        assert kept.getresponse().read() == b"ok\n"
        host.process.send_signal(signal.SIGTERM)
        assert session.wait_closed() == 1001
        for _ in range(3):
            assert internal(host, "/readyz") == (503, '{"parts":{"host":"stopping","storage":"ok"},"ready":false}')
            assert internal(host, "/livez") == (200, "ok\n")
        kept.request("GET", "/readyz")  # over a connection of before
        assert kept.getresponse().status == 503
        assert 1 <= host.metrics()["loft_net_connections"] <= 6, host.metrics()
        assert host.alive()
        stubborn.close()
        assert host.process.wait(30) == 0, host.tail()
        assert "everything_ended_in_time=true" in host.tail(), host.tail()
        kept.close()
        host.check_log()
        host.start()


@case
def second_term(given):
    """a second SIGTERM ends the host at once, and what was acknowledged stays"""
    with Host(given.loft, given.plugins, arguments=["--set", "server.grace=10m"]) as host:
        session = ImSession(host.im)
        session.log_in("s_alice")
        send(session, "c1", "s_bob", "before the end")
        messages = acknowledged([session.find(lambda frame: frame["type"] == "send_message")])
        assert len(messages) == 1
        stubborn = Stubborn(host)
        host.process.send_signal(signal.SIGTERM)
        assert session.wait_closed() == 1001
        assert host.alive()
        begin = time.monotonic()
        host.process.send_signal(signal.SIGTERM)
        assert host.process.wait(30) == 1, host.tail()
        assert time.monotonic() - begin < 10
        host.check_log()
        stubborn.close()
        host.start()
        check_stored(host, "s_alice", messages)


@case
def interrupt(given):
    """SIGINT drains as SIGTERM does"""
    with Host(given.loft, given.plugins) as host:
        session = ImSession(host.im)
        session.log_in("s_alice")
        host.process.send_signal(signal.SIGINT)
        assert session.wait_closed() == 1001
        assert host.process.wait(30) == 0, host.tail()
        assert "signal=SIGINT" in host.tail(), host.tail()
        host.check_log()
        host.start()


def edit(host, old, new):
    with open(host.config, encoding="utf-8") as file:
        text = file.read()
    assert old in text
    with open(host.config, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))


@case
def hang_up(given):
    """SIGHUP reads the log levels again; a file with problems, or none at all, changes nothing"""
    with Host(given.loft, given.plugins, extra="log:\n  level: error\n") as host:
        assert "ready" not in host.tail()
        edit(host, "level: error", "level: info")
        host.process.send_signal(signal.SIGHUP)
        until(lambda: "log levels were read again" in host.tail(), "the host says that it read the levels")
        edit(host, "level: info", "level: loud")
        host.process.send_signal(signal.SIGHUP)
        until(lambda: "nothing was changed" in host.tail() and "'loud' is not one of" in host.tail(), "the refusal")
        os.unlink(host.config)
        host.process.send_signal(signal.SIGHUP)
        until(lambda: host.tail().count("nothing was changed") == 2, "the refusal of a missing file")
        session = ImSession(host.im)
        session.log_in("s_alice")
        assert not session.round_trip()
        host.process.send_signal(signal.SIGTERM)
        assert host.process.wait(30) == 0
        assert "stopping signal=SIGTERM" in host.tail(), "the level `info` is gone\n" + host.tail()
        host.check_log()


@case
def rotation(given):
    """after SIGHUP the log goes on in a new file of that name"""
    with Host(given.loft, given.plugins) as place:
        place.stop()
        path = os.path.join(place.directory, "loft.log")
        place.arguments = ["--set", f"log.file={path}"]
        place.start()
        os.rename(path, path + ".1")
        place.process.send_signal(signal.SIGHUP)
        until(lambda: os.path.exists(path) and "log levels were read again" in open(path, encoding="utf-8").read(),
              "a new log file with a line in it")
        assert "ready" in open(path + ".1", encoding="utf-8").read()


@case
def killed(given):
    """what SIGKILL leaves behind (socket, lock, ports.json) hinders neither commands nor the next start"""
    with Host(given.loft, given.plugins) as host:
        account = host.account("s_alice")
        host.kill()
        for name in ("control.sock", "lock", "ports.json"):
            assert os.path.exists(os.path.join(host.data_dir, name)), f"{name} should be there for this test"

        def users():
            ran = program(host.loft, "user", "list", "--json", "--config", host.config)
            assert ran.code == 0, ran
            return {user["handle"]: user["uid"] for user in json.loads(ran.out)}

        assert users() == {"s_alice": account["uid"]}
        host.start()
        assert users() == {"s_alice": account["uid"]}
        session = ImSession(host.im)
        session.log_in("s_alice")
        assert not session.round_trip()
        session.close()


if __name__ == "__main__":
    run(__doc__)
