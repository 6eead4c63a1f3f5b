#!/usr/bin/python3
"""Forwarding to many: all targets get the message, or none does, whoever refuses."""

import json

from lib.cases import case, run
from lib.host import Host
from lib.people import MessageService
from lib.session import Http

BLOCKS = """\
  - {name: blocks, listen: 127.0.0.1:0, contracts: [interceptor.block_list]}
plugins: [interceptor.block_list]
"""
LIMIT = "plugins:\n  - {use: interceptor.rate_limit, options: {messages: {rate: 0.01, burst: 30}}}\n"


def host_with(given, more):
    return Host(given.loft, given.plugins, contracts=["message_service"], extra=more)


class Ann:
    """Who has a message of her own to forward."""

    def __init__(self, host):
        self.host = host
        self.me, self.ben, self.dan = (host.account(name) for name in ("ann", "ben", "dan"))
        self.speaker = MessageService(host, self.me)
        self.source = self.speaker.send(self.me, "the source")

    def group(self, name):
        body = {"name": name, "joinType": "FREE", "memberIds": [self.ben["uid"]]}
        return self.speaker.http("POST", "/api/v1/groups", body)["data"]["groupId"]

    def forward(self, users=(), groups=()):
        body = {"messageId": f"msg_{self.source}", "targetUserIds": list(users), "targetGroupIds": list(groups)}
        return Http(self.host.at("message_service")).call("POST", "/api/v1/messages/forward",
                                                          {"Authorization": f"Bearer {self.me['token']}"}, json.dumps(body))

    def seen_by(self, account):
        return [seen.text for seen in MessageService(self.host, account).catch_up()]


@case
def limited(given):
    """Who may send 30 messages at once forwards to 60 groups: none of them gets it, and the tries for 30 are used up"""
    with host_with(given, LIMIT) as host:
        ann = Ann(host)
        groups = [ann.group(f"g{number}") for number in range(60)]
        status, answer = ann.forward(groups=groups)
        assert (status, answer["code"]) == (429, 429), (status, answer)
        assert ann.seen_by(ann.ben) == []
        assert ann.forward([ann.dan["uid"]])[0] == 429


@case
def blocked(given):
    """One of the targets has blocked the sender: nobody gets it; without the block all do, once each"""
    with host_with(given, BLOCKS) as host:
        ann = Ann(host)
        group = ann.group("team")
        blocks = Http(f"http://127.0.0.1:{host.port('blocks')}")
        mine = {"Authorization": f"Bearer {ann.ben['token']}"}
        assert blocks.call("PUT", "/api/v1/blocks/ann", mine) == (204, "")
        status, answer = ann.forward([ann.dan["uid"], ann.ben["uid"]], [group])
        assert (status, answer["code"]) == (403, 403), (status, answer)
        assert ann.seen_by(ann.dan) == [] and ann.seen_by(ann.ben) == []
        assert blocks.call("DELETE", "/api/v1/blocks/ann", mine) == (204, "")
        status, answer = ann.forward([ann.dan["uid"], ann.ben["uid"]], [group])
        assert status == 200 and answer["data"]["forwardedCount"] == 3, (status, answer)
        assert len(set(answer["data"]["newMessageIds"])) == 3, answer
        assert ann.seen_by(ann.dan) == ["the source"] and ann.seen_by(ann.ben) == ["the source"] * 2


if __name__ == "__main__":
    run(__doc__)
