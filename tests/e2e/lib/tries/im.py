"""Document 003."""

from ..people import Im, MessageService
from .common import Answer, Tries, compact


class ImTries(Tries, Im):
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
