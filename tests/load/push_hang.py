#!/usr/bin/python3
"""What a message costs the host while its push provider hangs, beside one whose provider answers.

    tests/load/push_hang.py [--build build/release] [--rounds 5] [--seconds 4] [--owed 10000]

Hosts take turns, each with an empty SQLite: 200 sessions send to each other as fast as they can, while as many pushes as
--owed are owed to others who are away. `hangs`: no provider answers any of them. `answers`: all were delivered before.
`off`: no push. Medians of the host's CPU time a message, and of the ratios of each round.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import tempfile
import time

import engines                                           # noqa: F401 - makes the folder of lib known
from bench import Bench
from lib.host import Host
from lib.providers import Providers
from lib.session import Http

PUSH = """\
push:
  enabled: true
  delay: 0
  fcm: {{enabled: true, timeout: 10s, endpoint: "{fcm}", ca_file: "{ca_file}", service_account: "{service_account}"}}
"""
AWAY = 500  # members of the group who have a device and no session


def call(host, path, body):
    status, made = Http(host.im).call("POST", path, {"X-User-ID": "ann"}, json.dumps(body).encode())
    if status not in (200, 201):
        raise SystemExit(f"{path}: {status} {made}")
    return made


def pushes(host):
    done = subprocess.run([host.loft, "push", "status", "--json", "--config", host.config], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def owe(host, count, hangs):
    """Returns when all are owed, and are delivered unless nobody answers."""
    names = [f"away{n}" for n in range(AWAY)]
    group = call(host, "/api/v1/groups", {"name": "away", "members": names})["group"]["id"]
    for n, name in enumerate(names):
        subprocess.run([host.loft, "push", "device", "add", name, "--channel", "fcm", "--token",
                        f"hang-{n:012}" if hangs else f"{n:064x}", "--platform", "android", "--config", host.config],
                       check=True, stdout=subprocess.DEVNULL)
    last = 0
    for n in range(count // AWAY):
        made = call(host, "/api/v1/messages", {"group_id": group, "type": "text", "content": f"hello {n}"})
        last = int(made["message_id"].removeprefix("msg_"))
    end, owed = time.monotonic() + 300, count // AWAY * AWAY
    while True:
        status = pushes(host)
        if status["looked_at"] >= last and status["pushes"]["owed"] == (owed if hangs else 0):
            return
        if time.monotonic() > end:
            raise SystemExit(f"the pushes did not become what they should: {status}")
        time.sleep(0.1)


def measure(bench, way):
    folder = tempfile.mkdtemp(dir=bench.folder)
    host = Host(bench.program("loft"), threads=1, contracts=("im",), directory=folder)
    if way == "off":
        with host:
            return drive(bench, host)
    with Providers(bench.program("loft"), os.path.join(folder, "providers")) as providers:
        with open(host.config, "a", encoding="utf-8") as file:
            file.write(PUSH.format(**providers.places))
        with host:
            owe(host, bench.options.owed, way == "hangs")
            return drive(bench, host)


def drive(bench, host):
    return bench.drive("relay", host.port("im"), [host.process.pid], connections=200, depth=16, seconds=bench.options.seconds)["cpu_us"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--owed", type=int, default=10_000)
    parser.add_argument("--disk", default=None, help="a folder on the disk to measure; without, the temporary folder")
    options = parser.parse_args()
    options.unpinned = True  # host, client and providers share what there is
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench = Bench(options)
    ways = ("off", "answers", "hangs")
    runs = {way: [] for way in ways}
    for number in range(options.rounds):
        for way in ways[number % 3:] + ways[:number % 3]:
            runs[way].append(measure(bench, way))
        print("  ".join(f"{way} {found[-1]:.2f} us" for way, found in runs.items()), flush=True)
    for way, found in runs.items():
        print(f"{way:8} {statistics.median(found):6.2f} us CPU of the host a message")
    for way, other in (("hangs", "answers"), ("answers", "off")):
        ratio = statistics.median(a / b for a, b in zip(runs[way], runs[other]))
        print(f"{way} over {other}: {ratio:.3f}")


if __name__ == "__main__":
    main()
