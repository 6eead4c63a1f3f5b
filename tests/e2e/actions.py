#!/usr/bin/python3
"""The actions of a plugin's message domain, `Acme:Poll` of sdk/examples, in all contracts of one host."""

import json
import os

from lib.audited import Audited
from lib.cases import case, run, until
from lib.session import FlixSession, Http, ImSession, NetherlinkSession, PigeonSession

CONTRACTS = ("im", "netherlink", "flix", "message_service", "carrypigeon")
POLL = {"question": "Lunch?", "options": ["yes", "no", "later"]}


class Voting(Audited):
    """Five users in one group, each with a client of another contract; ann has made a poll there."""

    def __init__(self, given):
        super().__init__(given, contracts=CONTRACTS, extra="domains: [core, flix, acme_poll]\n",
                         more_plugins=[given.options.examples])

    def meet(self):
        self.accounts = {name: self.account(name) for name in ("ann", "ben", "cem", "dan", "eve")}
        self.im_session = ImSession(self.im)
        self.im_session.log_in("ann")
        self.netherlink = NetherlinkSession(self.at("netherlink"))
        self.netherlink.log_in("ben", self.accounts["ben"]["token"])
        self.flix = FlixSession(self.at("flix"))
        self.flix.log_in(self.accounts["cem"]["uuid"], self.accounts["cem"]["token"])
        self.pigeon_session = PigeonSession(self.carrypigeon)
        self.pigeon_session.log_in(self.accounts["eve"]["token"], self.accounts["eve"]["uid"])
        body = json.dumps({"name": "five", "members": ["ben", "cem", "dan", "eve"]}).encode()
        status, made = Http(self.im).call("POST", "/api/v1/groups", {"X-User-ID": "ann"}, body)
        assert status == 200, made
        self.group = int(made["group"]["id"])
        self.poll = self.make_poll()
        self.flix_id = until(self.flix_name_of_poll, "the poll in cem's history")

    def make_poll(self, by="eve"):
        session = PigeonSession(self.carrypigeon)
        session.log_in(self.accounts[by]["token"], self.accounts[by]["uid"])
        answer = session.request("/core/channel/message/create", {"cid": self.group, "domain": "Acme:Poll", "data": POLL})
        assert answer["code"] == 200, answer
        session.close()
        return answer["data"]["mid"]

    def bearer(self, name):
        return {"Authorization": "Bearer " + self.accounts[name]["token"]}

    def flix_name_of_poll(self):
        answer = self.flix.request("sync", {"last_sync_timestamp": None})
        names = [event["payload"]["id"] for event in answer["response"]["events"] if event["event_type"] == "new_message"]
        return names and names[-1]

    # -- a vote in each contract's words; the answer's result, or the whole refusal ------------------------------------

    def by_im(self, action, arguments):
        self.im_session.send_json({"type": f"acme.poll.{action}", "timestamp": 1,
                                   "data": {"message_id": f"msg_{self.poll}", "arguments": arguments}})
        data = self.im_session.find(lambda m: m["type"] == "error" or "success" in m.get("data", {}))["data"]
        return data.get("result", data)

    def by_im_http(self, action, arguments):
        status, answer = Http(self.im).call("POST", f"/api/v1/messages/msg_{self.poll}/actions/acme.poll.{action}",
                                            {"X-User-ID": "ann"}, json.dumps(arguments).encode())
        return answer["result"] if status == 200 else (status, answer)

    def by_netherlink(self, action, arguments):
        self.netherlink.send_json({"type": f"acme.poll.{action}",
                                   "payload": {"message_id": self.poll, "arguments": arguments}})
        payload = self.netherlink.find(lambda m: m["type"] == "error" or "result" in m.get("payload", {}))["payload"]
        return payload.get("result", payload)

    def by_netherlink_http(self, action, arguments):
        status, answer = Http(self.at("netherlink")).call(
            "POST", f"/api/messages/{self.poll}/actions/acme.poll.{action}", self.bearer("ben"), json.dumps(arguments).encode())
        return answer["data"]["result"] if status == 200 else (status, answer)

    def by_flix(self, action, arguments):
        answer = self.flix.request(f"acme.poll.{action}", {"message_id": self.flix_id, "arguments": arguments})
        return answer["response"]["result"] if answer["status"] == "ok" else answer

    def by_flix_http(self, action, arguments):
        status, answer = Http(self.at("flix")).call("POST", f"/api/v1/messages/{self.flix_id}/actions/acme.poll.{action}",
                                                    self.bearer("cem"), json.dumps(arguments).encode())
        return answer["data"]["result"] if status == 200 else (status, answer)

    def by_message_service(self, action, arguments):
        status, answer = Http(self.at("message_service")).call(
            "POST", f"/api/v1/messages/msg_{self.poll}/actions/acme.poll.{action}", self.bearer("dan"), json.dumps(arguments).encode())
        return answer["data"]["result"] if status == 200 else (status, answer)

    def by_carrypigeon(self, action, arguments):
        answer = self.pigeon_session.request(f"/acme.poll.{action}", {"mid": self.poll, "arguments": arguments})
        return answer["data"]["result"] if answer["code"] == 200 else answer

    def ways(self):
        return {name[3:]: getattr(self, name) for name in dir(self) if name.startswith("by_")}


