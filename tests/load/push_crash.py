#!/usr/bin/python3
"""Pushes to providers that fail in every documented way, from a host that is killed again and again: what became of each.

    tests/load/push_crash.py [--build build/release] [--members 1000] [--messages 100] [--kills 10] [ENGINE]

One group; each member has one device, whose token says how its provider treats it (plugins/push/simulate). Ends with 1
when a push was lost, came to another end than its device's kind has, or was repeated without a reason: a provider had
taken it, and the ledger did not know that when the host was killed, or the answer was lost with a connection.
"""

import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile
import time

from engines import Engine                               # makes the folder of lib known
from lib.host import Host
from lib.providers import Providers
from lib.session import Http

PUSH = """\
push:
  enabled: true
  delay: 0
  privacy: full
  retry_first: 100ms
  retry_longest: 2s
  rest: 500ms
  lease: {lease}s
  attempts: 20
  apns: {{enabled: true, timeout: 10s, endpoint: "{apns}", ca_file: "{ca_file}", key_path: "{key_path}", key_id: {key_id},
         team_id: {team_id}, bundle_id: {bundle_id}}}
  fcm: {{enabled: true, timeout: 10s, endpoint: "{fcm}", ca_file: "{ca_file}", service_account: "{service_account}"}}
"""

# How a provider treats a device, in the words of the simulation; {n} is the member's number. `taken`: each push reaches it
# in the end. `removed`: the provider does not know the device. `kept`: no push reaches it, and it stays all the same.
KINDS = {
    "taken": {
        "apns": ["{n:064x}", "{n:064x}", "500x3-{n:012}", "503x3-{n:012}", "429x2-{n:012}", "dropx2-{n:012}", "goawayx2-{n:012}", "slowx3-{n:012}", "hangx1-{n:012}",
                 "403x1-ExpiredProviderToken-{n:012}", "403x1-InvalidProviderToken-{n:012}"],
        "fcm": ["{n:064x}", "{n:064x}", "500x3-{n:012}", "503x3-{n:012}", "429x2-{n:012}", "dropx2-{n:012}", "slowx3-{n:012}", "hangx1-{n:012}",
                "401x1-UNAUTHENTICATED-{n:012}", "403x1-PERMISSION_DENIED-{n:012}"],
    },
    "removed": {
        "apns": ["410-Unregistered-{n:012}", "410-ExpiredToken-{n:012}", "400-BadDeviceToken-{n:012}"],
        "fcm": ["404-UNREGISTERED-{n:012}", "403-SENDER_ID_MISMATCH-{n:012}"],
    },
    "kept": {
        "apns": ["410t1000-Unregistered-{n:012}", "400-BadCollapseId-{n:012}"],
        "fcm": ["401-THIRD_PARTY_AUTH_ERROR-{n:012}"],
    },
}
# By chance, to devices whose tokens say nothing.
CHANCES = ("500=3", "503=1", "429=0.2", "drop=0.2", "slow=1")

# The ends of pushes by the kind of their device, and whether a provider took them. Of a device that is removed nobody
# hears, or no push is owed any more.
ENDS = {"taken": {("delivered", True)}, "kept": {("dead", False)},
        "removed": {("dead", False), ("silenced", False), ("none", False)}}
STATES = ("owed", "delivered", "silenced", "dead")
SLOW = 0.5           # seconds that a slow answer takes; less than `timeout`
PATIENCE = 3600.0    # seconds

Device = collections.namedtuple("Device", "handle channel token kind")


