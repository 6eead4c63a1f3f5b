#!/usr/bin/python3
"""Clients send at full speed, the host is killed at random moments and started again; then everything is counted.

Every acknowledged message is there exactly once and in order, unread counts are exact, and a repeat with the same
client id returns the first id and creates nothing.
"""

import argparse
import asyncio
import collections
import json
import random
import secrets
import time

import websockets

from lib.host import Host
from lib.session import Http, PigeonSession

IN_FLIGHT = 16


class Client:
    """One user: sends numbered messages to a neighbour and to the group, each with a client id, and keeps the answers."""

    def __init__(self, world, index):
        self.world, self.index = world, index
        self.name = f"user{index}_{world.run}"
        self.next = 0
        self.waiting = collections.OrderedDict()  # client id -> what was sent, in order, not yet acknowledged
        self.acked = {}                           # client id -> server's id
        self.pushed = set()                       # ids heard live
        self.read = {}                            # id -> True once `read` was acknowledged
        self.reading = collections.deque()        # ids whose `read` is on its way
        self.repeats = 0

    def target(self, number):
        if number % 3 == 2:
            return {"group_id": self.world.group}
        return {"receiver_id": self.world.clients[(self.index + 1 + number % 2) % len(self.world.clients)].name}

    def make(self):
        number = self.next
        self.next += 1
        data = dict(self.target(number), type="text", content=f"{self.index}:{number}")
        self.waiting[f"{self.name}-{number}"] = data

    @staticmethod
    def frame(client_id, data):
        return json.dumps({"type": "send_message", "data": data, "timestamp": 1, "message_id": client_id})

    async def play(self, most):
        """Until the connection breaks or `most` new messages are acknowledged."""
        try:
            async with websockets.connect(self.world.socket, ping_interval=None, compression=None, max_size=None) as link:
                await link.send(json.dumps({"type": "login", "data": {"user_id": self.name, "token": "t"}, "timestamp": 1}))
                for client_id, data in self.waiting.items():  # what was in doubt when the host died
                    await link.send(self.frame(client_id, data))
                for message in self.reading:
                    await self.send_read(link, message)
                await self.converse(link, self.next + most)
        except (OSError, websockets.ConnectionClosed, websockets.InvalidHandshake, asyncio.TimeoutError, EOFError):
            pass  # the kill

    async def converse(self, link, until):
        while self.next < until or self.waiting or self.reading:
            while len(self.waiting) < IN_FLIGHT and self.next < until:
                before = set(self.waiting)
                self.make()
                (client_id,) = set(self.waiting) - before
                await link.send(self.frame(client_id, self.waiting[client_id]))
                if self.acked and self.world.dice.random() < 0.05:  # an answered one once more
                    await self.repeat(link)
            self.hear(json.loads(await link.recv()))
            if self.pushed and self.world.dice.random() < 0.1 and len(self.reading) < 8:
                await self.begin_read(link)

    async def repeat(self, link):
        client_id = self.world.dice.choice(list(self.acked)[-50:])
        number = int(client_id.rpartition("-")[2])
        self.repeats += 1
        await link.send(self.frame(client_id, dict(self.target(number), type="text", content=f"{self.index}:{number}")))

    async def begin_read(self, link):
        message = self.world.dice.choice(list(self.pushed)[-50:])
        if message not in self.read and message not in self.reading:
            self.reading.append(message)
            await self.send_read(link, message)

    @staticmethod
    async def send_read(link, message):
        await link.send(json.dumps({"type": "ack", "data": {"message_id": message, "status": "read"}, "timestamp": 1}))

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
            self.pushed.add(data["id"])
        elif kind == "ack":
            self.read[self.reading.popleft()] = True
        else:
            assert kind == "login", frame


