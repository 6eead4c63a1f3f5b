"""A host with all five contracts and the few people who try them; the same names and numbers in every run."""

import json
import re
import subprocess

from .host import Host
from .tries import CarrypigeonTries, FlixTries, ImTries, MessageServiceTries, NetherlinkTries, VIEWS

PEOPLE = {"ann": 1001, "ben": 1002, "cas": 1003, "dan": 1004, "eve": 1005}
CONTENT = {"text": "to be read", "title": "News"}


class World:
    def __init__(self, given):
        self.host = Host(given.loft, given.plugins, contracts=[view.contract for view in VIEWS],
                         arguments=["--set", "domains=[core,flix]"])
        self.numbers = {}

    def __enter__(self):
        self.host.start()
        for name, number in PEOPLE.items():
            self.loft("user", "add", name, "--uid", str(number), "--uuid", f"00000000-0000-4000-8000-00000000{number}")
            setattr(self, name, json.loads(self.loft("token", name, "--json")))
        self.backend = json.loads(self.loft("token", "backend", "--service", "--json"))
        self.group = self.make_group(self.ben, self.cas)
        self.numbers["<group>"] = self.group
        self.say("the first")
        return self

    def __exit__(self, kind, value, trace):
        return self.host.__exit__(kind, value, trace)

    def loft(self, *words):
        done = subprocess.run([self.host.loft, *words, "--config", self.host.config], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"loft {words}: {done.stderr}"
        return done.stdout

    def make_group(self, *members):
        """Ann's."""
        answer = ImTries(self.host, self.ann).ask(
            "POST", "/api/v1/groups", {"name": "g", "members": [one["handle"] for one in members]})
        return int(answer.body["group"]["id"])

    def say(self, text, sender=None, receiver=None):
        """From Ann to Ben, through `im` over HTTP; the message's number."""
        answer = ImTries(self.host, sender or self.ann).ask(
            "POST", "/api/v1/messages", {"receiver_id": (receiver or self.ben)["handle"], "type": "text", "content": text})
        assert not answer.error, answer
        return MessageServiceTries.number(answer.body["message_id"])

    def say_to_group(self, text):
        answer = ImTries(self.host, self.ann).ask(
            "POST", "/api/v1/messages", {"group_id": str(self.group), "type": "text", "content": text})
        assert not answer.error, answer
        return MessageServiceTries.number(answer.body["message_id"])

    def prepare_features(self):
        """What the features look at and do not make themselves."""
        self.strangers = dict(zip((NetherlinkTries, FlixTries, MessageServiceTries, ImTries, CarrypigeonTries),
                                  ((self.dan, self.ann), (self.dan, self.ben), (self.dan, self.cas),
                                   (self.eve, self.ann), (self.eve, self.ben)), strict=True))
        self.flix = FlixTries(self.host, self.ann)
        self.quiet = self.make_group(self.ben)
        with CarrypigeonTries(self.host, self.ann) as ann:
            assert not ann.mute(self.quiet, self.ben).error
        service = MessageServiceTries(self.host, self.ann)
        self.replied = service.tell_group(self.group, "a question").number
        self.reply = service.tell_group(self.group, "an answer", client_id="the client's key",
                                        atUserIds=[self.ben["uid"]], replyTo=f"msg_{self.replied}").number
        with FlixTries(self.host, self.ann) as ann:
            self.dated = ann.tell_group(ann.group_place(self.group, True), "with a date").number
        self.notice = self.operator("system_notification", CONTENT, self.cas)
        self.announcement = self.operator("system_announcement", CONTENT)

    def operator(self, kind, content, reader=None):
        """What the operator's backend writes, through the route that `flix` has for it; the message's number."""
        answer = FlixTries(self.host, self.backend).ask(
            "POST", "/api/v1/system/messages",
            {"message_type": kind, "content": content} | ({"receiver_id": reader["uuid"]} if reader else {}))
        assert not answer.error, answer
        return FlixTries.number(answer.body["data"]["id"])

    def plain(self, value):
        """As text, with names in the place of the numbers that every run has anew."""
        text = str(value)
        for name, number in self.numbers.items():
            text = text.replace(str(number), name)
            digits = f"{number:014x}"
            text = text.replace(f"80{digits[:2]}-{digits[2:]}", f"80{'#' * 2}-{'#' * 12}")
        text = re.sub(r"(?<![-\d])\d{12,}", "<number>", text)
        return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "YYYY-MM-DDThh:mm:ss", re.sub(r"(:\d\d)\.\d{3}(?!\d)", r"\1.SSS", text))