def devices_of(members):
    """A ninth of the members is not known to its provider, a ninth is refused, the others' pushes arrive."""
    found = []
    for n in range(1, members + 1):
        kind = {0: "removed", 1: "kept"}.get(n % 9, "taken")
        channel = ("apns", "fcm")[n // 9 % 2]
        tokens = KINDS[kind][channel]
        found.append(Device(f"user{n}", channel, tokens[n // 18 % len(tokens)].format(n=n), kind))
    return found


class Storm:
    def __init__(self, engine, providers, lease):
        words = [part for name, value in engine.options().items() for part in ("--set", f"storage.{name}={value}")]
        self.engine, self.providers = engine, providers
        self.host = Host(engine.program("loft"), storage=engine.name, contracts=("im",), arguments=words)
        self.words = ["--json", "--config", self.host.config, *words]
        self.token_of = {}       # by the user's number
        self.numbers = {}        # of messages, by id
        self.unknown = {}        # pushes that were taken and that the ledger did not know when the host was killed: how often
        with open(self.host.config, "a", encoding="utf-8") as file:
            file.write(PUSH.format(lease=lease, **providers.places))

    def loft(self, *words):
        done = subprocess.run([self.host.loft, "push", *words, *self.words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"loft push {' '.join(words)}: {done.stderr}")
        return json.loads(done.stdout)

    def ask(self, path, body):
        status, made = Http(self.host.im).call("POST", path, {"X-User-ID": "ann"}, json.dumps(body).encode())
        if status not in (200, 201):
            raise SystemExit(f"{path}: {status} {made}")
        return made

    def set_up(self, devices):
        group = self.ask("/api/v1/groups", {"name": "storm", "members": [device.handle for device in devices]})["group"]["id"]
        for device in devices:
            self.loft("device", "add", device.handle, "--channel", device.channel, "--token", device.token, "--platform",
                      {"apns": "ios", "fcm": "android"}[device.channel])
        self.token_of = dict(self.engine.rows("SELECT user_id, token FROM device"))
        return group

    def say(self, group, count):
        for number in range(count):
            made = self.ask("/api/v1/messages", {"group_id": group, "type": "text", "content": f"storm {number}"})
            self.numbers[made["message_id"].removeprefix("msg_")] = number

    def ledger(self):
        """The state of each push: by device token and number of the message."""
        rows = self.engine.rows("SELECT message_id, user_id, state FROM push_queue")
        return {(self.token_of[user], self.numbers[message]): STATES[int(state)] for message, user, state in rows}

    def unheard(self, devices):
        """How often a push was under way when its connection was lost or the time was up."""
        token_of = {device.handle: device.token for device in devices}
        rows = self.engine.rows("SELECT user_id, message_id, count(*) FROM push_log WHERE error_msg LIKE "
                                "'push.%' GROUP BY user_id, message_id")
        return {(token_of[handle], self.numbers[message]): int(times) for handle, message, times in rows}

    def taken(self):
        """How often a provider has taken each push."""
        with open(self.providers.places["pushes"], encoding="utf-8") as file:
            return collections.Counter((json.loads(line)["token"], int(re.search(r"storm (\d+)", line)[1])) for line in file)

    def wait_for_silence(self):
        """What is on its way is taken yet."""
        size = -1
        while size != (size := os.path.getsize(self.providers.places["pushes"])):
            time.sleep(SLOW + 0.5)

    def kill(self):
        self.host.kill()
        self.wait_for_silence()
        delivered = {push for push, state in self.ledger().items() if state == "delivered"}
        unknown = {push: times for push, times in self.taken().items() if push not in delivered}
        self.unknown.update(unknown)
        print(f"killed at {len(delivered)} delivered; {len(unknown)} more were taken", flush=True)
        self.host.start()

    def run(self, kills, expected):
        """Until nothing is owed any more; kills the host each time that another part is done."""
        left, end = kills, time.monotonic() + PATIENCE
        while True:
            status = self.loft("status")
            counts = dict(self.engine.rows("SELECT state, count(*) FROM push_queue GROUP BY state"))
            done = sum(int(count) for state, count in counts.items() if STATES[int(state)] != "owed")
            if left and done >= expected * (kills - left + 1) / (kills + 1):
                left -= 1
                self.kill()
            elif status["pushes"]["owed"] == 0 and status["looked_at"] >= max(map(int, self.numbers)):
                return
            if time.monotonic() > end:
                raise SystemExit(f"it did not end: {status}")
            time.sleep(0.25)


def problems_of(storm, devices, messages):
    """What is not as it must be, and how many pushes came to each state."""
    found, states = [], collections.Counter()
    ledger, taken, unheard = storm.ledger(), storm.taken(), storm.unheard(devices)
    there = {token for (token,) in storm.engine.rows("SELECT token FROM device")}
    for device in devices:
        if (device.token in there) != (device.kind != "removed"):
            found.append(f"{device.token} is {'there still' if device.kind == 'removed' else 'gone'}")
        for number in range(messages):
            state, times = ledger.get((device.token, number), "none"), taken[device.token, number]
            states[device.kind, state] += 1
            if (state, times > 0) not in ENDS[device.kind]:
                found.append(f"push {number} to {device.token} is {state}, and was taken {times} times")
            push = (device.token, number)
            if times > 1 + storm.unknown.get(push, 0) + unheard.get(push, 0):
                found.append(f"push {number} to {device.token} was taken {times} times, and nothing explains that")
    return found, states, sum(taken.values()) - len(taken), sum(taken[push] > 1 for push in storm.unknown)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", nargs="?", default="sqlite", choices=["sqlite", "postgresql", "mysql"])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=100)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--lease", type=int, default=15, help="seconds; more than the 10 that an answer may take")
    options = parser.parse_args()
    devices = devices_of(options.members)
    chances = [word for chance in CHANCES for word in ("--fault", chance)]
    begun = time.monotonic()
    with Engine(options.engine, options.build) as engine, tempfile.TemporaryDirectory(prefix="loft-push-") as state:
        engine.empty()
        with Providers(engine.program("loft"), state, "--retry-after", "1", "--slow", str(int(SLOW * 1000)), *chances) as providers:
            storm = Storm(engine, providers, options.lease)
            with storm.host:
                group = storm.set_up(devices)
                storm.say(group, options.messages)
                storm.run(options.kills, options.members * options.messages)
                found, states, repeats, by_kills = problems_of(storm, devices, options.messages)
    for (kind, state_word), count in sorted(states.items()):
        print(f"devices whose pushes are {kind:8} {count:7} {state_word}")
    print(f"{repeats} were taken once more; {by_kills} of {len(storm.unknown)} that the kills could repeat, the others because "
          f"an answer was lost with its connection; {time.monotonic() - begun:.0f} s")
    for problem in found[:20]:
        print(problem)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
