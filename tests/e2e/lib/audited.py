"""A host with the plugin `test.audit` twice in it, as `first` and `second`, and what the two wrote to one file."""

import json
import os

from .cases import until
from .host import Host
from .session import PigeonSession

STAGES = ["check", "rewrite", "policy"]
LINES = """\
plugins:
  - {{use: test.audit, name: first, options: {{file: "{file}", {first}}}}}
  - {{use: test.audit, name: second, options: {{file: "{file}"}}}}
"""
WORDS = "veto: forbidden-word, denied: s_denied, from: darn, to: dear, wait: in-a-moment, never: at-no-time, hide: unseen"
JOINED, LEFT = 3, 4  # loft::ChangeKind


class Audited(Host):
    def __init__(self, given, first=WORDS, arguments=(), more_plugins=(), **more):
        super().__init__(given.loft, [given.plugins, given.options.audit, *more_plugins], arguments=arguments, **more)
        self.file = os.path.join(self.directory, "audit.ndjson")
        with open(self.config, "a", encoding="utf-8") as file:
            file.write(LINES.format(file=self.file, first=first))

    def lines(self, event=None, by="first", **fields):
        """What was written: of one event, by one instance (None: both), with these values."""
        if not os.path.exists(self.file):
            return []
        with open(self.file, encoding="utf-8") as file:
            every = [json.loads(line) for line in file.read().split("\n")[:-1]]
        fields = {**fields, **({"event": event} if event else {}), **({"by": by} if by else {})}
        return [line for line in every if all(line.get(key) == value for key, value in fields.items())]

    def saw(self, event, by="first", **fields):
        """The newest such line, waiting for it."""
        return until(lambda: self.lines(event, by, **fields), f"the audit's {event} with {fields}")[-1]

    def asked(self, event, **fields):
        """The newest such proposal, waiting for it to pass all stages of both instances."""
        for stage in STAGES:
            for by in ("first", "second"):
                line = self.saw(event, by, stage=stage, **fields)
        return line

    def pigeon(self, handle):
        account = self.account(handle)
        session = PigeonSession(self.carrypigeon)
        session.log_in(account["token"], account["uid"])
        return session, account


def send(session, receiver, content, client_id=None):
    frame = {"type": "send_message", "timestamp": 1, "data": {"receiver_id": receiver, "type": "text", "content": content}}
    session.send_json({**frame, "message_id": client_id} if client_id else frame)


def answer(session, kind="send_message"):
    return session.find(lambda frame: frame["type"] in (kind, "error"))["data"]


def sent(session, receiver, content):
    """The number of the message, once it is acknowledged."""
    send(session, receiver, content)
    data = answer(session)
    assert data.get("success") is True, data
    return int(data["message_id"][len("msg_"):])


def refusal(session, kind="send_message"):
    data = answer(session, kind)
    assert "success" not in data, data
    return data["error"]
