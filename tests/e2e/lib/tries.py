"""What a client of each contract can try, and what the host answers: nothing here expects an answer to be a good one.

Where a contract has no word for an act, the plainest message is sent that would name it, so that the refusal is the
host's own.
"""

import dataclasses
import json
import secrets

from .people import Carrypigeon, Flix, Im, MessageService, Netherlink
from .session import Http


def compact(value):
    """As on the wire, without what differs from one run to the next."""
    if isinstance(value, dict):
        value = {key: value[key] for key in value if key not in ("id", "timestamp")}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclasses.dataclass
class Answer:
    error: str = ""         # empty where the host agreed
    body: object = None
    number: int = 0         # of the message or group that it was about


class _Tries:
    """What all five have: HTTP, and the rest in words of their own."""

    def __enter__(self):
        self.enter()
        return self

    def __exit__(self, kind, value, trace):
        self.leave()

    def headers(self):
        return {"Authorization": f"Bearer {self.token}"}

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        status, answer = Http(self.base).call(method, path, self.headers() | {"Content-Type": "application/json"}, data)
        if status >= 300:
            return Answer(f"{status} {compact(answer)}", answer)
        return Answer("", answer)

    def hears_of(self, number):
        """What was heard so far that names this message."""
        if self.session is None:
            return None
        words = self.words_of(number)
        return next((one for one in self.session.round_trip() if any(word in json.dumps(one) for word in words)), None)

    def words_of(self, number):
        return (str(number),)

    def acknowledge(self, number):
        """Only where the contract wants to be told that a message has come."""

    def listed(self):
        """What was sent to the user, also where it was asked for before."""
        return self.catch_up()

    def own(self, number, place):
        """How the sender's own message looks to it."""
        return self.look(number, place)


class NetherlinkTries(_Tries, Netherlink):
    types = ("text", "image", "file", "emoji", "voice", "video", "system", "location")

    def say(self, kind, payload):
        self.session.send_json({"type": kind, "payload": payload})
        answer = self.session.find(lambda m: m["type"] in (kind + "_response", "error"))
        if answer["type"] == "error":
            return Answer(compact(answer), answer)
        return Answer("", answer, answer["payload"].get("message_id", 0))

    def tell(self, other, text, **more):
        return self.say("chat", {"to": other["handle"], "content": text} | self._keyed(more))

    def tell_group(self, group, text, **more):
        return self.say("chat", {"to": str(group), "content": text, "is_group": True} | self._keyed(more))

    @staticmethod
    def _keyed(more):
        return {"client_msg_id": more["client_id"]} if "client_id" in more else {}

    def tell_type(self, other, kind):
        content = {"text": "words", "emoji": "😀", "system": "words"}.get(kind, "http://e/1")
        sent = {"content": content, "type": kind}
        return sent, self.say("chat", sent | {"to": other["handle"]})

    def count(self):
        return self.ask("GET", "/api/messages/unread_count")

    def acknowledge(self, number):
        return self.ask("POST", "/api/messages/mark_synced", {"message_ids": [number]})

    def mark_read(self, seen):
        return self.acknowledge(seen.id)

    def try_recall(self, number):
        return self.say("recall", {"message_id": number})

    def hide(self, number):
        return self.ask("DELETE", f"/api/messages/{number}")

    def forward(self, number, other):
        return self.say("forward", {"message_id": number, "to": other["handle"]})

    def make_group(self, other):
        return self.say("create_group", {"name": "g", "members": [other["handle"]]})

    def join(self, group):
        return self.say("group_join_request", {"group_id": group})

    def quit(self, group):
        return self.say("leave_group", {"group_id": group})

    def add(self, group, other):
        return self.say("add_member", {"group_id": group, "uid": other["handle"]})

    def mute(self, group, other):
        return self.say("mute", {"group_id": group, "uid": other["handle"]})

    def history(self, place):
        return [seen.id for seen in self.catch_up()]

    def own(self, number, place):
        return None


