#!/usr/bin/python3
"""Every event of the host, as a plugin sees it: proposals in order and with a say, and facts. The plugin `test.audit` runs
twice in the host, as `first` and `second`, and writes what it sees to one file."""

import collections
import json
import os
import re
import sqlite3

from lib.audited import JOINED, LEFT, STAGES, Audited, answer, refusal, send, sent
from lib.cases import case, run, until
from lib.program import run as program
from lib.session import Http, ImSession, PigeonSession

HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "sdk", "include", "loft", "events.hpp")


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
        for name in ("PushSucceeded", "PushDead"):  # tests/e2e/push.py causes those of push
            assert listed.pop("loft::" + name) == [("observer", "first"), ("observer", "second")], listed
        assert listed.pop("loft::SendPush") == both, listed
        for name in ("RegisterDevice", "UnregisterDevice", "MutePushes"):  # the host stores what the others passed
            assert listed.pop("loft::" + name) == [*both, ("policy", "push")], listed
        for name in ("ListMutedPushes", "ListLostDevices"):  # questions that the host answers
            assert listed.pop("loft::" + name) == [("policy", "push")], listed
        # carrypigeon keeps something about users, and so does push
        assert listed.pop("loft::EraseUser") == [("policy", "carrypigeon"), ("policy", "push")], listed
        assert listed.pop("loft::ExportUser") == [("policy", "carrypigeon"), ("policy", "push")], listed
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
        to_bob = host.asked("WriteToUser", user=uid["s_alice"], receiver=uid["s_bob"])
        assert to_bob["session"] == asked["session"], to_bob
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
        host.asked("WriteToUser", user=uid["s_bob"], receiver=uid["s_alice"])  # named by its channel's number
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
        made = bob.request("/core/channel/create", {"name": "Pigeons"})
        assert made["code"] == 200
        host.asked("CreateConversation", user=uid["s_bob"], name="Pigeons")
        host.saw("ConversationCreated", name="Pigeons", owner=uid["s_bob"])
        cid = made["data"]["cid"]
        change = {"cid": cid, "name": "Doves", "owner": uid["s_bob"], "brief": "", "avatar": ""}
        for act, data, kind in (("profile/update", change, 0), ("delete", {"cid": cid}, 1)):
            assert bob.request("/core/channel/" + act, data)["code"] == 200
            host.asked("ChangeConversation", user=uid["s_bob"], kind=kind)
            host.saw("ConversationChanged", conversation=cid, name="Doves", dissolved=kind == 1)

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
        # These are in audit_trouble.py and actions.py.
        assert missing == {"Overloaded", "StorageLost", "StorageRecovered", "PerformAction", "ActionDone"}, missing
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


if __name__ == "__main__":
    run(__doc__, audit="")
