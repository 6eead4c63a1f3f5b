#!/usr/bin/python3
"""Passwords: set by the operator, given for tokens, changed by their owners. And tokens of services."""

import json
import os
import pty
import subprocess
import threading

from lib.cases import case, run
from lib.host import Host
from lib.program import PLAIN, Place
from lib.session import Http, ImSession, PigeonSession

OPTIONS = "contracts: {im: {auth: token}, auth: {memory: 8MiB, passes: 1%s}}\n"
LISTENER = "  - {name: auth, listen: 127.0.0.1:0, contracts: [im, auth]}\n"


def extra(more=""):
    return LISTENER + OPTIONS % more


def set_password(host, handle, password):
    return subprocess.run([host.loft, "user", "password", handle, "--config", host.config], input=password + "\n",
                          capture_output=True, text=True, timeout=60, check=False)


class Door:
    """The two routes."""

    def __init__(self, host):
        self._http = Http(f"http://127.0.0.1:{host.port('auth')}")

    def token(self, handle, password, **more):
        body = json.dumps({"handle": handle, "password": password, **more})
        return self._http.call("POST", "/auth/token", {"Content-Type": "application/json"}, body)

    def change(self, token, current, password):
        return self._http.call("PUT", "/auth/password", {"Authorization": f"Bearer {token}"},
                               json.dumps({"current": current, "password": password}))


@case
def door(given):
    """a password gives a token that every contract believes; a wrong one and an unknown user hear the same words"""
    with Host(given.loft, given.plugins, extra=extra()) as host:
        ann = host.account("ann")
        done = set_password(host, "ann", "correct horse")
        assert (done.returncode, done.stdout, done.stderr) == (0, "set the password of ann\n", ""), done
        at = Door(host)
        status, answer = at.token("ann", "correct horse", ttl=600)
        assert status == 200 and answer["uid"] == ann["uid"] and answer["uuid"] == ann["uuid"], answer
        status, page = Http(host.im).call("GET", "/api/v1/messages/offline",
                                          {"Authorization": f"Bearer {answer['token']}"})
        assert status == 200, page
        session = ImSession(host.im)
        session.log_in("ann", answer["token"])
        session.drop()
        session = PigeonSession(host.carrypigeon)
        session.log_in(answer["token"], ann["uid"])
        session.drop()
        heard = {json.dumps(at.token(handle, password)) for handle, password in
                 (("ann", "wrong"), ("ann", ""), ("nobody", "correct horse"), ("x" * 60, "correct horse"))}
        assert len(heard) == 1 and "401" in heard.pop(), heard
        assert at.token("ann", 7)[0] == 400

        status, answer = at.change(answer["token"], "correct horse", "battery staple")
        assert (status, answer) == (200, {"changed": True}), answer
        assert at.token("ann", "correct horse")[0] == 401
        assert at.token("ann", "battery staple")[0] == 200
        assert set_password(host, "ann", "short").returncode == 1
        assert "at least 10 characters" in set_password(host, "ann", "short").stderr
        assert set_password(host, "eve", "correct horse").returncode == 1


@case
def restart(given):
    """passwords survive the host, and can be set and removed while none runs; a host that is not asked to keep passwords says so"""
    with Host(given.loft, given.plugins, extra=extra()) as host:
        host.account("ann")
        host.stop()
        assert set_password(host, "ann", "correct horse").returncode == 0
        host.start()
        assert Door(host).token("ann", "correct horse")[0] == 200
        host.kill()
        host.start()
        assert Door(host).token("ann", "correct horse")[0] == 200
        words = [host.loft, "user", "password", "ann", "--remove", "--config", host.config]
        assert subprocess.run(words, capture_output=True, timeout=60, check=False).returncode == 0
        assert Door(host).token("ann", "correct horse")[0] == 401
    with Place(given, PLAIN) as place:
        place.run("user", "add", "ann")
        ran = place.run("user", "password", "ann", "--remove")
        assert ran.code == 1 and "add the contract `auth` to a listener" in ran.err, ran


@case
def limits(given):
    """guessing is slowed down by handle, many checks at once end in answers and not in threads that hang"""
    with Host(given.loft, given.plugins, extra=extra(", attempts: 5, checks: 1, queue: 4")) as host:
        host.account("ann")
        set_password(host, "ann", "correct horse")
        at = Door(host)
        for _ in range(5):
            assert at.token("ann", "wrong")[0] == 401
        assert at.token("ann", "correct horse")[0] == 429
        seen = []

        def guess(name):
            seen.append(Door(host).token(name, "wrong")[0])
        threads = [threading.Thread(target=guess, args=(f"user{i}",)) for i in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(seen) == 20 and set(seen) <= {401, 503}, seen
        assert Door(host).token("bob", "wrong")[0] == 401


@case
def terminal(given):
    """on a terminal the password is asked for twice and never shown"""
    with Host(given.loft, given.plugins, extra=extra()) as host:
        host.account("ann")
        for first, second, code in (("correct horse", "correct horse", 0), ("correct horse", "correct hors", 1)):
            pid, terminal_file = pty.fork()
            if pid == 0:
                os.execv(host.loft, [host.loft, "user", "password", "ann", "--config", host.config])
            shown = b""
            for prompt, answer in ((b"Password for ann: ", first), (b"Once more: ", second)):
                while prompt not in shown:
                    shown += os.read(terminal_file, 4096)
                os.write(terminal_file, answer.encode() + b"\n")
            try:
                while more := os.read(terminal_file, 4096):
                    shown += more
            except OSError:
                pass  # the other end is closed
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code, shown
            assert b"correct" not in shown, shown
            assert (b"the two are not the same" in shown) == (code == 1), shown
        assert Door(host).token("ann", "correct horse")[0] == 200


if __name__ == "__main__":
    run(__doc__)