class FlixTries(_Tries, Flix):
    types = ("text", "image", "product", "order", "comment", "like", "favorite", "system", "video")

    def say(self, event, payload):
        answer = self.session.request(event, payload)
        if answer["status"] != "ok":
            return Answer(compact(answer["response"]), answer)
        body = answer["response"]
        return Answer("", body, self.number(body["message_id"]) if "message_id" in body else 0)

    def _write(self, place, content, kind="text", client_id=None):
        return self.say("send_message", {
            "client_message_id": client_id or secrets.token_hex(8), "conversation_id": place, "content": content,
            "message_type": "private_message", "content_type": kind, "client_timestamp": "2025-04-10T10:30:00.000Z",
            "reference_id": "reference 7"})

    def tell(self, other, text, **more):
        return self._write(self.private_place(other), {"text": text}, **more)

    def tell_group(self, group, text, **more):
        place = group if isinstance(group, str) else f"group:{self._uuid_of_group(group)}"
        return self._write(place, {"text": text}, **more)

    def _uuid_of_group(self, group):
        text = f"{group:014x}"
        return f"6c6f6674-0003-8000-80{text[:2]}-{text[2:]}"

    def tell_type(self, other, kind):
        content = {"text": {"text": "words"}, "image": {"image_urls": ["http://e/1", "http://e/2"]},
                   "system": {"text": "words"}, "video": {"url": "http://e/1"}}.get(kind, {"title": "Mug", "price": 12.5})
        return ({"content_type": kind, "content": content}, self._write(self.private_place(other), content, kind))

    def words_of(self, number):
        return (self._uuid(number),)

    def count(self):
        return self.ask("GET", "/api/v1/messages/unread_count")

    def mark_read(self, seen):
        return self.ask("PUT", f"/api/v1/messages/{self._uuid(seen.id)}/read")

    def try_recall(self, number):
        return self.say("withdraw_message", {"message_id": self._uuid(number)})

    def hide(self, number):
        return self.ask("DELETE", f"/api/v1/messages/{self._uuid(number)}")

    def forward(self, number, other):
        return self.say("forward_message", {"message_id": self._uuid(number), "receiver_id": other["uuid"]})

    def make_group(self, other):
        answer = self.say("create_conversation", {"participant_ids": [other["uuid"]], "type": "group", "name": "g"})
        answer.number = 0 if answer.error else self.number(answer.body["conversation"]["id"])
        return answer

    def join(self, group):
        return self.say("join_conversation", {"conversation_id": f"group:{self._uuid_of_group(group)}"})

    def quit(self, group):
        return self.say("leave_conversation", {"conversation_id": f"group:{self._uuid_of_group(group)}"})

    def add(self, group, other):
        return self.say("add_participants", {"conversation_id": f"group:{self._uuid_of_group(group)}",
                                             "participant_ids": [other["uuid"]]})

    def mute(self, group, other):
        return self.say("mute_participant", {"conversation_id": f"group:{self._uuid_of_group(group)}",
                                             "participant_id": other["uuid"]})

    def history(self, place):
        rows = self.request("get_conversation_history", {"conversation_id": place, "limit": 100})["messages"]
        return [self.number(row["id"]) for row in rows]


