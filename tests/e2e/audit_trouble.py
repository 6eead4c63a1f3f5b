#!/usr/bin/python3
"""What a plugin sees when the host is in trouble, and a follower that misses nothing, whatever happens to the host."""

import collections
import os
import sqlite3
import threading

from lib.audited import Audited, answer, send, sent
from lib.cases import case, run, until
from lib.session import Http, ImSession
from lib.wire import Closed


@case
def storage_in_trouble(given):
    """a storage that cannot write is StorageLost, what does not fit the queue meanwhile is Overloaded, clients hear of
    both; when it writes again that is StorageRecovered; readyz says which"""
    with Audited(given, arguments=["--set", "limits.queue_messages=16", "--set", "storage.busy_timeout=2s"]) as host:
        alice = ImSession(host.im)
        alice.log_in("s_alice")
        before = sent(alice, "s_bob", "before")
        assert host.readiness()[0] == 200
        lock = sqlite3.connect(os.path.join(host.data_dir, "loft.db"), isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        for number in range(100):
            send(alice, "s_bob", f"lost {number}")
        assert host.saw("Overloaded")["what"] == "commit queue"
        lost = host.saw("StorageLost")
        assert (lost["code"], lost["reason"]) == ("unavailable", "storage.unavailable"), lost
        status, parts = host.readiness()
        assert status == 503 and parts == {"host": "ok", "storage": "unavailable: database is locked"}, parts
        assert not host.lines("StorageRecovered")
        lock.execute("ROLLBACK")
        lock.close()
        answers = [answer(alice) for _ in range(100)]
        said = collections.Counter(data.get("error") for data in answers)
        # Those turned away share the fate of the round that answers them: it may be the one that the storage refused.
        assert said["Too many requests, try again later"] + said["Service unavailable, try again later"] > 50, said
        assert set(said) <= {"Too many requests, try again later", "Service unavailable, try again later", None}, said
        assert said["Service unavailable, try again later"] > 0, said
        # What still waited when the lock was gone is stored, and nothing else.
        stored = [int(data["message_id"][len("msg_"):]) for data in answers if data.get("success")]
        until(lambda: host.metrics()["loft_commit_queue_entries"] == 0, "nothing waits any more")
        after = sent(alice, "s_bob", "after")
        host.saw("StorageRecovered")
        assert host.readiness() == (200, {"host": "ok", "storage": "ok"}), host.readiness()
        assert len(host.lines("StorageLost")) == len(host.lines("StorageRecovered")) == 1
        assert [line["message"] for line in host.lines("MessageStored")] == [before, *stored, after]
        assert len(host.lines("MessageRefused", reason="queue.full")) == said["Too many requests, try again later"]
        alice.close()


@case
def reads_in_trouble(given):
    """reads that the pool has no room for are Overloaded, at once, in each contract's own error form; they
    are answered when it goes on"""
    with Audited(given, first="hog: hog-it, free: let-go",
                 arguments=["--set", "server.blocking_threads=1", "--set", "server.blocking_queue=1"]) as host:
        alice = ImSession(host.im)
        alice.log_in("s_alice")
        old = sent(alice, "s_bob", "old")
        alice.close()
        host.stop()
        host.start()  # so that the message is in the storage and not in memory
        alice = ImSession(host.im)
        alice.log_in("s_alice")
        bob, _ = host.pigeon("s_bob")
        channel = bob.request("/core/channel/list", {})["data"]["channels"][0]["cid"]
        sent(alice, "s_bob", "hog-it")
        page = {"cid": channel, "start_time": 0, "count": 9}
        said = bob.request("/core/channel/message/list", page)
        assert (said["code"], said["data"]) == (500, {"msg": "server busy, try again later"}), said
        assert host.saw("Overloaded")["what"] == "read pool"
        said = Http(host.im).call("GET", f"/api/v1/messages/msg_{old}", {"X-User-ID": "s_alice"})
        assert said == (503, {"error": "Too many requests, try again later"}), said
        sent(alice, "s_bob", "let-go")
        said = until(lambda: [got for got in [bob.request("/core/channel/message/list", page)] if got["code"] == 200], "room")
        assert said[0]["data"]["messages"][-1]["mid"] == old, said
        # The page that was handed over is marked as delivered now, which may need the pool's only place once more.
        ask = lambda: Http(host.im).call("GET", f"/api/v1/messages/msg_{old}", {"X-User-ID": "s_alice"})  # noqa: E731
        said = until(lambda: [got for got in [ask()] if got[0] == 200], "room")
        assert said[0][1]["message"]["content"] == "old", said
        alice.close()
        bob.close()


class Sender:
    """Sends without waiting for answers until the connection breaks; keeps what was acknowledged."""

    def __init__(self, host, name, peer, run_number):
        self.acked, self._session = [], ImSession(host.im)
        self._session.log_in(name)
        self._threads = [threading.Thread(target=self._hear),
                         threading.Thread(target=self._send, args=(peer, f"{name}-{run_number}"))]
        for thread in self._threads:
            thread.start()

    def _send(self, peer, prefix):
        try:
            for number in range(100_000):
                send(self._session, peer, f"{prefix}-{number}", f"{prefix}-{number}")
        except Exception:  # noqa: BLE001 - the host was killed, which is the point
            pass

    def _hear(self):
        try:
            while True:
                frame = self._session.take()
                if frame["type"] == "send_message":
                    self.acked.append(int(frame["data"]["message_id"][len("msg_"):]))
        except Closed:
            pass

    def join(self):
        for thread in self._threads:
            thread.join(60)
        return self.acked


def passes(lines):
    """The positions that the follower was given, one list for each start of the host."""
    found = []
    for line in lines:
        if line["event"] == "start":
            found.append([])
        elif line["event"] == "follower":
            found[-1].append(line["position"])
    return found


@case
def follower(given):
    """over three kill -9, the follower is given every message at least once and in order; after each start it goes on
    where it was, not at the beginning"""
    batch = 8
    with Audited(given, first=f"batch: {batch}") as host:
        acked = []
        for number in range(3):
            senders = [Sender(host, name, peer, number) for name, peer in (("s_a", "s_b"), ("s_b", "s_c"), ("s_c", "s_a"))]
            seen = len(host.lines("follower"))
            until(lambda: len(host.lines("follower")) > seen + 100, "the follower is busy")
            host.kill()
            for sender in senders:
                acked += sender.join()
            host.start()
        assert len(acked) > 300, len(acked)
        last = ImSession(host.im)
        last.log_in("s_a")
        acked.append(sent(last, "s_b", "the last one"))
        host.saw("follower", message=acked[-1])
        last.close()
        runs = passes(host.lines())
        assert len(runs) == 4 and all(runs), [len(one) for one in runs]
        host.stop()

        link = sqlite3.connect(os.path.join(host.data_dir, "loft.db"))
        stored = [row[0] for row in link.execute("SELECT id FROM message ORDER BY id")]
        link.close()
        assert set(acked) <= set(stored), "an acknowledged message is not stored"
        for one in runs:
            assert one == sorted(set(one)), "out of order, or twice in one run"
        whole = sorted({position for one in runs for position in one})
        assert whole == stored, (len(whole), len(stored))
        for earlier, later in zip(runs, runs[1:]):
            again = [position for position in later if position <= earlier[-1]]
            assert len(again) <= batch, f"{len(again)} entries were given again, a call holds {batch}"
            assert earlier[-1] < later[len(again)] and earlier[0] < later[0], "it began anew"


if __name__ == "__main__":
    run(__doc__, audit="")
