#!/usr/bin/python3
"""How long a host takes from its start until it listens: with an empty database and with many messages.

    tests/load/cold_start.py [--loft build/release/bin/loft] [--messages 1000000] [--rounds 9]

After an orderly stop, and after SIGKILL, where the log is recovered first and the database checked behind the start.
"""

import argparse
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

from lib.fill import fill                                # noqa: E402
from lib.host import Host                                # noqa: E402


def fill_host(host, messages):
    """Fills the database of a stopped host; returns its size in bytes."""
    path = os.path.join(host.data_dir, "loft.db")
    fill(path, messages)
    return os.path.getsize(path)


def measure(host, rounds, end):
    """Seconds of each start of a stopped host; each is ended by `end`, and so is the one before the first."""
    host.start()
    end()
    took = []
    for _ in range(rounds):
        begin = time.monotonic()
        host.start()
        took.append(time.monotonic() - begin)
        end()
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loft", default="build/release/bin/loft")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with Host(options.loft) as host:
        host.stop()
        rows = [("empty, stopped in order", measure(host, options.rounds, host.stop), 0.150)]
        rows.append(("empty, killed", measure(host, options.rounds, host.kill), None))
        host.start()
        host.stop()
        size = fill_host(host, options.messages)
        rows.append((f"{options.messages} messages, stopped in order", measure(host, options.rounds, host.stop), 1.0))
        rows.append((f"{options.messages} messages, killed", measure(host, options.rounds, host.kill), 1.0))
        host.start()
    print(f"median of {options.rounds} starts, milliseconds until it listens; the larger database has {size >> 20} MiB")
    for name, took, goal in rows:
        goal = f"   goal {goal * 1000:.0f}" if goal else ""
        print(f"  {name:36}  {statistics.median(took) * 1000:7.1f}   worst {max(took) * 1000:7.1f}{goal}")


if __name__ == "__main__":
    main()