class MessageServiceTries(_Tries, MessageService):
    types = ("TEXT", "IMAGE", "VIDEO", "AUDIO", "FILE", "LOCATION", "CARD", "SYSTEM", "EMOJI")
    contents = {"IMAGE": {"url": "http://e/1", "width": 641}, "VIDEO": {"url": "http://e/1", "duration": 12.5},
                "AUDIO": {"url": "http://e/1", "duration": 3}, "FILE": {"url": "http://e/1", "filename": "f.pdf"},
                "LOCATION": {"latitude": 39.9, "longitude": 116.4}, "CARD": {"userId": 1002, "username": "ben"}}

    def _post(self, path, body, client_id=None):
        answer = self.ask("POST", "/api/v1/messages" + path,
                          {"messageType": "TEXT", "clientMsgId": client_id or secrets.token_hex(8)} | body)
        answer.number = 0 if answer.error else self.number(answer.body["data"]["messageId"])
        return answer

    def tell(self, other, text, client_id=None, **more):
        return self._post("/private", {"receiverId": other["uid"], "content": text} | more, client_id)

    def tell_group(self, group, text, client_id=None, **more):
        return self._post("/group", {"groupId": group if isinstance(group, str) else f"group_{group}", "content": text} | more,
                          client_id)

    def tell_type(self, other, kind):
        sent = {"messageType": kind, "content": self.contents.get(kind, "words")}
        return sent, self._post("/private", sent | {"receiverId": other["uid"]})

    def count(self):
        return self.ask("GET", "/api/v1/messages/unread/count")

    def mark_read(self, seen):
        return self.ask("POST", "/api/v1/messages/read", {"messageIds": [f"msg_{seen.id}"]})

    def try_recall(self, number):
        return self.ask("POST", f"/api/v1/messages/msg_{number}/recall", {})

    def hide(self, number):
        return self.ask("DELETE", f"/api/v1/messages/msg_{number}")

    def forward(self, number, other):
        answer = self.ask("POST", "/api/v1/messages/forward",
                          {"messageId": f"msg_{number}", "targetUserIds": [other["uid"]], "targetGroupIds": []})
        answer.number = 0 if answer.error else self.number(answer.body["data"]["newMessageIds"][0])
        return answer

    def make_group(self, other):
        answer = self.ask("POST", "/api/v1/groups", {"name": "g", "memberIds": [other["uid"]]})
        answer.number = 0 if answer.error else int(answer.body["data"]["groupId"].removeprefix("group_"))
        return answer

    def join(self, group):
        return self.add(group, self.account)

    def quit(self, group):
        return self.ask("DELETE", f"/api/v1/groups/group_{group}/members/{self.uid}")

    def add(self, group, other):
        return self.ask("POST", f"/api/v1/groups/group_{group}/members", {"userIds": [other["uid"]]})

    def mute(self, group, other):
        return self.ask("POST", f"/api/v1/groups/group_{group}/mute", {"userId": other["uid"]})

    def history(self, place):
        which = f"groupId={place}" if isinstance(place, str) else f"userId={place}"
        rows = self.http("GET", f"/api/v1/messages/history?{which}&limit=100")["data"]["messages"]
        return [self.number(row["messageId"]) for row in rows]


class ImTries(_Tries, Im):
    types = ("text", "image", "file", "voice", "video", "system", "location")

    def headers(self):
        return {"X-User-ID": self.handle}

    def say(self, kind, data, client_id=None):
        self.session.send_json({"type": kind, "data": data, "timestamp": 1} | ({"message_id": client_id} if client_id else {}))
        answer = self.session.find(lambda m: m["type"] in (kind, "error"))
        if answer["type"] == "error":
            return Answer(compact(answer), answer)
        number = answer["data"].get("message_id")
        return Answer("", answer, MessageService.number(number) if number else 0)

    def tell(self, other, text, client_id=None):
        return self.say("send_message", {"receiver_id": other["handle"], "type": "text", "content": text}, client_id)

    def tell_group(self, group, text, client_id=None):
        return self.say("send_message", {"group_id": str(group), "type": "text", "content": text}, client_id)

    def tell_type(self, other, kind):
        sent = {"type": kind, "content": "words" if kind in ("text", "system") else "http://e/1"}
        return sent, self.say("send_message", sent | {"receiver_id": other["handle"]})

    def count(self):
        return self.ask("GET", "/api/v1/messages/unread_count")

    def mark_read(self, seen):
        return self.ask("POST", f"/api/v1/messages/msg_{seen.id}/ack", {"status": "read"})

    def try_recall(self, number):
        return self.say("recall", {"message_id": f"msg_{number}"})

    def hide(self, number):
        return self.ask("DELETE", f"/api/v1/messages/msg_{number}")

    def forward(self, number, other):
        return self.say("forward", {"message_id": f"msg_{number}", "receiver_id": other["handle"]})

    def make_group(self, other):
        answer = self.ask("POST", "/api/v1/groups", {"name": "g", "members": [other["handle"]]})
        answer.number = 0 if answer.error else int(answer.body["group"]["id"])
        return answer

    def join(self, group):
        return self.say("join_group", {"group_id": str(group)})

    def quit(self, group):
        return self.say("leave_group", {"group_id": str(group)})

    def add(self, group, other):
        return self.ask("POST", f"/api/v1/groups/{group}/members", {"user_id": other["handle"]})

    def mute(self, group, other):
        return self.ask("POST", f"/api/v1/groups/{group}/mute", {"user_id": other["handle"]})

    def listed(self):
        found, page = [], {"has_more": True}
        while page["has_more"]:
            after = found[-1].id if found else 0
            page = self.http("GET", f"/api/v1/messages/offline?last_message_id={after}&limit=200")
            found += [self._seen(row) for row in page["messages"]]
        return found

    def history(self, place):
        return [seen.id for seen in self.listed()]


