#!/usr/bin/python3
"""Clients send at full speed, the host is killed at random moments and started again; then everything is counted.

After each kill: a user is offered exactly what was acknowledged to its sender and did not reach the user; and what counts as
unread by the read marks is exact, through both contracts. At the end: every acknowledged message is there exactly once and
in order, and a repeat with the same client id returns the first id and creates nothing.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import os
import random
import secrets
import sys
import time

from lib.host import Host
from lib.link import Link
from lib.session import Http, PigeonSession

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "servers"))
from client import Server  # noqa: E402 pylint: disable=wrong-import-position

IN_FLIGHT = 16


def number_of(client_id):
    return int(client_id.rpartition("-")[2])


def conversation(message):
    return message.get("group_id") or message["sender_id"]


class Client:
    """One user: sends numbered messages to a neighbour and to the group, each with a client id, and keeps the answers."""

    def __init__(self, world, index):
        self.world, self.index = world, index
        self.name = f"user{index}_{world.run}"
        self.next = 0
        self.waiting = collections.OrderedDict()  # client id -> what was sent, in order, not yet acknowledged
        self.acked = {}                           # client id -> server's id
        self.sessions = []                        # for each session since the inbox was emptied: what was heard, in order
        self.heard = set()                        # ids heard live, ever
        self.fetched = set()                      # ids that an inbox has offered
        self.read = set()                         # ids that are acknowledged as read
        self.got = set()                          # ids that are acknowledged as delivered
        self.acking = collections.deque()         # (id, status) whose acknowledgement is on its way
        self.repeats = 0

    def target(self, number):
        if number % 3 == 2:
            return {"group_id": self.world.group}
        return {"receiver_id": self.world.clients[(self.index + 1 + number % 2) % len(self.world.clients)].name}

    def body(self, number):
        return dict(self.target(number), type="text", content=f"{self.index}:{number}")

    async def send(self, link, client_id):
        await link.send_json({"type": "send_message", "data": self.body(number_of(client_id)), "timestamp": 1,
                              "message_id": client_id})

    async def play(self, most):
        """Until the connection ends or `most` new messages are acknowledged. Reads to the end of the socket: what the
        kernel has taken from the host counts as delivered, so it must not be left there."""
        link = Link(self.world.host.port("im"))
        if not await link.open():
            return  # killed already
        self.sessions.append([])
        until = self.next + most
        await link.send_json({"type": "login", "data": {"user_id": self.name, "token": "t"}, "timestamp": 1})
        for client_id in self.waiting:  # what was in doubt when the host died
            await self.send(link, client_id)
        for message, status in self.acking:
            await self.send_ack(link, message, status)
        await self.go_on(link, until)
        async for frame in link.frames():
            self.hear(frame)
            await self.go_on(link, until)

    async def go_on(self, link, until):
        while len(self.waiting) < IN_FLIGHT and self.next < until:
            client_id = f"{self.name}-{self.next}"
            self.next += 1
            self.waiting[client_id] = True
            await self.send(link, client_id)
            if self.acked and self.world.dice.random() < 0.05:  # an answered one once more
                self.repeats += 1
                await self.send(link, self.world.dice.choice(list(self.acked)[-50:]))
        heard = self.sessions[-1]
        if self.next < until and heard and self.world.dice.random() < 0.2 and len(self.acking) < 8:
            message, status = self.world.dice.choice(heard[-50:]), self.world.dice.choice(("read", "delivered"))
            if message not in self.read and all(message != other for other, _ in self.acking):
                self.acking.append((message, status))
                await self.send_ack(link, message, status)
        if self.next >= until and not self.waiting and not self.acking:
            await link.say_goodbye()

    @staticmethod
    async def send_ack(link, message, status):
        await link.send_json({"type": "ack", "data": {"message_id": message, "status": status}, "timestamp": 1})

    def acknowledged(self):
        message, status = self.acking.popleft()
        (self.read if status == "read" else self.got).add(message)

    def settle(self):
        """Once more what was in doubt when the host died; afterwards nothing is."""
        http, user = Http(self.world.host.im), {"X-User-ID": self.name}
        for client_id in list(self.waiting):
            body = dict(self.body(number_of(client_id)), client_msg_id=client_id)
            status, answer = http.call("POST", "/api/v1/messages", user, json.dumps(body).encode())
            assert status == 200, answer
            self.acked[client_id] = answer["message_id"]
            del self.waiting[client_id]
        while self.acking:
            message, what = self.acking[0]
            status, answer = http.call("POST", f"/api/v1/messages/{message}/ack", user, json.dumps({"status": what}).encode())
            assert status == 200, answer
            self.acknowledged()

    def hear(self, frame):
        kind, data = frame["type"], frame["data"]
        if kind == "send_message":
            index, number = data["message"]["content"].split(":")
            client_id = f"{self.name}-{number}"
            assert int(index) == self.index, frame
            known = self.acked.setdefault(client_id, data["message_id"])
            assert known == data["message_id"], f"{client_id} was {known}, repeated it is {data['message_id']}"
            self.waiting.pop(client_id, None)
        elif kind in ("new_message", "new_group_message"):
            assert data["id"] not in self.heard, f"{self.name} heard {data['id']} twice"
            self.heard.add(data["id"])
            self.sessions[-1].append(data["id"])
        elif kind == "ack":
            self.acknowledged()
        else:
            assert kind == "login", frame


class World:
    def __init__(self, host, seed, count):
        self.host, self.dice, self.run = host, random.Random(seed), secrets.token_hex(4)
        self.clients, self.group = [], None
        self.places, self.known = {}, 0
        self.clients = [Client(self, index) for index in range(count)]
        http = Http(host.im)
        owner, *others = [client.name for client in self.clients]
        status, answer = http.call("POST", "/api/v1/groups", {"X-User-ID": owner},
                                   json.dumps({"name": "all", "members": others}).encode())
        assert status == 200, answer
        self.group = answer["group"]["id"]

    async def one_round(self, kill, absent=None):
        work = [asyncio.ensure_future(client.play(100_000 if kill else 400)) for client in self.clients if client is not absent]
        if kill:
            await asyncio.sleep(self.dice.uniform(0.05, 0.6))  # the random moment; nothing is waited for by it
            await asyncio.get_running_loop().run_in_executor(None, self.host.kill)
        for done in await asyncio.gather(*work, return_exceptions=True):
            if isinstance(done, BaseException):
                raise done

    # -- counting -----------------------------------------------------------------------------------------------------

    def history(self, client):
        """All messages from others, by the cursor, from the beginning."""
        http, cursor, found = Http(self.host.im), "msg_1", []
        while True:
            status, page = http.call("GET", f"/api/v1/messages/offline?last_message_id={cursor}&limit=200",
                                     {"X-User-ID": client.name})
            assert status == 200, page
            found += page["messages"]
            if not page["has_more"]:
                return found
            cursor = page["messages"][-1]["id"]

    def unfetched(self, client):
        http, found = Http(self.host.im), []
        while True:
            status, page = http.call("GET", "/api/v1/messages/offline?limit=200", {"X-User-ID": client.name})
            assert status == 200, page
            found += [message["id"] for message in page["messages"]]
            if not page["has_more"]:
                return found

    def expected_for(self, client):
        """(sender's index, number) of everything acknowledged to others that this user must have."""
        wanted = {}
        for other in self.clients:
            for client_id, server_id in other.acked.items():
                number = number_of(client_id)
                target = other.target(number)
                if other is not client and ("group_id" in target or target["receiver_id"] == client.name):
                    wanted[server_id] = f"{other.index}:{number}"
        return wanted

    def check(self, client):
        wanted, got = self.expected_for(client), self.history(client)
        ids = [int(message["id"].removeprefix("msg_")) for message in got]
        assert ids == sorted(set(ids)), f"{client.name}: ids are not strictly growing"
        found = {message["id"]: message["content"] for message in got}
        missing = {key: value for key, value in wanted.items() if found.get(key) != value}
        assert not missing, f"{client.name} lacks {len(missing)} acknowledged messages: {list(missing.items())[:5]}"
        extra = set(found) - set(wanted)
        assert not extra, f"{client.name} has {len(extra)} messages that nobody was answered: {list(extra)[:5]}"
        numbers = collections.defaultdict(list)
        for message in got:
            index, number = message["content"].split(":")
            numbers[index, message.get("group_id")].append(int(number))
        for key, row in numbers.items():
            assert row == sorted(set(row)), f"{client.name}: messages of {key} are out of order or twice"
        self.check_marks(client, got)
        self.check_statuses(client, got)
        return len(got)

    def check_inbox(self, client):
        """Nothing is lost, and nothing is offered twice.

        What a user heard in the last moments of a session and did not acknowledge may be offered once more: the host had
        no proof yet. That is always the end of what was heard in a conversation, never something in the middle.
        """
        waiting, wanted = self.unfetched(client), set(self.expected_for(client))
        offered = set(waiting)
        assert len(waiting) == len(offered), f"{client.name}: the inbox has messages twice"
        done = client.fetched | client.read | client.got
        lost = wanted - client.heard - done - offered
        assert not lost, f"{client.name}: {len(lost)} messages neither came nor are offered: {sorted(lost)[:5]}"
        foreign = offered - wanted
        assert not foreign, f"{client.name}: offered what nobody was answered: {sorted(foreign)[:5]}"
        again = offered & done
        assert not again, f"{client.name}: what was fetched or acknowledged is offered again: {sorted(again)[:5]}"
        earlier = (offered & client.heard) - {message for session in client.sessions for message in session}
        assert not earlier, f"{client.name}: offered before, and offered again: {sorted(earlier)[:5]}"
        for session in client.sessions:
            self.check_end(client, [message for message in session if message not in done], offered)
        assert not self.unfetched(client), f"{client.name}: the inbox offers the same again"
        client.fetched |= offered
        client.sessions = []
        return len(offered), len(offered & client.heard)

    def check_end(self, client, heard, offered):
        begun = {}
        for message in heard:
            where = self.place[message]
            if message in offered:
                begun.setdefault(where, message)
            else:
                assert where not in begun, f"{client.name}: {begun[where]} is offered again, the later {message} is not"

    @property
    def place(self):
        """Where each acknowledged message is: the group's id, or the sender's name."""
        known = sum(len(client.acked) for client in self.clients)
        if self.known != known:
            self.known = known
            for client in self.clients:
                for client_id, server_id in client.acked.items():
                    self.places[server_id] = client.target(number_of(client_id)).get("group_id") or client.name
        return self.places

    def check_marks(self, client, got):
        """What is unread by the read marks, and by time, through both contracts; then reads on by carrypigeon."""
        for message in got:
            is_read = message["status"] == "read"
            assert is_read == (message["id"] in client.read), f"{client.name}: read is {not is_read}, not {message}"
        pigeon = PigeonSession(self.host.carrypigeon)
        account = self.host.account(client.name)
        pigeon.log_in(account["token"], account["uid"])

        def ask(route, **data):
            answer = pigeon.request(f"/core/channel/message/{route}", data)
            assert answer["code"] == 200, (client.name, route, data, answer)
            return answer["data"]

        rows = collections.defaultdict(list)
        for message in got:
            rows[conversation(message)].append(message)
        for row in rows.values():
            cid = ask("get", mid=int(row[0]["id"].removeprefix("msg_")))["cid"]
            marked = max((message["timestamp"] for message in row if message["id"] in client.read), default=0)
            assert ask("read/state/get", cid=cid)["last_read_time"] == marked, (client.name, cid, marked)
            for since in (0, marked):
                later = sum(message["timestamp"] > since for message in row)
                count = ask("unread/get", cid=cid, start_time=since)["count"]
                assert count == later, f"{client.name}: {count} messages in {cid} after {since}; there are {later}"
        row = self.dice.choice(list(rows.values()))
        upto = self.dice.choice(row[:len(row) // 2 + 1])["timestamp"]
        cid = ask("get", mid=int(row[0]["id"].removeprefix("msg_")))["cid"]
        ask("read/state/update", cid=cid, last_read_time=upto)
        client.read |= {message["id"] for message in row if message["timestamp"] <= upto}
        pigeon.close()

    def check_statuses(self, client, got):
        """What the senders of private messages are shown."""
        http = Http(self.host.im)
        private = [message for message in got if "group_id" not in message]
        for message in self.dice.sample(private, min(40, len(private))):
            status, answer = http.call("GET", f"/api/v1/messages/{message['id']}", {"X-User-ID": message["sender_id"]})
            is_read = answer["message"]["status"] == "read"
            assert status == 200 and is_read == (message["id"] in client.read), (answer, message["id"] in client.read)

    def after_kill(self, number):
        """Half of the users empty their inboxes, the others' wait for the next kill; two of them count everything."""
        for client in self.clients:
            client.settle()
        offered = again = 0
        some = [client for client in self.clients if (client.index + number) % 2]
        for client in some:
            found = self.check_inbox(client)
            offered, again = offered + found[0], again + found[1]
        for client in self.dice.sample(some, 2):
            self.check(client)
        return offered, again

    def check_repeats(self, client):
        http = Http(self.host.im)
        for client_id in self.dice.sample(sorted(client.acked), min(20, len(client.acked))):
            body = dict(client.body(number_of(client_id)), client_msg_id=client_id)
            status, answer = http.call("POST", "/api/v1/messages", {"X-User-ID": client.name}, json.dumps(body).encode())
            assert status == 200 and answer["message_id"] == client.acked[client_id], (client_id, answer)


@contextlib.contextmanager
def host_over(storage, options):
    """A host over a storage; one that needs a server has it to itself."""
    if storage == "sqlite":
        with Host(options.loft, options.plugins) as host:
            yield host
        return
    with Server({"mysql": "mariadb"}.get(storage, storage), pooler=options.pooler) as server:
        more = ["--set", f"storage.port={server['port']}"]
        for name in ("host", "user", "password", "database"):
            more += ["--set", f"storage.{name}={json.dumps(server[name])}"]
        with Host(options.loft, options.plugins, storage=storage, arguments=more) as host:
            yield host


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loft", required=True)
    parser.add_argument("--plugins")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--storage", default="sqlite", help="sqlite, or postgresql or mysql with a private server")
    parser.add_argument("--pooler", choices=("session",), help="PostgreSQL behind pgbouncer")
    parser.add_argument("--seed", type=int, default=None, help="of the random moments; a failed run prints its own")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else secrets.randbits(32)
    print(f"seed {seed}", flush=True)
    begin = time.monotonic()
    with host_over(options.storage, options) as host:
        world = World(host, seed, options.clients)
        for number in range(options.rounds):
            asyncio.run(world.one_round(kill=True, absent=world.clients[number % len(world.clients)]))
            host.start()
            offered, again = world.after_kill(number)
            acked = sum(len(client.acked) for client in world.clients)
            print(f"round {number + 1}: killed and back, {acked} messages acknowledged so far, "
                  f"{offered} offered, {again} of them heard before", flush=True)
        for client in world.clients:
            world.check_inbox(client)
        asyncio.run(world.one_round(kill=False, absent=world.clients[0]))
        assert all(not client.waiting and not client.acking for client in world.clients), "answers are still missing"
        for client in world.clients:
            world.check_repeats(client)
        missed, _ = world.check_inbox(world.clients[0])
        assert missed, "the absent user missed nothing: the last round sent nothing"
        for client in world.clients[1:]:
            world.check_inbox(client)
        total = sum(world.check(client) for client in world.clients)
        repeats = sum(client.repeats for client in world.clients)
        reads = sum(len(client.read) for client in world.clients)
    print(f"ok  {total} deliveries checked, {repeats} repeats and {reads} reads on the way, "
          f"{time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
