#!/usr/bin/python3
"""Does retention stall commits? The same load on a store with a large backlog of old messages, kept and being removed.

    tests/load/retention.py [--build build/bench] [--rounds 3] [--seconds 4] [--messages 200000] [ENGINE …]

Engines are sqlite, postgresql and mysql (a private MariaDB). Hosts take turns, each on a store that was filled anew; 200
sessions keep --depth messages on their way each. Printed are medians and the ratio of what is removed to what is kept:
messages a second, CPU of the host a message, and the latency of an acknowledgement, p50 and p99.
"""

import argparse
import json
import resource
import statistics
import subprocess
import tempfile

from engines import Engine                               # makes the folder of lib known
from bench import Bench
from lib.host import Host
from lib.metrics import get, parse

FIGURES = (("per_second", "messages/s"), ("cpu_us", "us CPU"), ("p50_us", "us p50"), ("p99_us", "us p99"))


def removed(host):
    return parse(get(host, "/metrics")[2])["loft_messages_forgotten_total", ('kind="direct"',)]


def removing(options):
    return {"retention.direct": "1h", "retention.interval": "100ms", "retention.batch": options.batch,
            "retention.pause": options.pause}


def fill(engine, options):
    engine.empty()
    done = subprocess.run([engine.program("storage_fill"), *engine.plugin_words(), "--rows", str(options.messages),
                           "--conversations", str(options.conversations)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)


def measure(bench, engine, options, depth, sets):
    fill(engine, options)
    words = {**{f"storage.{name}": value for name, value in engine.options().items()}, **sets}
    host = Host(bench.program("loft"), storage=engine.name, threads=1, contracts=("im",),
                directory=tempfile.mkdtemp(dir=bench.folder),
                arguments=[part for name, value in words.items() for part in ("--set", f"{name}={value}")])
    with host:
        before = removed(host)
        found = bench.drive("relay", host.port("im"), [host.process.pid], connections=200, depth=depth,
                            seconds=options.seconds)
        found["removed"] = removed(host) - before
    return found


def report(name, depth, runs):
    count = statistics.median(one["removed"] for one in runs["removed"])
    print(f"{name:11} {200 * depth:5} on their way, {count:.0f} old messages removed meanwhile", flush=True)
    for key, unit in FIGURES:
        kept, gone = (statistics.median(one[key] for one in runs[way]) for way in ("kept", "removed"))
        print(f"  {unit:11} kept {kept:10.1f}   removed {gone:10.1f}   x {gone / kept if kept else 0:.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", default=["sqlite", "postgresql", "mysql"])
    parser.add_argument("--build", default="build/bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--depth", default="1,16")
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--batch", default="500", help="retention.batch")
    parser.add_argument("--pause", default="50ms", help="retention.pause")
    parser.add_argument("--disk", default=None, help="a folder on the disk to measure; without, the temporary folder")
    options = parser.parse_args()
    options.unpinned = True  # host, client and server share what there is
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench = Bench(options)
    for name in options.engines:
        with Engine(name, options.build) as engine:
            for depth in map(int, options.depth.split(",")):
                runs = {"kept": [], "removed": []}
                for _ in range(options.rounds):
                    for way, sets in (("kept", {}), ("removed", removing(options))):
                        runs[way].append(measure(bench, engine, options, depth, sets))
                report(name, depth, runs)
    print(json.dumps({"messages": options.messages, "batch": options.batch, "pause": options.pause}))


if __name__ == "__main__":
    main()
