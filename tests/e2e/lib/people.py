"""One person seen through one contract: the same few acts in every contract's own words.

What a person hears or reads comes back as `Seen`, translated into the host's terms (ids as numbers, times in
milliseconds), so that five vocabularies can be compared.
"""

import dataclasses
import datetime
import json
import secrets

from .session import FlixSession, Http, ImSession, NetherlinkSession, PigeonSession

EPOCH = 1735689600000  # 2025-01-01, where the host's ids begin


def time_of(number):
    """The time an id carries, milliseconds since 1970."""
    return (number >> 12) + EPOCH


def millis(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


@dataclasses.dataclass
class Seen:
    id: int
    sender: object      # in the contract's vocabulary
    text: str
    time: int           # milliseconds; of contracts that tell whole seconds, those
    where: object       # the conversation in the contract's vocabulary
    state: str = ""
    kind: str = ""      # the message's type in the contract's vocabulary
    raw: object = None


class Person:
    """`account` is what `loft token --json` prints. Subclasses say the contract's words."""

    contract = ""
    pushes = True           # live messages come by themselves
    time_unit = 1           # milliseconds
    has_client_ids = True
    can_read = can_recall = can_group = True

    def __init__(self, host, account):
        self.host, self.account, self.session = host, account, None
        self.handle, self.uid, self.uuid, self.token = (account[key] for key in ("handle", "uid", "uuid", "token"))

    @property
    def base(self):
        return self.host.at(self.contract)

    @property
    def me(self):
        """How this contract names its user."""
        return self.name_of(self.account)

    def http(self, method, path, body=None, expected=200):
        headers = {"Authorization": f"Bearer {self.token}"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        status, answer = Http(self.base).call(method, path, headers, data)
        assert status == expected, f"{self.contract}: {method} {path} -> {status} {answer}"
        return answer

    def leave(self):
        if self.session:
            self.session.close()
        self.session = None


class Netherlink(Person):
    contract = "netherlink"
    time_unit = 1000
    can_read = can_recall = False  # document 000 knows neither

    @staticmethod
    def name_of(account):
        return account["handle"]

    def enter(self):
        self.session = NetherlinkSession(self.base)
        self.session.log_in(self.handle, self.token)

    def _send(self, payload, client_id):
        if client_id:
            payload["client_msg_id"] = client_id
        self.session.send_json({"type": "chat", "payload": payload})
        answer = self.session.find(lambda m: m["type"] in ("chat_response", "error"))
        assert answer["type"] == "chat_response" and answer["payload"]["success"] is True, answer
        return answer["payload"]["message_id"]

    def send(self, other, text, client_id=None):
        return self._send({"to": other["handle"], "content": text, "type": "text"}, client_id)

    def send_to_group(self, group, text, client_id=None):
        return self._send({"to": str(group), "content": text, "type": "text", "is_group": True}, client_id)

    def _seen(self, row):
        return Seen(row["message_id"], row.get("from", row.get("sender_id")), row["content"], millis(row["timestamp"]),
                    row.get("conversation", row.get("conversation_id")), kind=row["type"], raw=row)

    def hear(self):
        return self._seen(self.session.find(lambda m: m["type"] == "chat")["payload"])

    def private_place(self, other):
        return "_".join(sorted((self.handle, other["handle"]), key=str.encode))

    def group_place(self, group, live):
        return str(group) if live else f"group_{group}"

    def catch_up(self):
        """What waits for somebody who was away, oldest first."""
        return [self._seen(row) for row in
                reversed(self.http("GET", "/api/messages/offline?page_size=100")["data"]["messages"])]

    def unread(self):
        return self.http("GET", "/api/messages/unread_count")["data"]["total_unread"]

    def look(self, number, place):
        """What stands of one message: the tombstone, or None where it is not shown any more."""
        return next((seen for seen in self.catch_up() if seen.id == number), None)


class Flix(Person):
    contract = "flix"

    @staticmethod
    def name_of(account):
        return account["uuid"]

    def enter(self):
        self.session = FlixSession(self.base)
        self.session.log_in(self.uuid, self.token)

    def request(self, event, payload):
        answer = self.session.request(event, payload)
        assert answer["status"] == "ok", f"{event} {payload} -> {answer}"
        return answer["response"]

    @staticmethod
    def number(uuid):
        return int(uuid.replace("-", "")[18:], 16)

    def _send(self, conversation, text, client_id):
        answer = self.request("send_message", {
            "client_message_id": client_id or secrets.token_hex(8), "conversation_id": conversation,
            "content": {"text": text}, "message_type": "private_message", "content_type": "text",
            "client_timestamp": "2025-04-10T10:30:00.000Z"})
        return self.number(answer["message_id"])

    def send(self, other, text, client_id=None):
        return self._send(self.private_place(other), text, client_id)

    def send_to_group(self, group, text, client_id=None):
        return self._send(self.group_place(group, True), text, client_id)

    def _seen(self, row):
        return Seen(self.number(row["id"]), row["sender_id"], row["content"].get("text"), millis(row["server_timestamp"]),
                    row["conversation_id"], row["status"], row["content_type"], row)

    def _event(self, kind):
        def fits(m):
            return isinstance(m, list) and m[3] == "event" and m[4]["event_type"] == kind
        return self.session.find(fits)[4]["payload"]

    def hear(self):
        return self._seen(self._event("new_message"))

    def hear_recall(self):
        return self.number(self._event("message_recalled")["message_id"])

    def private_place(self, other):
        return "private:" + ":".join(sorted((self.uuid, other["uuid"])))

    def group_place(self, group, live):
        if self.session is None:
            self.enter()
        rows = self.request("get_conversations", {"limit": 100, "offset": 0})["conversations"]
        return next(row["conversation"]["conversation_id"] for row in rows
                    if row["conversation"]["type"] == "group" and self.number(row["conversation"]["id"]) == group)

    def catch_up(self):
        return [self._seen(row) for row in reversed(self.http("GET", "/api/v1/messages?status=unread")["data"])]

    def unread(self):
        return self.http("GET", "/api/v1/messages/unread_count")["data"]["total"]

    def _uuid(self, number):
        text = f"{number:014x}"
        return f"6c6f6674-0002-8000-80{text[:2]}-{text[2:]}"

    def read(self, seen):
        self.http("PUT", f"/api/v1/messages/{self._uuid(seen.id)}/read")

    def recall(self, number):
        assert self.request("withdraw_message", {"message_id": self._uuid(number)}) == {"status": "withdrawn"}

    def look(self, number, place):
        row = self.http("GET", f"/api/v1/messages/{self._uuid(number)}")["data"]
        return self._seen(row)


class MessageService(Person):
    contract = "message_service"
    pushes = False
    time_unit = 1000

    @staticmethod
    def name_of(account):
        return account["uid"]

    def enter(self):
        """Requests only."""

    @staticmethod
    def number(text):
        return int(text.removeprefix("msg_"))

    def _post(self, path, body, client_id):
        body |= {"messageType": "TEXT", "clientMsgId": client_id or secrets.token_hex(8)}
        return self.number(self.http("POST", "/api/v1/messages" + path, body)["data"]["messageId"])

    def send(self, other, text, client_id=None):
        return self._post("/private", {"receiverId": other["uid"], "content": text}, client_id)

    def send_to_group(self, group, text, client_id=None):
        return self._post("/group", {"groupId": f"group_{group}", "content": text}, client_id)

    def _seen(self, row):
        where = row.get("groupId", row["senderId"] if row["senderId"] != self.uid else row.get("receiverId"))
        return Seen(self.number(row["messageId"]), row["senderId"], row["content"], millis(row["timestamp"]), where,
                    row["status"], row["messageType"], row)

    def private_place(self, other):
        return other["uid"]

    def group_place(self, group, live):
        return f"group_{group}"

    def catch_up(self):
        found = []
        for place in self.http("GET", "/api/v1/messages/unread/count")["data"]["conversations"]:
            which = f"groupId={place['groupId']}" if "groupId" in place else f"userId={place['userId']}"
            rows = self.http("GET", f"/api/v1/messages/history?{which}&limit={place['unreadCount']}")["data"]["messages"]
            found += [self._seen(row) for row in rows]
        return sorted(found, key=lambda seen: seen.id)

    def hear(self):
        return self.catch_up()[-1]

    def unread(self):
        return self.http("GET", "/api/v1/messages/unread/count")["data"]["totalUnread"]

    def read(self, seen):
        answer = self.http("POST", "/api/v1/messages/read", {"messageIds": [f"msg_{seen.id}"]})
        assert answer["data"]["readCount"] == 1, answer

    def recall(self, number):
        answer = self.http("POST", f"/api/v1/messages/msg_{number}/recall", {"reason": "a slip"})
        assert answer["data"]["status"] == "RECALLED", answer

    def look(self, number, place):
        which = f"groupId={place}" if isinstance(place, str) else f"userId={place}"
        rows = self.http("GET", f"/api/v1/messages/history?{which}&limit=100")["data"]["messages"]
        return next((self._seen(row) for row in rows if self.number(row["messageId"]) == number), None)


class Im(Person):
    contract = "im"
    can_recall = False

    @staticmethod
    def name_of(account):
        return account["handle"]

    def http(self, method, path, body=None, expected=200):
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-User-ID": self.handle, "Content-Type": "application/json"}
        status, answer = Http(self.base).call(method, path, headers, data)
        assert status == expected, f"im: {method} {path} -> {status} {answer}"
        return answer

    def enter(self):
        self.session = ImSession(self.base)
        self.session.log_in(self.handle)

    def _send(self, data, client_id):
        self.session.send_json({"type": "send_message", "data": data, "timestamp": 1}
                               | ({"message_id": client_id} if client_id else {}))
        answer = self.session.find(lambda m: m["type"] in ("send_message", "error"))
        assert answer["type"] == "send_message" and answer["data"]["success"] is True, answer
        return MessageService.number(answer["data"]["message_id"])

    def send(self, other, text, client_id=None):
        return self._send({"receiver_id": other["handle"], "type": "text", "content": text}, client_id)

    def send_to_group(self, group, text, client_id=None):
        return self._send({"group_id": str(group), "type": "text", "content": text}, client_id)

    def _seen(self, row):
        where = row.get("group_id") or row["sender_id"]
        return Seen(MessageService.number(row["id"]), row["sender_id"], row["content"], row["timestamp"], where,
                    row["status"], row["type"], row)

    def hear(self):
        return self._seen(self.session.find(lambda m: m["type"] in ("new_message", "new_group_message"))["data"])

    def private_place(self, other):
        return other["handle"]

    def group_place(self, group, live):
        return str(group)

    def catch_up(self):
        return [self._seen(row) for row in self.http("GET", "/api/v1/messages/offline?limit=200")["messages"]]

    def unread(self):
        return None  # document 003 has no count

    def read(self, seen):
        self.http("POST", f"/api/v1/messages/msg_{seen.id}/ack", {"status": "read"})

    def look(self, number, place):
        return self._seen(self.http("GET", f"/api/v1/messages/msg_{number}")["message"])


class Carrypigeon(Person):
    contract = "carrypigeon"
    has_client_ids = False  # document 004 has none

    @staticmethod
    def name_of(account):
        return account["uid"]

    def enter(self):
        self.session = PigeonSession(self.base)
        self.session.log_in(self.token, self.uid)

    def request(self, route, data):
        if self.session is None:
            self.enter()
        answer = self.session.request(route, data)
        assert answer["code"] == 200, f"{route} {data} -> {answer}"
        return answer["data"]

    def _channel(self, other):
        """The channel that a conversation of two is here; it is there once somebody has written."""
        for channel in self.request("/core/channel/list", {})["channels"]:
            if channel["owner"] == -1 and channel["name"] == other["handle"]:
                return channel["cid"]
        raise AssertionError(f"no channel with {other['handle']}")

    def _send(self, cid, text):
        return self.request("/core/channel/message/create", {"cid": cid, "domain": "Core:Text", "data": {"text": text}})["mid"]

    def send(self, other, text, client_id=None):
        return self._send(self._channel(other), text)

    def send_to_group(self, group, text, client_id=None):
        return self._send(group, text)

    def _seen(self, row):
        return Seen(row["mid"], row["uid"], row["data"].get("text"), row["send_time"], row["cid"], kind=row["domain"], raw=row)

    def hear(self):
        notice = self._notice("create")
        seen = self._seen(self.request("/core/channel/message/get", {"mid": notice["mid"]}))
        assert (notice["uid"], notice["cid"], notice["send_time"]) == (seen.sender, seen.where, seen.time), notice
        return seen

    def _notice(self, kind):
        def fits(m):
            data = m.get("data") or {}
            return (m.get("id") == -1 and data.get("route") == "/core/message" and data["data"]["type"] == kind
                    and data["data"]["uid"] != self.uid)
        return self.session.find(fits)["data"]["data"]

    def hear_recall(self):
        return self._notice("delete")["cid"]

    def private_place(self, other):
        return self._channel(other)

    def group_place(self, group, live):
        return group

    def catch_up(self):
        found = []
        for channel in self.request("/core/channel/list", {})["channels"]:
            since = self.request("/core/channel/message/read/state/get", {"cid": channel["cid"]})["last_read_time"]
            rows = self.request("/core/channel/message/list",
                                {"cid": channel["cid"], "start_time": 0, "count": 50})["messages"]
            found += [self._seen(row) for row in rows if row["uid"] != self.uid and row["send_time"] > since]
        return sorted(found, key=lambda seen: seen.id)

    def unread(self):
        total = 0
        for channel in self.request("/core/channel/list", {})["channels"]:
            since = self.request("/core/channel/message/read/state/get", {"cid": channel["cid"]})["last_read_time"]
            total += self.request("/core/channel/message/unread/get", {"cid": channel["cid"], "start_time": since})["count"]
        return total

    def read(self, seen):
        self.request("/core/channel/message/read/state/update", {"cid": seen.where, "last_read_time": seen.time})

    def recall(self, number):
        self.request("/core/channel/message/delete", {"mid": number})

    def look(self, number, place):
        rows = self.request("/core/channel/message/list", {"cid": place, "start_time": 0, "count": 50})["messages"]
        return next((self._seen(row) for row in rows if row["mid"] == number), None)


CONTRACTS = (Netherlink, Flix, MessageService, Im, Carrypigeon)
