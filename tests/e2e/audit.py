#!/usr/bin/python3
"""Every event of the host, as a plugin sees it: proposals in order and with a say, facts, and a follower that misses
nothing. The plugin `test.audit` runs twice in the host, as `first` and `second`, and writes what it sees to one file."""

import collections
import json
import os
import re
import sqlite3
import threading

from lib.cases import case, run, until
from lib.host import Host
from lib.program import run as program
from lib.session import Http, ImSession, PigeonSession
from lib.wire import Closed

HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "sdk", "include", "loft", "events.hpp")
STAGES = ["check", "rewrite", "policy"]
LINES = """\
plugins:
  - {{use: test.audit, name: first, options: {{file: "{file}", {first}}}}}
  - {{use: test.audit, name: second, options: {{file: "{file}"}}}}
"""
WORDS = "veto: forbidden-word, denied: s_denied, from: darn, to: dear, wait: in-a-moment, never: at-no-time, hide: unseen"
JOINED, LEFT = 3, 4  # loft::ChangeKind


class Audited(Host):
    def __init__(self, given, first=WORDS, arguments=()):
        super().__init__(given.loft, [given.plugins, given.options.audit], arguments=arguments)
        self.file = os.path.join(self.directory, "audit.ndjson")
        with open(self.config, "a", encoding="utf-8") as file:
            file.write(LINES.format(file=self.file, first=first))

    def lines(self, event=None, by="first", **fields):
        """What was written: of one event, by one instance (None: both), with these values."""
        if not os.path.exists(self.file):
            return []
        with open(self.file, encoding="utf-8") as file:
            every = [json.loads(line) for line in file.read().split("\n")[:-1]]
        fields = {**fields, **({"event": event} if event else {}), **({"by": by} if by else {})}
        return [line for line in every if all(line.get(key) == value for key, value in fields.items())]

    def saw(self, event, by="first", **fields):
        """The newest such line, waiting for it."""
        return until(lambda: self.lines(event, by, **fields), f"the audit's {event} with {fields}")[-1]

    def asked(self, event, **fields):
        """The newest such proposal, waiting for it to pass all stages of both instances."""
        for stage in STAGES:
            for by in ("first", "second"):
                line = self.saw(event, by, stage=stage, **fields)
        return line

    def pigeon(self, handle):
        account = self.account(handle)
        session = PigeonSession(self.carrypigeon)
        session.log_in(account["token"], account["uid"])
        return session, account


def send(session, receiver, content, client_id=None):
    frame = {"type": "send_message", "timestamp": 1, "data": {"receiver_id": receiver, "type": "text", "content": content}}
    session.send_json({**frame, "message_id": client_id} if client_id else frame)


def answer(session, kind="send_message"):
    return session.find(lambda frame: frame["type"] in (kind, "error"))["data"]


def sent(session, receiver, content):
    """The number of the message, once it is acknowledged."""
    send(session, receiver, content)
    data = answer(session)
    assert data.get("success") is True, data
    return int(data["message_id"][len("msg_"):])


def refusal(session, kind="send_message"):
    data = answer(session, kind)
    assert "success" not in data, data
    return data["error"]


def events_of_the_sdk():
    with open(HEADER, encoding="utf-8") as file:
        found = re.findall(r"^struct (\w+) : (Proposal|Fact) ", file.read(), re.M)
    assert len(found) > 15, found
    return found


@case
def chain(given):
    """`loft plugins chain` beside the running host lists every proposal's interceptors by stage and then by their place
    in the file, the observers, and the followers; and that is the order in which they are asked"""
    with Audited(given) as host:
        ran = program(host.loft, "plugins", "chain", "--json", "--config", host.config)
        assert ran.code == 0 and not ran.err, ran
        rows = json.loads(ran.out)
        listed = collections.defaultdict(list)
        for row in rows:
            listed[row["event"]].append((row["stage"], row["instance"]))
        both = [(stage, by) for stage in STAGES for by in ("first", "second")]
        waiting = both[:5] + [("policy", "first"), ("policy", "second")]  # and the one in the waiting form
        for name, kind in events_of_the_sdk():
            expected = [("observer", "first"), ("observer", "second")] if kind == "Fact" else both
            assert listed.pop("loft::" + name) == (waiting if name == "SubmitMessage" else expected), (name, rows)
        assert listed == {"test.first": [("follower", "first")], "test.second": [("follower", "second")]}, listed
        lines = program(host.loft, "plugins", "chain", "--config", host.config).out.splitlines()
        assert [line.split() for line in lines] == [[row["event"], row["stage"], row["instance"]] for row in rows], lines

        alice = ImSession(host.im)
        alice.log_in("s_alice")
        sent(alice, "s_bob", "in-a-moment")
        seen = [(line["stage"], line["by"]) for line in host.lines("SubmitMessage", None)]
        assert seen == both[:5] + [("waiting", "first"), ("policy", "second")], seen
        asked = [(line["stage"], line["by"]) for line in host.lines("OpenSession", None)]
        assert asked == both, asked
        alice.close()


