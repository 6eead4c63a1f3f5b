#!/usr/bin/python3
"""Commands of the operator and requests that come back from the pool, while clients send: run with a host under ThreadSanitizer."""

import json
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from lib.cases import case, run  # noqa: E402 - the folder must be known first
from lib.host import Host  # noqa: E402
from lib.session import Http, ImSession  # noqa: E402

EXTRA = ("  - {name: auth, listen: 127.0.0.1:0, contracts: [im, auth]}\n"
         "contracts: {auth: {memory: 8MiB, passes: 1}}\n")
MESSAGES = 150


def together(works):
    """Runs them at once, and raises what any of them raised."""
    failures = []

    def guarded(work):
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed on below
            failures.append(error)
    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@case
def commands_meet_clients(given):
    """announcements, notices, passwords and checks of passwords on the pool go on while clients send, and all are answered"""
    with Host(given.loft, given.plugins, extra=EXTRA) as host:
        host.account("ann")

        def loft(*words, said=None):
            done = subprocess.run([host.loft, *words, "--config", host.config], capture_output=True, text=True, input=said,
                                  timeout=120, check=False)
            assert done.returncode == 0, done
            return done.stdout

        def chat(name, other):
            session = ImSession(host.im)
            session.log_in(name)
            for number in range(MESSAGES):
                data = {"receiver_id": other, "type": "text", "content": f"{name} {number}"}
                session.send_json({"type": "send_message", "data": data, "timestamp": 1, "message_id": f"{name}-{number}"})
            for _ in range(MESSAGES):
                answer = session.find(lambda frame: frame["type"] == "send_message")
                assert answer["data"]["success"], answer
            session.drop()

        def announce():
            ids = {json.loads(loft("announce", "news", "--text", f"number {number}", "--json"))["message"]
                   for number in range(5)}
            assert len(ids) == 5, ids

        def notify():
            for number in range(5):
                loft("notify", "ann", "--topic", "orders", "--text", f"number {number}")

        def set_passwords():
            for number in range(5):
                loft("user", "password", "ann", said=f"correct horse {number}\n")

        def guess():
            door = Http(f"http://127.0.0.1:{host.port('auth')}")
            for number in range(10):
                body = json.dumps({"handle": f"nobody{number}", "password": "wrong password"})
                status, answer = door.call("POST", "/auth/token", {"Content-Type": "application/json"}, body)
                assert status in (401, 503), (status, answer)

        together([lambda: chat("u1", "u2"), lambda: chat("u2", "u1"), lambda: chat("u3", "ann"), announce, notify,
                  set_passwords, guess])
        status, answer = Http(f"http://127.0.0.1:{host.port('auth')}").call(
            "POST", "/auth/token", {"Content-Type": "application/json"},
            json.dumps({"handle": "ann", "password": "correct horse 4"}))
        assert status == 200, answer


if __name__ == "__main__":
    run(__doc__)
