#!/usr/bin/python3
"""How fast each storage commits, beside the fastest way found to write the same rows through the same client library.

    tests/load/storage.py [--build build/release] [--rounds 5] [--batch 100,1000] [--writers 1,2] [ENGINE …]

Engines are sqlite, postgresql and mysql (a private MariaDB), all when none is named. Plugin and reference take turns,
each on an empty store; medians are printed. With --writers, both are also run with several connections, each with
conversations of its own, and the same number of rows on their way in all (docs/adr/0021): the reference as it comes and
"in order", so that batches end as they were begun, which is what the plugin does (S26) and is held against.
"""

import argparse
import json
import os
import statistics
import subprocess

from engines import Engine

WAYS = {"sqlite": [None], "postgresql": ["arrays", "values"], "mysql": ["arrays", "values"]}


def run(command, batch, rows, writers=1, more=()):
    words = ["--batch", str(batch), "--rows", str(rows), "--client-ids", "--writers", str(writers), *more]
    done = subprocess.run(command + words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{os.path.basename(command[0])}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def measure(engine, batch, rows, rounds, writers):
    runs = {}
    for _ in range(rounds):
        for count in writers if engine.name != "sqlite" else [1]:
            for way in WAYS[engine.name]:
                for order in [(), ("--in-order",)] if count > 1 else [()]:
                    engine.empty()
                    raw = run(engine.raw(way), batch // count, rows, count, order)
                    runs.setdefault(((way or "prepared") + (" in order" if order else ""), count), []).append(raw)
            engine.empty()
            command = [engine.program("storage_rate"), *engine.plugin_words()]
            if engine.name != "sqlite":
                command += ["--set", f"writers={count}"]
            runs.setdefault(("plugin", count), []).append(run(command, batch // count, rows, count))
    return {key: (statistics.median(r["rows_per_second"] for r in found), statistics.median(r["cpu_us_per_row"] for r in found))
            for key, found in runs.items()}


def report(name, batch, found):
    for (way, writers), (rate, cpu) in sorted(found.items(), key=lambda one: (one[0][1], one[0][0] == "plugin", one[0][0])):
        share = ""
        if way == "plugin":
            best = max(other for (name_of, count), (other, _) in found.items()
                       if name_of != "plugin" and count == writers and name_of.endswith(" in order") == (writers > 1))
            share = f"  {100 * rate / best:5.0f} % of the best raw{' in order' if writers > 1 else ''} (goal 70)"
        print(f"{name:11} batch {batch:5}  {writers} writer(s)  {way:15}  {rate:9.0f} rows/s  {cpu:6.2f} us CPU/row{share}",
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", default=["sqlite", "postgresql", "mysql"])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=0, help="0: 500 batches")
    parser.add_argument("--batch", default="100,1000")
    parser.add_argument("--writers", default="1")
    options = parser.parse_args()
    writers = [int(one) for one in options.writers.split(",")]
    for name in options.engines:
        with Engine(name, options.build) as engine:
            for batch in map(int, options.batch.split(",")):
                rows = options.rows or batch * 500
                report(name, batch, measure(engine, batch, rows, options.rounds, writers))


if __name__ == "__main__":
    main()
