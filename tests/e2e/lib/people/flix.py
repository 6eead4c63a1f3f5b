"""A person on document 001."""

import secrets

from ..session import FlixSession
from .person import Person, Seen, millis


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

    def delete(self, number):
        """For this user alone."""
        self.http("DELETE", f"/api/v1/messages/{self._uuid(number)}")

    def look(self, number, place):
        row = self.http("GET", f"/api/v1/messages/{self._uuid(number)}")["data"]
        return self._seen(row)
