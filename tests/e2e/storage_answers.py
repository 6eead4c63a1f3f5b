#!/usr/bin/python3
"""The database stores what it is told, and its answer is lost on the way: with the connection, and with the way to it.

The sender hears "try again later", and nothing else is known for a while. When the database can be reached again, whoever is
online hears of what is stored, counts are right, and a repeat is answered with what is there.
"""

import collections
import concurrent.futures
import itertools
import json
import threading

from lib.cases import case, run, until
from lib.database import Proxy, Server
from lib.host import Host
from lib.tries import ImTries, MessageServiceTries

COMMIT = {"postgresql": {"answer": b"COMMIT\0"}, "mysql": {"question": b"\x03COMMIT"}}
CHANGES = {"postgresql": 'SELECT count(*) FROM "change" WHERE kind = 0', "mysql": "SELECT count(*) FROM `change` WHERE kind = 0"}


class Engine:
    """A host whose way to its database loses an answer when it is told to."""

    def __init__(self, given, name):
        self.given, self.name = given, name

    def __enter__(self):
        self.server = Server({"mysql": "mariadb"}.get(self.name, self.name)).__enter__()
        self.proxy = Proxy(self.server["host"], int(self.server["port"]))
        more = [f"storage.{name}={json.dumps(self.server[name])}" for name in ("user", "password", "database")]
        more += ["storage.host=127.0.0.1", f"storage.port={self.proxy.port}", "storage.connect_timeout=1s"]
        self.host = Host(self.given.loft, self.given.plugins, storage=self.name,
                         arguments=[word for one in more for word in ("--set", one)], contracts=["im", "message_service"])
        self.host.__enter__()
        self.accounts = {name: self.host.account(name) for name in ("ann", "bob")}
        self.ann, self.bob = (ImTries(self.host, account) for account in self.accounts.values())
        self.ann.enter()
        self.bob.enter()
        self.sender, self.reader = (MessageServiceTries(self.host, self.accounts[name]) for name in ("ann", "bob"))
        return self

    def __exit__(self, *why):
        try:
            return self.host.__exit__(*why)
        finally:
            self.proxy.__exit__()
            self.server.close()

    def loses(self, act):
        """The act's commit is stored, and its answer lost; from then on the database cannot be reached."""
        self.proxy.lose(**COMMIT[self.name])
        answer = act()
        assert self.proxy.lost, "no commit was lost"
        return answer


def both(given):
    for name in COMMIT:
        with Engine(given, name) as engine:
            yield engine


@case
def messages(given):
    """a message whose commit lost its answer is refused, then heard by who is online, counted once, and acknowledged to a
    repeat"""
    for it in both(given):
        to_bob = it.accounts["bob"]
        assert not it.ann.tell(to_bob, "m0", client_id="c0").error
        assert it.bob.hear().text == "m0"
        refused = it.loses(lambda: it.ann.tell(to_bob, "m1", client_id="c1"))
        assert "unavailable" in refused.error or "try again" in refused.error, refused.error
        assert it.ann.tell(to_bob, "m2", client_id="c2").error  # nothing else is taken meanwhile
        it.proxy.open_door()
        assert it.bob.hear().text == "m1"
        again = it.ann.tell(to_bob, "m1", client_id="c1")
        assert not again.error and again.number, again.error
        assert not it.ann.tell(to_bob, "m2", client_id="c2").error
        assert it.bob.hear().text == "m2"
        assert it.reader.unread() == 3, it.reader.unread()


@case
def recalls(given):
    """a recall whose commit lost its answer counts, and done again it is no second one"""
    for it in both(given):
        number = it.ann.tell(it.accounts["bob"], "m0").number
        it.bob.hear()
        assert it.loses(lambda: it.sender.try_recall(number)).error
        it.proxy.open_door()
        until(lambda: it.reader.unread() == 0, "the recall counts")
        it.sender.try_recall(number)
        assert int(it.server.sql(CHANGES[it.name]).strip()) == 1


@case
def cuts(given):
    """while connections to the database are cut all the time, whoever is online hears each acknowledged message once"""
    for it in both(given):
        senders = [ImTries(it.host, it.host.account(f"sender{number}")) for number in range(4)]
        readers = [ImTries(it.host, it.host.account(f"reader{number}")) for number in range(12)]
        for one in senders + readers:
            one.enter()
        acknowledged, over = collections.Counter(), threading.Event()

        def send(own):
            for number in itertools.count():
                if over.is_set():
                    return
                text = f"{senders.index(own)}-{number}"
                while own.tell(readers[number % len(readers)].account, text, client_id=text).error:
                    pass
                acknowledged[text] += 1

        with concurrent.futures.ThreadPoolExecutor(len(senders)) as pool:
            running = [pool.submit(send, own) for own in senders]
            for _ in range(8):
                before = acknowledged.total()
                until(lambda enough=before + 8: acknowledged.total() >= enough, "messages are acknowledged between the cuts")
                it.proxy.cut()
            over.set()
            for one in running:
                one.result()
        heard = collections.Counter(message["data"]["content"] for one in readers for message in one.session.round_trip()
                                    if message["type"] == "new_message")
        assert heard == acknowledged, (acknowledged - heard, heard - acknowledged)


if __name__ == "__main__":
    run(__doc__)