class World:
    def __init__(self, host, seed, count):
        self.host, self.dice, self.run = host, random.Random(seed), secrets.token_hex(4)
        self.clients, self.group = [], None
        self.clients = [Client(self, index) for index in range(count)]
        http = Http(host.im)
        owner, *others = [client.name for client in self.clients]
        status, answer = http.call("POST", "/api/v1/groups", {"X-User-ID": owner},
                                   json.dumps({"name": "all", "members": others}).encode())
        assert status == 200, answer
        self.group = answer["group"]["id"]

    @property
    def socket(self):
        return "ws" + self.host.im[len("http"):] + "/ws"

    async def one_round(self, kill):
        work = [asyncio.ensure_future(client.play(400)) for client in self.clients]
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
                number = int(client_id.rpartition("-")[2])
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
        self.check_reads(client, got)
        return len(got)

    def check_reads(self, client, got):
        """Counts by carrypigeon; statuses of private messages by their sender; nothing unheard is left out."""
        pigeon = PigeonSession(self.host.carrypigeon)
        account = self.host.account(client.name)
        pigeon.log_in(account["token"], account["uid"])
        channels = pigeon.request("/core/channel/list", {})["data"]["channels"]
        total = 0
        for channel in channels:
            answer = pigeon.request("/core/channel/message/unread/get", {"cid": channel["cid"], "start_time": 0})
            assert answer["code"] == 200, answer
            total += answer["data"]["count"]
        assert total == len(got), f"{client.name}: {total} unread by count, {len(got)} by list"
        pigeon.close()
        http = Http(self.host.im)
        private = [message for message in got if "group_id" not in message]
        for message in self.dice.sample(private, min(40, len(private))):
            status, answer = http.call("GET", f"/api/v1/messages/{message['id']}", {"X-User-ID": message["sender_id"]})
            is_read = answer["message"]["status"] == "read"
            assert status == 200 and is_read == (message["id"] in client.read), (answer, message["id"] in client.read)

    def check_inbox(self, client):
        """What has been fetched or read is not offered again, and nothing is offered that was not sent."""
        waiting = self.unfetched(client)
        assert len(waiting) == len(set(waiting)), f"{client.name}: the inbox has messages twice"
        foreign = set(waiting) - set(self.expected_for(client))
        assert not foreign, f"{client.name}: offered what nobody was answered: {sorted(foreign)[:5]}"
        unread = [message for message in waiting if message in client.read]
        assert not unread, f"{client.name}: read messages are offered again: {unread[:5]}"
        assert not self.unfetched(client), f"{client.name}: the inbox offers the same again"

    def check_repeats(self, client):
        http = Http(self.host.im)
        for client_id in self.dice.sample(sorted(client.acked), min(20, len(client.acked))):
            number = int(client_id.rpartition("-")[2])
            body = dict(client.target(number), type="text", content=f"{client.index}:{number}", client_msg_id=client_id)
            status, answer = http.call("POST", "/api/v1/messages", {"X-User-ID": client.name}, json.dumps(body).encode())
            assert status == 200 and answer["message_id"] == client.acked[client_id], (client_id, answer)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loft", required=True)
    parser.add_argument("--plugins")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=None, help="of the random moments; a failed run prints its own")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else secrets.randbits(32)
    print(f"seed {seed}", flush=True)
    begin = time.monotonic()
    with Host(options.loft, options.plugins) as host:
        world = World(host, seed, options.clients)
        for number in range(options.rounds):
            asyncio.run(world.one_round(kill=True))
            host.start()
            acked = sum(len(client.acked) for client in world.clients)
            print(f"round {number + 1}: killed and back, {acked} messages acknowledged so far", flush=True)
        asyncio.run(world.one_round(kill=False))
        assert all(not client.waiting and not client.reading for client in world.clients), "answers are still missing"
        for client in world.clients:
            world.check_repeats(client)
        for client in world.clients:
            world.check_inbox(client)  # before the lists below, which fetch everything
        total = sum(world.check(client) for client in world.clients)
        repeats = sum(client.repeats for client in world.clients)
        reads = sum(len(client.read) for client in world.clients)
    print(f"ok  {total} deliveries checked, {repeats} repeats and {reads} reads on the way, "
          f"{time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