@case
def proposals_and_facts(given):
    """both contracts together cause every proposal and every fact, each with the fields that it promises"""
    with Audited(given) as host:
        alice = ImSession(host.im)
        alice.log_in("s_alice")
        bob, account = host.pigeon("s_bob")
        uid = {"s_bob": account["uid"], "s_alice": host.saw("UserCreated", handle="s_alice")["user"]}
        assert host.saw("UserCreated", handle="s_bob") == {
            "by": "first", "event": "UserCreated", "user": uid["s_bob"], "handle": "s_bob", "uuid": account["uuid"]}
        for handle, number in uid.items():
            asked = host.asked("OpenSession", handle=handle, user=number)
            opened = host.saw("SessionOpened", user=number, session=asked["session"])
            assert opened["session"] != 0 and opened["contract"] is True, opened

        message = sent(alice, "s_bob", "coo?")
        pushed = bob.find(lambda packet: packet.get("data", {}).get("route") == "/core/message")["data"]["data"]
        assert pushed["mid"] == message and pushed["s_content"] == "coo?", pushed
        channel = pushed["cid"]
        asked = host.asked("SubmitMessage", user=uid["s_alice"], content={"text": "coo?"}, domain="Core:Text")
        assert asked["session"] == host.saw("SessionOpened", user=uid["s_alice"])["session"]
        stored = host.saw("MessageStored", message=message)
        assert stored == {"by": "first", "event": "MessageStored", "message": message, "seq": 1, "conversation": channel,
                          "sender": "s_alice", "domain": "Core:Text", "content": {"text": "coo?"}, "recalled": False}
        assert host.asked("DeliverTo", user=uid["s_bob"], message=message)["content"] == {"text": "coo?"}
        host.saw("follower", message=message, conversation=channel, seq=1, position=message, content={"text": "coo?"})

        code = bob.request("/core/channel/message/read/state/update",
                           {"cid": channel, "last_read_time": pushed["send_time"]})["code"]
        assert code == 200
        host.asked("AdvanceMark", user=uid["s_bob"], up_to_time=pushed["send_time"], messages=[])
        host.saw("MarkAdvanced", user=uid["s_bob"], conversation=channel, newest=message, reached=pushed["send_time"],
                 mark=1)
        reply = bob.request("/core/channel/message/create",
                            {"cid": channel, "domain": "Core:Text", "data": {"text": "coo!"}})
        assert reply["code"] == 200, reply
        alice.find(lambda frame: frame["type"] == "new_message")
        heard = f"msg_{reply['data']['mid']}"
        alice.send_json({"type": "ack", "timestamp": 1, "data": {"message_id": heard, "status": "read"}})
        assert answer(alice, "ack").get("success") is True
        host.asked("AdvanceMark", user=uid["s_alice"], messages=[reply["data"]["mid"]])
        host.saw("MarkAdvanced", user=uid["s_alice"], newest=reply["data"]["mid"])

        before = len(host.lines("ReadMessages", stage="check"))
        assert bob.request("/core/channel/message/list", {"cid": channel, "start_time": 0, "count": 9})["code"] == 200
        status, _ = Http(host.im).call("GET", f"/api/v1/messages/msg_{message}", {"X-User-ID": "s_alice"})
        assert status == 200
        host.asked("ReadMessages", user=uid["s_bob"])
        assert host.asked("ReadMessages", user=uid["s_alice"])["session"] == 0  # an HTTP request has none
        assert len(host.lines("ReadMessages", stage="check")) == before + 2

        assert bob.request("/core/channel/message/delete", {"mid": reply["data"]["mid"]})["code"] == 200
        host.asked("RecallMessage", user=uid["s_bob"], message=reply["data"]["mid"])
        assert host.saw("MessageRecalled", message=reply["data"]["mid"])["recalled"] is True
        host.saw("follower", change=0)

        status, made = Http(host.im).call("POST", "/api/v1/groups", {"X-User-ID": "s_alice"},
                                          b'{"name":"Doves","members":["s_bob"]}')
        assert status == 200, made
        group = int(made["group"]["id"])
        host.asked("CreateConversation", user=uid["s_alice"], name="Doves", members=1)
        host.saw("ConversationCreated", conversation=group, name="Doves", owner=uid["s_alice"])
        assert bob.request("/core/channel/create", {"name": "Pigeons"})["code"] == 200
        host.asked("CreateConversation", user=uid["s_bob"], name="Pigeons")
        host.saw("ConversationCreated", name="Pigeons", owner=uid["s_bob"])

        carol = ImSession(host.im)
        carol.log_in("s_carol")
        number = host.saw("UserCreated", handle="s_carol")["user"]
        for act, kind, change in (("join_group", 0, JOINED), ("leave_group", 1, LEFT)):
            carol.send_json({"type": act, "timestamp": 1, "data": {"group_id": str(group)}})
            assert answer(carol, act).get("success") is True
            host.asked("ChangeMembership", user=number, kind=kind)
            changed = host.saw("MembershipChanged", kind=change, conversation=group, subject=number, actor=number)
            host.saw("follower", change=change, position=changed["position"])
        send(carol, "s_alice", {"no": "text"})
        assert refusal(carol) == "content must be a string"  # the contract's own, which the host never sees
        carol.send_json({"type": "send_message", "timestamp": 1,
                         "data": {"group_id": str(group), "type": "text", "content": "let me in"}})
        assert refusal(carol) == "Not a member of the group"
        assert host.saw("MessageRefused", user=number) == {
            "by": "first", "event": "MessageRefused", "user": number, "code": "forbidden", "reason": "member.none"}
        session = host.saw("SessionOpened", user=number)["session"]
        carol.close()
        host.saw("SessionClosed", user=number, session=session)
        for line in host.lines(by=None):  # whatever one instance saw, the other did
            other = "second" if line["by"] == "first" else "first"
            host.saw(line["event"], by=other, **{key: value for key, value in line.items() if key not in ("by", "event")})

        # What needs a storage in trouble has a case of its own.
        told = {line["event"] for line in host.lines()}
        missing = {name for name, _ in events_of_the_sdk()} - told
        assert missing == {"Overloaded", "StorageLost", "StorageRecovered"}, missing
        alice.close()
        bob.close()


