#!/usr/bin/python3
"""What several writing connections bring a whole host: messages a second with `storage.writers` 1, 2, …

    tests/load/lanes.py [--build build/bench] [--rounds 5] [--seconds 4] [--writers 1,2] [ENGINE …]

Engines are postgresql and mysql (a private MariaDB). Hosts take turns, each on an empty database; 200 sessions keep
--depth messages on their way each, every pair in a conversation of its own. Medians, and their ratio to those with one
writer of the same run (docs/adr/0022).
"""

import argparse
import resource
import statistics
import tempfile

from engines import Engine                               # makes the folder of lib known
from bench import COMMITS, Bench
from lib.host import Host


def measure(bench, engine, writers, depth):
    engine.empty()
    words = [f"storage.{name}={value}" for name, value in {**engine.options(), "writers": writers}.items()]
    host = Host(bench.program("loft"), storage=engine.name, threads=1, contracts=("im",),
                directory=tempfile.mkdtemp(dir=bench.folder), arguments=[part for word in words for part in ("--set", word)])
    with host:
        before = host.metrics()
        found = bench.drive("relay", host.port("im"), [host.process.pid], connections=200, depth=depth,
                            seconds=bench.options.seconds)
        after = host.metrics()
    messages, batches = (after.get(name, 0) - before.get(name, 0) for name in COMMITS)
    found["batch"] = messages / batches if batches else 0.0
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", default=["postgresql", "mysql"])
    parser.add_argument("--build", default="build/bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--depth", default="1,16")
    parser.add_argument("--writers", default="1,2")
    parser.add_argument("--disk", default=None, help="a folder on the disk to measure; without, the temporary folder")
    options = parser.parse_args()
    options.unpinned = True  # hosts, client and server share what there is
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench = Bench(options)
    writers = [int(one) for one in options.writers.split(",")]
    for name in options.engines:
        with Engine(name, options.build) as engine:
            for depth in map(int, options.depth.split(",")):
                runs = {count: [] for count in writers}
                for _ in range(options.rounds):
                    for count in writers:
                        runs[count].append(measure(bench, engine, count, depth))
                rates = {count: statistics.median(one["per_second"] for one in found) for count, found in runs.items()}
                for count, found in runs.items():
                    cpu, batch = (statistics.median(one[key] for one in found) for key in ("cpu_us", "batch"))
                    print(f"{name:11} {200 * depth:5} on their way  {count} writer(s)  {rates[count]:8.0f} messages/s  "
                          f"x {rates[count] / rates[writers[0]]:.2f}  {cpu:6.2f} us CPU of the host  batch {batch:6.1f}", flush=True)


if __name__ == "__main__":
    main()
