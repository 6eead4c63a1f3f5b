"""A person on document 002."""

import secrets

from .person import Person, Seen, millis


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
