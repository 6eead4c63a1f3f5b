"""A person on document 000."""

from ..session import NetherlinkSession
from .person import Person, Seen, millis


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
