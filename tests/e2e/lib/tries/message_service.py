"""Document 002."""

import secrets

from ..people import MessageService
from .common import Tries


class MessageServiceTries(Tries, MessageService):
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