@case
def refusals(given):
    """a refusal keeps a message from being stored, and its reason reaches the client in its contract's own form"""
    with Audited(given) as host:
        alice = ImSession(host.im)
        alice.log_in("s_alice")
        bob, account = host.pigeon("s_bob")
        sent(alice, "s_bob", "hello")
        channel = bob.find(lambda packet: packet.get("id") == -1)["data"]["data"]["cid"]
        send(alice, "s_bob", "a forbidden-word")
        assert refusal(alice) == "Forbidden: audit.vetoed"
        body = b'{"receiver_id":"s_bob","type":"text","content":"a forbidden-word"}'
        assert Http(host.im).call("POST", "/api/v1/messages", {"X-User-ID": "s_alice"}, body) == (
            403, {"error": "Forbidden: audit.vetoed"})
        said = bob.request("/core/channel/message/create",
                           {"cid": channel, "domain": "Core:Text", "data": {"text": "a forbidden-word"}})
        assert (said["code"], said["data"]) == (300, {"msg": "audit.vetoed"}), said
        said = bob.request("/core/channel/create", {"name": "forbidden-word"})
        assert (said["code"], said["data"]) == (300, {"msg": "audit.vetoed"}), said
        refused = until(lambda: host.lines("MessageRefused", reason="audit.vetoed", code="forbidden")[2:], "three facts")
        assert len(refused) == 1, refused
        assert not host.lines("SubmitMessage", "second", stage="policy", content={"text": "a forbidden-word"})
        assert not bob.round_trip() and not alice.round_trip(), "somebody heard of a message that was refused"
        listed = bob.request("/core/channel/message/list", {"cid": channel, "start_time": 0, "count": 9})["data"]
        assert [one["data"]["text"] for one in listed["messages"]] == ["hello"], listed

        eve = ImSession(host.im)
        eve.send_json({"type": "login", "timestamp": 1, "data": {"user_id": "s_forbidden-word", "token": "t"}})
        assert refusal(eve, "login") == "Forbidden: audit.vetoed"
        send(eve, "s_bob", "without a session")
        assert refusal(eve) == "Not logged in"
        account = host.account("e_forbidden-word")
        pigeon = PigeonSession(host.carrypigeon)
        said = pigeon.request("/core/user/login/token", {"token": account["token"]})
        assert (said["code"], said["data"]) == (300, {"msg": "audit.vetoed"}), said
        assert pigeon.request("/core/channel/list", {})["code"] == 300

        # Whoever is denied may log in, and nothing else.
        mallory, account = host.pigeon("s_denied")
        words = "the auditor denies you everything"
        for route, data in (("message/create", {"cid": channel, "domain": "Core:Text", "data": {"text": "x"}}),
                            ("message/delete", {"mid": 1}), ("create", {"name": "mine"}),
                            ("message/list", {"cid": channel, "start_time": 0, "count": 9}),
                            ("message/read/state/update", {"cid": channel, "last_read_time": 1})):
            said = mallory.request("/core/channel/" + route, data)
            assert (said["code"], said["data"]) == (300, {"msg": words}), (route, said)
        denied = ImSession(host.im)
        denied.log_in("s_denied")
        for kind, data in (("ack", {"message_id": "msg_1", "status": "read"}), ("sync_offline", {}),
                           ("join_group", {"group_id": str(channel)}), ("leave_group", {"group_id": str(channel)}),
                           ("send_message", {"receiver_id": "s_bob", "type": "text", "content": "x"})):
            denied.send_json({"type": kind, "timestamp": 1, "data": data})
            assert refusal(denied, kind) == "Forbidden: " + words, kind
        for method, path, body in (("GET", "/api/v1/messages/msg_1", None), ("GET", "/api/v1/messages/offline", None),
                                   ("POST", "/api/v1/groups", b'{"name":"g","members":[]}'),
                                   ("POST", f"/api/v1/groups/{channel}/join", b"{}")):
            said = Http(host.im).call(method, path, {"X-User-ID": "s_denied"}, body)
            assert said == (403, {"error": "Forbidden: " + words}), (path, said)
        for session in (alice, bob, eve, pigeon, mallory, denied):
            session.close()


