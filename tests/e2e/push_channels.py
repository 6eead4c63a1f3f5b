#!/usr/bin/python3
"""Push through the real channels, to counterparts that enforce Apple's and Google's protocols: `loft push simulate`."""

import json
import os

from lib.cases import case, run, until
from lib.host import Host
from lib.program import run as program
from lib.providers import Providers
from lib.session import Http

PUSH = """\
push:
  enabled: true
  delay: 0
  retry_first: 50ms
  retry_longest: 200ms
  lease: 500ms
  apns: {{enabled: true, timeout: 2s, endpoint: "{apns}", ca_file: "{ca_file}", key_path: "{key_path}", key_id: {key_id},
         team_id: {team_id}, bundle_id: {bundle_id}}}
  fcm: {{enabled: true, timeout: 2s, endpoint: "{fcm}", ca_file: "{ca_file}", service_account: "{service_account}"}}
"""


class Pushing(Host):
    def __init__(self, given, providers):
        super().__init__(given.loft, given.plugins, contracts=("im",))
        with open(self.config, "a", encoding="utf-8") as file:
            file.write(PUSH.format(**providers.places))

    def push(self, *words):
        ran = program(self.loft, "push", *map(str, words), "--json", "--config", self.config)
        assert ran.code == 0, ran
        return json.loads(ran.out)

    def device(self, handle, channel, token):
        platform = {"apns": "ios", "fcm": "android"}[channel]
        self.push("device", "add", handle, "--channel", channel, "--token", token, "--platform", platform)

    def say(self, sender, receiver, text):
        body = json.dumps({"receiver_id": receiver, "type": "text", "content": text}).encode()
        status, made = Http(self.im).call("POST", "/api/v1/messages", {"X-User-ID": sender}, body)
        assert status in (200, 201), made
        return int(made["message_id"].removeprefix("msg_"))

    def ends(self, message, handle, state):
        return until(lambda: (lambda why: why if why["state"] == state else None)(self.push("why", message, handle)),
                     f"push {message} to {handle} is {state}")


def apple(letter):
    return letter * 64


@case
def both_providers(given):
    """a message reaches Apple's and Google's service with text and badge, and their refusals do what they mean: a device that
    is gone is removed, one that is throttled is tried again, credentials are verified without sending"""
    with Host(given.loft, given.plugins) as other:  # its folder serves the simulation
        with Providers(given.loft, os.path.join(other.directory, "state")) as providers, Pushing(given, providers) as host:
            ran = program(host.loft, "check", "--online", "push", "--config", host.config)
            assert ran.code == 0, ran
            assert providers.accepted() == []
            host.account("ann")
            host.account("bob")
            host.device("bob", "apns", apple("a"))
            host.device("bob", "fcm", "bobs-android")
            first = host.say("ann", "bob", "hello there")
            host.ends(first, "bob", "delivered")
            sent = json.dumps(providers.accepted(), ensure_ascii=False)
            assert apple("a") in sent and "bobs-android" in sent and sent.count("hello there") == 2, sent

            host.account("eve")
            host.device("eve", "apns", "410-gone")
            host.device("eve", "fcm", "503x2-busy")
            second = host.say("ann", "eve", "are you there")
            why = host.ends(second, "eve", "delivered")
            assert any("busy" in line for line in map(json.dumps, providers.accepted())), why
            left = until(lambda: (lambda rows: rows if len(rows) == 1 else None)(host.push("device", "list", "eve")["devices"]),
                         "the device that is gone is removed")
            assert left[0]["channel"] == "fcm", left
            assert len(host.push("device", "list", "bob")["devices"]) == 2
            host.stop()
            log = host.tail(10**7)
            assert "hello there" not in log and "bobs-android" not in log and apple("a") not in log, log


@case
def killed_beside_failing_providers(given):
    """the host is killed again and again while the providers fail by chance: each push reaches its end, none is lost"""
    with Host(given.loft, given.plugins) as other:
        faults = [word for fault in ("500=10", "drop=5", "503=5") for word in ("--fault", fault)]
        with Providers(given.loft, os.path.join(other.directory, "state"), "--retry-after", "0", *faults) as providers, \
                Pushing(given, providers) as host:
            host.account("ann")
            for i in range(6):
                host.account(f"user{i}")
                host.device(f"user{i}", "fcm", f"the-phone-of-user-{i}")
            owed, under_way = [], 0
            for kill in range(4):
                for turn in range(12):
                    owed.append((host.say("ann", f"user{turn % 6}", f"message {kill} {turn}"), f"user{turn % 6}"))
                if kill < 3:
                    under_way += len(owed) - len(host.push("list", "--state", "delivered", "--limit", "500")["pushes"])
                    host.kill()
                    host.start()
            for message, handle in owed:
                host.ends(message, handle, "delivered")
            sent = [json.dumps(line) for line in providers.accepted()]
            for kill in range(4):
                for turn in range(12):
                    count = sum(f'message {kill} {turn}"' in line for line in sent)
                    assert count >= 1, (kill, turn, sent)
            # More than once only what was not known to be taken when the host was killed.
            assert len(sent) <= len(owed) + under_way, (len(sent), under_way)


if __name__ == "__main__":
    run(__doc__)
