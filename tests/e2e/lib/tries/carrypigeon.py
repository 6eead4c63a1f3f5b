"""Document 004."""

from ..people import Carrypigeon
from .common import Answer, Tries, compact


class CarrypigeonTries(Tries, Carrypigeon):
    types = ("Core:Text", "Core:Image", "Core:Video", "Core:Voice", "Core:File", "Core:Location", "Core:Card", "Core:System",
             "Flix:Product", "Flix:Order", "Flix:Comment", "Flix:Like", "Flix:Favorite", "Shop:Basket")
    contents = {"Core:Text": {"text": "words"}, "Core:System": {"text": "words"}, "Core:Card": {"title": "Mug"},
                "Core:Location": {"latitude": 39.9, "longitude": 116.4}}

    def say(self, route, data):
        if self.session is None:
            self.enter()
        answer = self.session.request(route, data)
        if answer["code"] != 200:
            return Answer(compact(answer), answer)
        body = answer["data"]
        return Answer("", body, (body or {}).get("mid") or (body or {}).get("cid") or 0)

    def create(self, cid, domain, data, **more):
        return self.say("/core/channel/message/create", {"cid": cid, "domain": domain, "data": data} | more)

    def tell(self, other, text, **more):
        try:
            cid = self._channel(other)
        except AssertionError:
            cid = other["uid"]  # there is no other way to name somebody here
        return self.tell_group(cid, text, **more)

    def tell_group(self, group, text, client_id=None):
        return self.create(group, "Core:Text", {"text": text}, **({"client_msg_id": client_id} if client_id else {}))

    def tell_type(self, other, kind):
        content = self.contents.get(kind)
        if content is None:
            content = {"url": "http://e/1"} if kind.startswith("Core:") else {"title": "Mug", "price": 12.5}
        return {"domain": kind, "data": content}, self.create(self._channel(other), kind, content)

    def count(self):
        channels = self.say("/core/channel/list", {})
        return channels if channels.error else self.say("/core/channel/message/unread/get",
                                                        {"cid": channels.body["channels"][0]["cid"], "start_time": 0})

    def mark_read(self, seen):
        return self.say("/core/channel/message/read/state/update", {"cid": seen.where, "last_read_time": seen.time})

    def try_recall(self, number):
        return self.say("/core/channel/message/delete", {"mid": number})

    def hide(self, number):
        return self.try_recall(number)

    def forward(self, number, other):
        return self.say("/core/channel/message/forward", {"mid": number, "cid": other["uid"]})

    def make_group(self, other):
        answer = self.say("/core/channel/create", {"name": "g"})
        return answer

    def join(self, group):
        return self.say("/core/channel/application/create", {"cid": group})

    def quit(self, group):
        return self.say("/core/channel/member/delete", {"cid": group, "uid": self.uid})

    def add(self, group, other):
        return self.say("/core/channel/member/create", {"cid": group, "uid": other["uid"]})

    def mute(self, group, other):
        return self.say("/core/channel/ban/create", {"cid": group, "uid": other["uid"], "duration": 600})

    def history(self, place):
        rows = self.request("/core/channel/message/list", {"cid": place, "start_time": 0, "count": 50})["messages"]
        return [row["mid"] for row in rows]
