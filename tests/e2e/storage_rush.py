#!/usr/bin/python3
"""The server of a storage is killed while so much waits that several of its connections write beside each other.

Sessions keep many messages on their way each, into conversations of their own, and send again what was refused as "try
again later". In the end every acknowledged message is there once under the number that was said, every log is without a
gap, and messages that were taken at once stand in the order in which they were sent.
"""

import argparse
import collections
import os
import threading
import time

from lib.cases import until
from lib.metrics import get, parse
from lib.outage import WORDS
from lib.people import MessageService
from lib.session import ImSession
from lib.tries import compact
from storage_faults import Database

SESSIONS, WINDOW = 24, 24


class Writer(threading.Thread):
    """A user who writes to another one, `WINDOW` messages at a time, until told to end; then until all are acknowledged."""

    def __init__(self, rush, name):
        super().__init__(daemon=True)
        self.rush, self.name_of, self.session = rush, name, ImSession(rush.host.im)
        self.session.log_in(name)
        self.last, self.again, self.acked = 0, [], {}
        self.tries = collections.Counter()

    def run(self):
        try:
            while self.again or not self.rush.over.is_set():
                self.send_window()
            self.session.close()
        except BaseException as error:  # noqa: BLE001 - told by the thread of the test
            self.rush.failures.append(f"{self.name_of}: {error!r}")

    def send_window(self):
        window, self.again = self.again, []
        while len(window) < WINDOW and not self.rush.over.is_set():
            self.last += 1
            window.append(self.last)
        for number in window:
            self.tries[number] += 1
            self.session.send_json({"type": "send_message", "timestamp": 1, "message_id": f"{self.name_of}-{number}", "data": {
                "receiver_id": f"peer_{self.name_of}", "type": "text", "content": f"{self.name_of}:{number}"}})
        for number in window:  # answers of a session come in the order of what it sent
            answer = self.session.find(lambda one: one["type"] in ("send_message", "error"))
            if answer["type"] == "error":
                assert compact(answer) in WORDS["im"], f"neither sent nor try again: {answer}"
                self.again.append(number)
            else:
                self.acked[number] = MessageService.number(answer["data"]["message_id"])
        if self.again:
            self.rush.over.wait(0.05)  # as a client that is told to try later


class Rush:
    def __init__(self, host):
        self.host, self.over, self.failures = host, threading.Event(), []
        self.writers = [Writer(self, f"w{number}") for number in range(SESSIONS)]

    def __enter__(self):
        for writer in self.writers:
            writer.start()
        return self

    def __exit__(self, *_):
        self.over.set()

    def until(self, condition, what):
        def fine():
            assert not self.failures, self.failures
            assert self.host.alive(), "the host is gone"
            return condition()
        return until(fine, what, 90)

    def acked(self):
        return sum(len(writer.acked) for writer in self.writers)

    def rounds(self, way):
        return parse(get(self.host, "/metrics")[2])["loft_commit_rounds_total", (f'way="{way}"',)]

    def work_beside(self):
        """Until everybody was answered, and several connections write beside each other and have for a while."""
        before = {writer: len(writer.acked) for writer in self.writers}
        self.until(lambda: all(len(writer.acked) > count for writer, count in before.items()), "everybody is answered")
        lanes = self.rounds("lane")
        self.until(lambda: self.rounds("lane") >= lanes + 8, "conversations are dealt out over the storage's writers")

    def end(self):
        self.over.set()
        for writer in self.writers:
            writer.join(120)
            assert not writer.is_alive(), f"{writer.name_of} waits for an answer"
        assert not self.failures, self.failures

    def count(self, rows):
        stored, last = collections.defaultdict(dict), {}
        for conversation, head, seq, number, text in rows:
            before = last.get(conversation, (0, 0, 0))
            assert seq == before[0] + 1, f"conversation {conversation} has seq {seq} after {before[0]}"
            assert number > before[1], f"conversation {conversation}: id {number} after {before[1]}"
            last[conversation] = (seq, number, head)
            name, _, which = text.partition(":")
            assert int(which) not in stored[name], f"{text} is there twice"
            stored[name][int(which)] = (seq, number)
        assert len(last) == len(self.writers) and all(seq == head for seq, _, head in last.values()), last
        for writer in self.writers:
            there = stored[writer.name_of]
            assert set(there) == set(writer.acked) == set(range(1, writer.last + 1)), writer.name_of
            for number, said in writer.acked.items():
                assert there[number][1] == said, f"{writer.name_of}:{number} is {there[number]}, and {said} was said"
            at_once = [there[number][0] for number in sorted(there) if writer.tries[number] == 1]
            assert at_once == sorted(at_once), f"{writer.name_of}: what was taken at once is out of order"
        return sum(map(len, stored.values()))


def play(options):
    engine = Database(options, options.patience, queue=4096)
    with engine as host:
        with Rush(host) as rush:
            begin = time.monotonic()
            for _ in range(options.kills):
                rush.work_beside()
                engine.server.kill()
                engine.server.start()
            rush.work_beside()
            rush.end()
            took, lanes, whole = time.monotonic() - begin, rush.rounds("lane"), rush.rounds("whole")
            refused = sum(sum(writer.tries.values()) - len(writer.tries) for writer in rush.writers)
        count = rush.count(list(engine.rows()))
    print(f"ok  {count} messages, {count / took:.0f} a second, {refused} refused and sent again; transactions: {lanes:.0f} in "
          f"lanes, {whole:.0f} of all")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loft", required=True)
    parser.add_argument("--plugins", required=True)
    parser.add_argument("--storage", default="postgresql", choices=("postgresql", "mysql"))
    parser.add_argument("--patience", default="2s", help="statement_timeout of the storage")
    parser.add_argument("--kills", type=int, default=2)
    options = parser.parse_args()
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4"
    play(options)


if __name__ == "__main__":
    main()
