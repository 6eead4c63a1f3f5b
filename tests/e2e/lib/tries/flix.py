"""Document 001."""

import secrets

from ..people import Flix
from .common import Answer, Tries, compact


class FlixTries(Tries, Flix):
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