@case
def reached(given):
    """one declaration makes an action that clients of every contract reach, over each way that the contract has"""
    with Voting(given) as host:
        host.meet()
        ways = host.ways()
        assert len(ways) == 8, ways
        votes = [0, 0, 0]
        mine = {}
        for number, (name, vote) in enumerate(sorted(ways.items())):
            who = name.removesuffix("_http")
            if who in mine:
                votes[mine[who]] -= 1
            mine[who] = number % 3
            votes[number % 3] += 1
            assert vote("vote", {"option": number % 3}) == {"votes": votes}, name
        for name, look in ways.items():
            assert look("results", {}) == {"votes": votes}, name


@case
def told(given):
    """what an action tells is heard by the members who are connected, in their contracts' words, and asked and observed as events"""
    with Voting(given) as host:
        host.meet()
        assert host.by_message_service("vote", {"option": 2}) == {"votes": [0, 0, 1]}
        event = {"votes": [0, 0, 1]}
        heard = host.im_session.find(lambda m: m["type"] == "acme.poll.vote")["data"]
        assert heard == {"message_id": f"msg_{host.poll}", "user_id": "dan", "group_id": str(host.group), "event": event}, heard
        heard = host.netherlink.find(lambda m: m["type"] == "acme.poll.vote")["payload"]
        assert heard == {"message_id": host.poll, "from": "dan", "event": event}, heard
        heard = host.flix.find(lambda m: m[3] == "acme.poll.vote")[4]
        assert heard == {"message_id": host.flix_id, "user_id": host.accounts["dan"]["uuid"], "event": event}, heard
        heard = host.pigeon_session.find(lambda m: m.get("data", {}).get("route") == "/acme.poll.vote")["data"]["data"]
        assert heard == {"mid": host.poll, "cid": host.group, "uid": host.accounts["dan"]["uid"], "event": event}, heard
        asked = host.asked("PerformAction", action="acme.poll.vote")
        assert asked["message"] == host.poll and asked["arguments"] == {"option": 2}, asked
        done = host.saw("ActionDone", action="acme.poll.vote")
        assert (done["user"], done["message"], done["told"]) == ("dan", host.poll, event), done


@case
def refused(given):
    """a refusal of the plugin, of the schema and of the host reaches clients in their contracts' form, and changes nothing"""
    with Voting(given) as host:
        host.meet()
        for name, vote in host.ways().items():
            for arguments, words in (({"option": 7}, "no such option"), ({"option": "x"}, "option")):
                answer = json.dumps(vote("vote", arguments), ensure_ascii=False)
                assert "votes" not in answer, (name, answer)
                if name not in ("netherlink", "netherlink_http"):  # which name what is wrong by `error_details` only
                    assert words in answer, (name, answer)
        assert host.by_im("results", {}) == {"votes": [0, 0, 0]}
        first, host.poll = host.poll, host.make_poll("ben")
        answer = host.by_im("close", {})
        assert "only who made a poll closes it" in answer["error"], answer
        host.poll = first
        stranger = host.account("fay")
        status, answer = Http(host.at("message_service")).call(
            "POST", f"/api/v1/messages/msg_{first}/actions/acme.poll.results", {"Authorization": "Bearer " + stranger["token"]}, b"{}")
        assert status == 404, answer


@case
def kept(given):
    """votes outlive a host that is killed, and closing a poll stores its message together with its state"""
    with Voting(given) as host:
        host.meet()
        assert host.by_carrypigeon("vote", {"option": 1}) == {"votes": [0, 1, 0]}
        assert host.by_carrypigeon("close", {}) == {"votes": [0, 1, 0], "closed": True}
        heard = host.im_session.find(lambda m: m["type"] == "new_group_message" and "closed" in m["data"]["content"])["data"]
        assert heard["content"] == "The poll is closed, with 1 votes." and heard["sender_id"] == "eve", heard
        host.kill()
        host.start()
        answer = host.by_im_http("results", {})
        assert answer == {"votes": [0, 1, 0], "closed": True}, answer
        status, answer = host.by_im_http("vote", {"option": 0})
        assert (status, answer) == (400, {"error": "Conflict: the poll is closed"}), answer
        assert host.metrics()["loft_actions_total"] >= 1


if __name__ == "__main__":
    run(__doc__, audit="", examples="")
