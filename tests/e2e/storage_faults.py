#!/usr/bin/python3
"""Clients of all five contracts send without a pause while everything befalls the storage that can befall one.

During each fault: senders are told to try again later in the words of their contract, or wait for an acknowledgement that
is true; readiness says what is wrong. After it: everything goes on by itself. In the end every acknowledged message is
there once, in order and without a gap, and nothing is there that was not acknowledged.
"""

import argparse
import base64
import collections
import concurrent.futures
import json
import os
import random
import resource
import signal
import sqlite3
import time
import urllib.request

from lib.database import Proxy, Server
from lib.host import Host
from lib.outage import OVERLOADED, UNAVAILABLE, WORDS, Crowd
from lib.session import ImSession
from lib.tries import compact

QUEUE = 64
NOISE = random.Random(7)


def noise(size):
    return " " + base64.b64encode(NOISE.randbytes(size)).decode()


class Engine:
    """A storage in trouble, whichever it is."""

    def __init__(self, options, patience, queue=QUEUE):
        self.options, self.name, self.patience, self.queue = options, options.storage, patience, queue

    def host(self, *more):
        sets = [word for one in (f"limits.queue_messages={self.queue}", "domains=[core,flix]", *more) for word in ("--set", one)]
        return Host(self.options.loft, self.options.plugins, storage=self.name, arguments=sets, contracts=list(WORDS))


