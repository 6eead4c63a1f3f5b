"""Clients of all five contracts that send into a storage in trouble, and the count of what became of it.

Each sends one numbered message after the other, with a client id where its contract has them, and sends again what was
refused as "try again later", in the very words that its contract has for that. Any other answer fails the test.
"""

import collections
import re
import threading

from .cases import until
from .tries import VIEWS, CarrypigeonTries, ImTries, MessageServiceTries

UNAVAILABLE, OVERLOADED = "unavailable", "overloaded"

# What a refused send looks like in the words of its contract (docs/contracts).
WORDS = {
    "netherlink": {
        '{"type":"error","payload":{"message":"服务暂不可用，请稍后再试"}}': UNAVAILABLE,
        '{"type":"error","payload":{"message":"服务繁忙，请稍后再试"}}': OVERLOADED,
    },
    "flix": {
        '{"reason":"unavailable, try again later"}': UNAVAILABLE,
        '{"reason":"overloaded, try again later"}': OVERLOADED,
    },
    "message_service": {
        '503 {"code":503,"message":"服务暂不可用，请稍后重试","data":null}': UNAVAILABLE,
        '503 {"code":503,"message":"服务繁忙，请稍后重试","data":null}': OVERLOADED,
    },
    "im": {
        '{"type":"error","data":{"error":"Service unavailable, try again later"}}': UNAVAILABLE,
        '{"type":"error","data":{"error":"Too many requests, try again later"}}': OVERLOADED,
    },
    "carrypigeon": {
        '{"code":500,"data":{"msg":"service unavailable, try again later"}}': UNAVAILABLE,
        '{"code":500,"data":{"msg":"server busy, try again later"}}': OVERLOADED,
    },
}


