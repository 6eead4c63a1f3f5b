"""A person on document 003."""

import json

from ..session import Http, ImSession
from .message_service import MessageService
from .person import Person, Seen


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
