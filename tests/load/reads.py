#!/usr/bin/python3
"""How long a client waits for each kind of read on a large store: a user with ten thousand conversations.

    tests/load/reads.py [--build build/release] [--messages 1000000] [--conversations 10000] [--requests 300] [ENGINE …]

Engines are sqlite, postgresql and mysql (a private MariaDB). The store is filled through the plugin, then a host serves
it and one client asks over HTTP. `first` is the very first request after the start, which brings the user's view into
memory.
"""

import argparse
import http.client
import json
import os
import random
import statistics
import subprocess
import time

from engines import HERE, Engine
from lib.host import Host                                # engines.py has made the folder known


class Client:
    def __init__(self, port, token):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path):
        """Seconds until the whole answer is there, and the answer."""
        begin = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - begin
        if answer.status != 200:
            raise SystemExit(f"GET {path}: {answer.status} {body[:300]!r}")
        return took, json.loads(body)


# As in storage_fill.cpp.
BASE = 1_000_000_000 << 12
BETWEEN = 2600 << 12


def message_id(k, n, conversations):
    """Of message k of conversation n, both from 0."""
    return BASE + (k * conversations + n + 1) * BETWEEN


def asks(options, uid_of, start):
    """Name, listener, and a function that makes the path of the next request."""
    dice = random.Random(1)
    conversations = options.conversations
    middle = options.messages // conversations // 2

    def history(from_the_middle):
        n = dice.randrange(conversations)
        before = f"&before=msg_{message_id(middle, n, conversations)}" if from_the_middle else ""
        return f"/api/v1/messages/history?limit=50&userId={uid_of[f'other{n + 1}']}{before}"

    return [
        ("history, newest 50", "message_service", lambda: history(False)),
        ("history, 50 from the middle", "message_service", lambda: history(True)),
        ("conversation list with last messages", "message_service", lambda: "/api/v1/messages/unread/count"),
        ("unread counts", "netherlink", lambda: "/api/messages/unread_count"),
        ("inbox, page of 100", "netherlink", lambda: f"/api/messages/offline?page={dice.randrange(20) + 1}&page_size=100"),
        ("inbox of one conversation", "netherlink",
         lambda: f"/api/messages/offline?conversation_id=other{dice.randrange(conversations) + 1}_reader"),
        ("messages, newest 50", "flix", lambda: "/api/v1/messages?limit=50"),
        ("sync, nothing new", "flix", lambda: f"/api/v1/messages/sync?last_sync_time={start['now']}"),
        ("sync, the last 100 messages", "flix", lambda: f"/api/v1/messages/sync?last_sync_time={start['late']}"),
    ]


def fill(engine, options):
    engine.empty()
    done = subprocess.run([engine.program("storage_fill"), *engine.plugin_words(), "--rows", str(options.messages),
                           "--conversations", str(options.conversations), "--batch", "2000"],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)["seconds"]


def iso(identifier):
    """The time in an id, as 001 writes it."""
    seconds = 1735689600 + (identifier >> 12) / 1000
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def users(host):
    listed = subprocess.run([host.loft, "user", "list", "--json", "--config", host.config], capture_output=True, text=True,
                            check=True).stdout
    found = json.loads(listed)
    return {one["handle"]: one["uid"] for one in (found["users"] if isinstance(found, dict) else found)}


def measure(engine, options):
    took = fill(engine, options)
    start = {"now": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "late": iso(BASE + (options.messages - 100) * BETWEEN)}
    storage = f"{engine.name}\"\n" + "".join(f"  {key}: {json.dumps(value)}\n" for key, value in engine.options().items())
    storage += "  #\""
    contracts = ("message_service", "netherlink", "flix")
    with Host(engine.program("loft"), storage=storage, contracts=contracts) as host:
        token = host.account("reader")["token"]
        rows = asks(options, users(host), start)
        clients = {name: Client(host.port(name), token) for name in contracts}
        first, _ = clients["netherlink"].get("/api/messages/unread_count")
        print(f"{engine.name}: {options.messages} messages, {options.conversations} conversations; filled in {took:.0f} s, "
              f"{engine.size() / options.messages:.0f} bytes a message on disk; first request {first * 1000:.1f} ms", flush=True)
        for name, listener, path in rows:
            times = sorted(clients[listener].get(path())[0] * 1000 for _ in range(options.requests))
            print(f"  {name:38} p50 {statistics.median(times):7.2f} ms   p99 {times[int(len(times) * 0.99)]:7.2f} ms",
                  flush=True)
        with open(f"/proc/{host.process.pid}/status", encoding="ascii") as status:
            resident = next(line.split()[1] for line in status if line.startswith("VmRSS:"))
        print(f"  {'memory of the host':38} {int(resident) / 1024:7.0f} MiB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", default=["sqlite", "postgresql", "mysql"])
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build", "release"))
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=300)
    options = parser.parse_args()
    for name in options.engines:
        with Engine(name, options.build) as engine:
            measure(engine, options)


if __name__ == "__main__":
    main()