class Sender(threading.Thread):
    """A user who sends from a thread of its own, until the crowd is dismissed."""

    def __init__(self, crowd, view, account):
        super().__init__(daemon=True)
        self.crowd, self.person, self.account = crowd, view(crowd.host, account), account
        self.contract, self.name = view.contract, account["handle"]
        self.number = 0
        self.acked = {}          # text -> the number that the host gave
        self.tried = set()       # every text that was ever sent
        self.refused = collections.Counter()
        self.heard = collections.Counter()  # texts that came live

    def run(self):
        try:
            while not self.crowd.over.is_set():
                self.number += 1
                self.send_one()
                self.crowd.over.wait(0.01)  # a person does not type faster
        except BaseException as error:  # noqa: BLE001 - told by the thread of the test
            self.crowd.failures.append(f"{self.name}: {error!r}")
        finally:
            self.person.leave()

    def send_one(self):
        """Until it is acknowledged."""
        key, padding, attempt = f"{self.name}:{self.number}", self.crowd.padding, 0
        while True:
            # Document 004 has no client ids, so there each attempt is a message of its own.
            text = (f"{key}.{attempt}" if self.contract == "carrypigeon" else key) + padding
            self.tried.add(text)
            answer = self.tell(text, key)
            self.listen()
            if not answer.error:
                self.acked[text] = answer.number
                return
            kind = WORDS[self.contract].get(answer.error)
            assert kind, f"an answer that says neither sent nor try again: {answer.error}"
            self.refused[kind] += 1
            attempt += 1
            self.crowd.over.wait(0.05)  # as a client that is told to try later

    def tell(self, text, key):
        if self.contract == "carrypigeon":
            return self.person.tell_group(self.crowd.group, text)
        if self.number % 3 == 0:
            return self.person.tell_group(self.crowd.group, text, client_id=key)
        # New conversations begin all the time, also while the storage is in trouble.
        return self.person.tell(self.crowd.peer(self, self.number // 12), text, client_id=key)

    def listen(self):
        """What came live meanwhile. Only document 003 pushes whole messages by themselves."""
        if self.person.session is None:
            return
        waiting, self.person.session._waiting = self.person.session._waiting, []  # pylint: disable=protected-access
        if self.contract == "im":
            for frame in waiting:
                if frame["type"] in ("new_message", "new_group_message"):
                    self.heard[frame["data"]["content"]] += 1


class Crowd:
    """Some senders of each contract, all in one group, with a reader who never sends."""

    def __init__(self, host, each):
        self.host, self.over, self.failures = host, threading.Event(), []
        self.padding = ""  # what messages have at their end
        views = [view for view in VIEWS for _ in range(each)]
        self.senders = [Sender(self, view, host.account(f"{view.contract}_{index}")) for index, view in enumerate(views)]
        self.reader = MessageServiceTries(host, host.account("reader"))
        self.group = self._make_group(*(one.account for one in self.senders), self.reader.account)
        for sender in self.senders:
            sender.person.enter()

    def _make_group(self, owner, *others):
        made = ImTries(self.host, owner).ask("POST", "/api/v1/groups",
                                             {"name": "all", "members": [one["handle"] for one in others]})
        assert not made.error, made
        return int(made.body["group"]["id"])

    def visitors(self):
        """One of each contract, ready to send, and their group."""
        people = [view(self.host, self.host.account(f"visitor_{view.contract}")) for view in VIEWS]
        group = self._make_group(*(one.account for one in people))
        for one in people:
            one.enter()
            assert not one.tell_group(group, f"{one.handle}:1").error
        return people, group

    def __enter__(self):
        for sender in self.senders:
            sender.start()
        return self

    def __exit__(self, *_):
        self.over.set()

    def dismiss(self):
        """Until each has been answered to what it sent last."""
        self.over.set()
        for sender in self.senders:
            if sender.is_alive():
                sender.join(60)
                assert not sender.is_alive(), f"{sender.name} is still waiting for an answer"
        self.check()

    def check(self):
        assert not self.failures, self.failures
        assert self.host.alive(), "the host is gone"

    def peer(self, sender, turn):
        others = [one.account for one in self.senders if one is not sender]
        return others[turn % len(others)]

    # -- what a test waits for ----------------------------------------------------------------------------------------

    def until(self, condition, what):
        def fine():
            self.check()
            return condition()
        until(fine, what)

    def progress(self, count=2):
        """Until each has `count` messages more acknowledged."""
        before = {sender: len(sender.acked) for sender in self.senders}
        self.until(lambda: all(len(sender.acked) >= before[sender] + count for sender in self.senders),
                    f"everybody sends {count} messages more")

    def refused(self, kind=UNAVAILABLE):
        return sum(sender.refused[kind] for sender in self.senders)

    def all_refused(self, count=2):
        """Until everybody was told `count` times to try again later, in the words of its contract."""
        before = {sender: sender.refused[UNAVAILABLE] for sender in self.senders}
        self.until(lambda: all(sender.refused[UNAVAILABLE] >= before[sender] + count for sender in self.senders),
                    f"everybody is refused {count} times")

    def ready(self, wanted):
        """Until /readyz says so; returns what it says of the storage."""
        def asked():
            self.check()
            status, parts = self.host.readiness()
            return (status == 200) == wanted and (parts["storage"] == "ok") == wanted and parts["storage"]
        return until(asked, f"ready is {wanted}")

    def history(self):
        """What the reader finds in the group, which is to be read whatever becomes of writing."""
        return self.reader.history(self.reader.group_place(self.group, False))

    # -- the count ----------------------------------------------------------------------------------------------------

    def count(self, rows):
        """`rows`: (conversation, its head, seq, id, text) of every stored message, by conversation and seq."""
        stored, last, numbers = {}, {}, collections.defaultdict(list)
        for conversation, head, seq, number, text in rows:
            before = last.get(conversation, (0, 0, 0))
            assert seq == before[0] + 1, f"conversation {conversation} has seq {seq} after {before[0]}"
            assert number > before[1], f"conversation {conversation}: id {number} after {before[1]}"
            last[conversation] = (seq, number, head)
            assert text not in stored, f"{text[:80]} is there twice"
            stored[text] = number
            name, which = re.match(r"(\w+):(\d+)", text).groups()
            numbers[conversation, name].append(int(which))
        for conversation, (seq, _, head) in last.items():
            assert seq == head, f"conversation {conversation} has {seq} messages and the head {head}"
        for (conversation, name), row in numbers.items():
            assert row == sorted(row), f"messages of {name} in {conversation} are out of order"
        for sender in self.senders:
            self._count_of(sender, stored)
        # What the host has counted all the time, in memory, is what is there.
        there, unread = last[self.group][0], self.reader.unread()
        assert unread == there, f"{unread} are unread of {there} messages in the group"
        return len(stored)

    @staticmethod
    def _count_of(sender, stored):
        for text, number in sender.acked.items():
            assert stored.get(text) == number, f"acknowledged as {number} and stored as {stored.get(text)}: {text[:80]}"
        mine = {text for text in stored if text.startswith(sender.name + ":")}
        assert mine <= sender.tried, f"nobody sent {sorted(mine - sender.tried)[:3]}"
        if not isinstance(sender.person, CarrypigeonTries):
            assert mine == set(sender.acked), f"stored, but never acknowledged: {sorted(mine - set(sender.acked))[:3]}"
        twice = [text for text, times in sender.heard.items() if times > 1]
        assert not twice, f"{sender.name} heard twice: {twice[:3]}"
        assert set(sender.heard) <= set(stored), f"{sender.name} heard what is not stored"