class CarrypigeonTries(_Tries, Carrypigeon):
    types = ("Core:Text", "Core:Image", "Core:Video", "Core:Voice", "Core:File", "Core:Location", "Core:Card", "Core:System",
             "Flix:Product", "Flix:Order", "Flix:Comment", "Flix:Like", "Flix:Favorite", "Shop:Basket")
    contents = {"Core:Text": {"text": "words"}, "Core:System": {"text": "words"}, "Core:Card": {"title": "Mug"},
                "Core:Location": {"latitude": 39.9, "longitude": 116.4}}

    def say(self, route, data):
        if self.session is None:
            self.enter()
        answer = self.session.request(route, data)
        if answer["code"] != 200:
            return Answer(compact(answer), answer)
        body = answer["data"]
        return Answer("", body, (body or {}).get("mid") or (body or {}).get("cid") or 0)

    def create(self, cid, domain, data, **more):
        return self.say("/core/channel/message/create", {"cid": cid, "domain": domain, "data": data} | more)

    def tell(self, other, text, **more):
        try:
            cid = self._channel(other)
        except AssertionError:
            cid = other["uid"]  # there is no other way to name somebody here
        return self.tell_group(cid, text, **more)

    def tell_group(self, group, text, client_id=None):
        return self.create(group, "Core:Text", {"text": text}, **({"client_msg_id": client_id} if client_id else {}))

    def tell_type(self, other, kind):
        content = self.contents.get(kind)
        if content is None:
            content = {"url": "http://e/1"} if kind.startswith("Core:") else {"title": "Mug", "price": 12.5}
        return {"domain": kind, "data": content}, self.create(self._channel(other), kind, content)

    def count(self):
        channels = self.say("/core/channel/list", {})
        return channels if channels.error else self.say("/core/channel/message/unread/get",
                                                        {"cid": channels.body["channels"][0]["cid"], "start_time": 0})

    def mark_read(self, seen):
        return self.say("/core/channel/message/read/state/update", {"cid": seen.where, "last_read_time": seen.time})

    def try_recall(self, number):
        return self.say("/core/channel/message/delete", {"mid": number})

    def hide(self, number):
        return self.try_recall(number)

    def forward(self, number, other):
        return self.say("/core/channel/message/forward", {"mid": number, "cid": other["uid"]})

    def make_group(self, other):
        answer = self.say("/core/channel/create", {"name": "g"})
        return answer

    def join(self, group):
        return self.say("/core/channel/application/create", {"cid": group})

    def quit(self, group):
        return self.say("/core/channel/member/delete", {"cid": group, "uid": self.uid})

    def add(self, group, other):
        return self.say("/core/channel/member/create", {"cid": group, "uid": other["uid"]})

    def mute(self, group, other):
        return self.say("/core/channel/ban/create", {"cid": group, "uid": other["uid"], "duration": 600})

    def history(self, place):
        rows = self.request("/core/channel/message/list", {"cid": place, "start_time": 0, "count": 50})["messages"]
        return [row["mid"] for row in rows]


VIEWS = (NetherlinkTries, FlixTries, MessageServiceTries, ImTries, CarrypigeonTries)
