"""A person on document 004."""

from ..session import PigeonSession
from .person import Person, Seen


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
