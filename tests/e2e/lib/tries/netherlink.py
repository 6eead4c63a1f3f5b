"""Document 000."""

from ..people import Netherlink
from .common import Answer, Tries, compact


class NetherlinkTries(Tries, Netherlink):
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