@case
def rewritten(given):
    """what an interceptor rewrites is what later ones judge, what is stored, pushed, answered, and in history; what one
    hides from its recipient is not pushed, and waits in history"""
    with Audited(given) as host:
        alice = ImSession(host.im)
        alice.log_in("s_alice")
        bob, _ = host.pigeon("s_bob")
        send(alice, "s_bob", "oh darn")
        data = answer(alice)
        assert data["success"] is True and data["message"]["content"] == "oh dear", data
        pushed = bob.find(lambda packet: packet.get("id") == -1)["data"]["data"]
        assert pushed["s_content"] == "oh dear", pushed
        assert host.saw("SubmitMessage", by="second", stage="check")["content"] == {"text": "oh darn"}
        assert host.saw("SubmitMessage", by="second", stage="rewrite")["content"] == {"text": "oh dear"}
        assert host.saw("SubmitMessage", stage="policy")["content"] == {"text": "oh dear"}
        assert host.saw("MessageStored")["content"] == {"text": "oh dear"}
        hidden = sent(alice, "s_bob", "unseen")
        assert not bob.round_trip(), "what was hidden was pushed"
        said = bob.request("/core/channel/message/list", {"cid": pushed["cid"], "start_time": 0, "count": 9})["data"]
        assert [one["data"]["text"] for one in said["messages"]] == ["unseen", "oh dear"], said
        status, got = Http(host.im).call("GET", f"/api/v1/messages/{data['message_id']}", {"X-User-ID": "s_alice"})
        assert status == 200 and got["message"]["content"] == "oh dear", got
        alice.close()
        bob.close()
        host.stop()
        link = sqlite3.connect(os.path.join(host.data_dir, "loft.db"))
        assert link.execute("SELECT content FROM message ORDER BY id").fetchall() == [
            ('{"text":"oh dear"}',), ('{"text":"unseen"}',)]
        assert link.execute("SELECT max(id) FROM message").fetchone() == (hidden,)
        link.close()


@case
def waiting(given):
    """an interceptor may answer later; its session's later messages wait, others' do not; one that never answers is a
    refusal after its time-out"""
    with Audited(given) as host:
        alice, bob = ImSession(host.im), ImSession(host.im)
        alice.log_in("s_alice")
        bob.log_in("s_bob")
        for number in range(20):
            send(alice, "s_bob", f"{number} in-a-moment" if number % 3 == 0 else f"{number}")
        heard = [bob.find(lambda frame: frame["type"] == "new_message")["data"]["content"] for _ in range(20)]
        assert [int(content.split()[0]) for content in heard] == list(range(20)), heard
        acked = [answer(alice) for _ in range(20)]
        assert all(data["success"] is True for data in acked), acked

        send(alice, "s_bob", "at-no-time")
        send(alice, "s_bob", "afterwards")
        sent(bob, "s_alice", "meanwhile")
        assert not host.lines("SubmitMessage", content={"text": "afterwards"})
        assert refusal(alice) == "Service unavailable, try again later"
        assert answer(alice)["success"] is True
        refused = host.saw("MessageRefused")
        assert (refused["code"], refused["reason"]) == ("unavailable", "interceptor.timeout"), refused
        contents = [line["content"]["text"] for line in host.lines("MessageStored")][20:]
        assert contents == ["meanwhile", "afterwards"], contents
        send(alice, "s_bob", "at-no-time")  # its answer is still owed when the host stops
        host.saw("SubmitMessage", stage="policy", content={"text": "at-no-time"})
        bob.close()


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
        assert status == 503 and parts == {"host": "ok", "storage": "the storage does not take messages"}, parts
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
        said = Http(host.im).call("GET", f"/api/v1/messages/msg_{old}", {"X-User-ID": "s_alice"})
        assert said[0] == 200 and said[1]["message"]["content"] == "old", said
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