class Sqlite(Engine):
    """A file, whose disk may be full."""

    def __enter__(self):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the host has it from us: a full disk is an error, not its end
        self.running = self.host()
        return self.running.__enter__()

    def __exit__(self, *why):
        return self.running.__exit__(*why)

    def fill(self):
        size = max(os.path.getsize(os.path.join(self.running.data_dir, name)) for name in ("loft.db", "loft.db-wal"))
        resource.prlimit(self.running.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def make_room(self):
        resource.prlimit(self.running.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def rows(self):
        with sqlite3.connect(f"file:{self.running.data_dir}/loft.db?mode=ro", uri=True) as db:
            for conversation, head, seq, number, content in db.execute(ROWS):
                yield conversation, head, seq, number, json.loads(content)["text"]


ROWS = ("SELECT m.conversation_id, c.head, m.seq, m.id, m.content FROM message m JOIN conversation c "
        "ON c.id = m.conversation_id ORDER BY m.conversation_id, m.seq")


class Database(Engine):
    """A database server, with a network between that does what it is told."""

    def __enter__(self):
        self.server = Server({"mysql": "mariadb"}.get(self.name, self.name), disk="small").__enter__()
        self.proxy = Proxy(self.server["host"], int(self.server["port"]))
        more = [f"storage.{name}={json.dumps(self.server[name])}" for name in ("user", "password", "database")]
        self.running = self.host(*more, "storage.host=127.0.0.1", f"storage.port={self.proxy.port}",
                                 f"storage.statement_timeout={self.patience}", "storage.connect_timeout=1s")
        return self.running.__enter__()

    def __exit__(self, *why):
        try:
            return self.running.__exit__(*why)
        finally:
            self.proxy.__exit__()
            self.server.close()

    def fill(self):
        self.server.fill()

    def make_room(self):
        self.server.make_room()
        self.server.start()  # where it has ended itself

    def set_read_only(self, on):
        if self.name == "postgresql":
            self.server.sql(f"ALTER DATABASE loft SET default_transaction_read_only = {'on' if on else 'off'}", "postgres")
            self.server.drop_connections()
        else:
            self.server.sql(f"SET GLOBAL read_only = {int(on)}")

    def rows(self):
        for line in self.server.sql(ROWS).splitlines():
            parts = line.split("|" if self.name == "postgresql" else "\t", 4)
            yield (*map(int, parts[:4]), json.loads(parts[4])["text"])


# -- what befalls it --------------------------------------------------------------------------------------------------

def outage(crowd, begin, end, reads=False):
    """Senders hear "try again later", readiness says why, and afterwards all goes on."""
    begin()
    crowd.all_refused()
    says = crowd.ready(False)
    if reads:
        assert crowd.history(), "what is stored cannot be read"
    end()
    crowd.ready(True)
    crowd.progress()
    return says


def disk_full(engine, crowd):
    def fill():
        engine.fill()
        crowd.padding = noise(3000)

    def make_room():
        crowd.padding = ""
        engine.make_room()

    # A server may end itself on a full disk, as MariaDB does of large values; then nothing is read either.
    return outage(crowd, fill, make_room, reads=engine.name == "sqlite")


def slow(engine, crowd):
    """Acknowledgements come later, and they come."""
    before = crowd.refused()
    engine.proxy.delay(0.02)
    engine.proxy.limit(400_000)
    crowd.progress()
    engine.proxy.delay(0)
    engine.proxy.limit(None)
    assert crowd.refused() == before, "somebody was refused although the database was only slow"


def network_hangs(engine, crowd):
    return outage(crowd, engine.proxy.freeze, engine.proxy.thaw)


def network_away(engine, crowd):
    def away():
        engine.proxy.close_door()
        engine.proxy.cut()

    return outage(crowd, away, engine.proxy.open_door)


def connections_reset(engine, crowd):
    for _ in range(10):
        assert engine.proxy.cut() > 0
        crowd.progress(1)
    crowd.ready(True)


def connections_ended(engine, crowd):
    for _ in range(10):
        engine.server.drop_connections()
        crowd.progress(1)
    crowd.ready(True)


def killed(engine, crowd):
    return outage(crowd, engine.server.kill, engine.server.start)


def stopped(engine, crowd):
    return outage(crowd, engine.server.stop, engine.server.start)


def restarted(engine, crowd):
    for _ in range(2):
        engine.server.kill()
        engine.server.start()
        crowd.progress(1)
    crowd.ready(True)


def hanging(engine, crowd):
    return outage(crowd, engine.server.hang, engine.server.resume)


def read_only(engine, crowd):
    return outage(crowd, lambda: engine.set_read_only(True), lambda: engine.set_read_only(False), reads=True)


def memory(host):
    with open(f"/proc/{host.process.pid}/status", encoding="utf-8") as file:
        return int(next(line for line in file if line.startswith("VmRSS:")).split()[1]) * 1024


def received(host):
    """Bytes, over all connections."""
    with urllib.request.urlopen(f"http://127.0.0.1:{host.port('internal')}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("loft_net_received_bytes_total"))


class Flood:
    """Somebody who sends far more than the host takes, and then hears what became of it."""

    def __init__(self, host):
        self.session, self.sent, self.answers = ImSession(host.im), 400, collections.Counter()
        self.session.log_in("flood")

        self._say(-1)  # a conversation that is new has to be looked for
        assert self.session.take()["type"] == "send_message"

    def _say(self, number):
        self.session.send_json({"type": "send_message", "timestamp": 1, "message_id": f"flood-{number}", "data": {
            "receiver_id": "sink", "type": "text", "content": f"flood:{number + 1} " + "x" * 300}})

    def send(self):
        for number in range(self.sent):
            self._say(number)

    def hear(self):
        for _ in range(self.sent):
            answer = self.session.take()
            self.answers[WORDS["im"][compact(answer)] if answer["type"] == "error" else "sent"] += 1
        self.session.close()


def flooded(engine, crowd):
    """The storage hangs and somebody sends all the same: the queue has an end, which is told to all, and so has memory."""
    host, flood = crowd.host, Flood(crowd.host)
    visitors, group = crowd.visitors()
    engine.proxy.freeze()
    before, heard = memory(host), received(host)
    flood.send()
    crowd.until(lambda: received(host) > heard + 3 * QUEUE * 400, "the host has read more than its queue takes")
    # At once, so that all come while the first commit is waited for: its end is when they are answered, in their turn.
    with concurrent.futures.ThreadPoolExecutor(len(visitors)) as pool:
        answers = list(pool.map(lambda visitor: visitor.tell_group(group, f"{visitor.handle}:2"), visitors))
    for visitor, answer in zip(visitors, answers, strict=True):
        assert WORDS[visitor.contract].get(answer.error) == OVERLOADED, f"the queue is full, and {visitor.contract} says {answer}"
        visitor.leave()
    grown = memory(host) - before
    engine.proxy.thaw()
    flood.hear()
    crowd.progress()
    assert grown < 64 << 20, f"the host has grown by {grown >> 20} MiB"
    assert flood.answers[OVERLOADED] and flood.answers[UNAVAILABLE], flood.answers
    return f"{dict(flood.answers)}, grown by {grown >> 20} MiB"


SERVER_FAULTS = (slow, connections_ended, connections_reset, killed, restarted, stopped, hanging, network_hangs, network_away,
                 read_only, disk_full)
# For each storage, hosts by their patience with a statement, and what befalls them. The short ones are the least there are.
PLANS = {
    "sqlite": {"": (disk_full, disk_full)},
    "postgresql": {"500ms": SERVER_FAULTS, "2s": (flooded,)},
    "mysql": {"2s": SERVER_FAULTS, "3s": (flooded,)},
}


def play(engine, faults):
    """All of them on one host; how many messages there were, and how many refusals."""
    with engine as host, Crowd(host, 1 if flooded in faults else 2) as crowd:
        crowd.progress()
        assert crowd.reader.unread() > 0  # from here on the host counts in memory
        for fault in faults:
            start = time.monotonic()
            says = fault(engine, crowd)
            print(f"{fault.__name__} ({time.monotonic() - start:.1f} s){': ' if says else ''}{says or ''}", flush=True)
        crowd.dismiss()
        return crowd.count(list(engine.rows())), crowd.refused()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loft", required=True)
    parser.add_argument("--plugins", required=True)
    parser.add_argument("--storage", default="sqlite", choices=list(PLANS))
    parser.add_argument("--only", default="", help="the faults whose name has this word")
    options = parser.parse_args()
    # Freed memory that the sanitizer keeps would count as the host's.
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4"
    begin, totals = time.monotonic(), (0, 0)
    for patience, faults in PLANS[options.storage].items():
        faults = [one for one in faults if options.only in one.__name__]
        if faults:
            engine = {"sqlite": Sqlite}.get(options.storage, Database)(options, patience)
            totals = [sum(pair) for pair in zip(totals, play(engine, faults), strict=True)]
    print(f"ok  {totals[0]} messages, {totals[1]} refused and sent again, {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
