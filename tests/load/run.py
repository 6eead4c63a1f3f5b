#!/usr/bin/python3
"""The load benchmark: host and references in turn, medians of the rounds, and the goals. docs/core/load.md explains."""

import argparse
import json
import os
import resource
import shutil
import statistics
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
sys.path.insert(0, HERE)

import cold_start                                        # noqa: E402
from bench import Bench                                  # noqa: E402
from lib.host import Host                                # noqa: E402


def median(rounds, key):
    return statistics.median(one[key] for one in rounds)


def rounds_of(bench, name, play):
    found = []
    for number in range(bench.options.rounds):
        found.append(play())
        print(f"  {name}: round {number + 1} of {bench.options.rounds}", file=sys.stderr, flush=True)
    return found


def pairs(found):
    return [one[0] for one in found], [one[1] for one in found]


def describe(name, ours, raw, unit="cpu_us"):
    line = {side: {key: round(median(rounds, key), 2) for key in rounds[0]} for side, rounds in
            (("host", ours), ("reference", raw))}
    print(f"{name}: {json.dumps(line)}", flush=True)
    return line["host"][unit], line["reference"][unit]


def relay_null(bench):
    for depth, goal in ((1, 1.3), (16, 1.5)):
        ours, raw = pairs(rounds_of(bench, f"relay, null, {depth} in flight", lambda d=depth: bench.relay_round("null", d)))
        host, reference = describe(f"relay, storage.null, {depth} in flight", ours, raw)
        bench.row(f"relay, storage.null, {depth} in flight, CPU per message", f"{host:.2f} µs", f"{reference:.2f} µs",
                  host / reference, goal)


def relay_sqlite(bench):
    found = []

    def play():
        ours, raw = bench.relay_round("sqlite", 16)
        found.append((ours, raw, bench.insert_round(ours["batch"])))

    rounds_of(bench, "relay, sqlite, 16 in flight", play)
    ours, raw, insert = ([one[index] for one in found] for index in range(3))
    host, reference = describe("relay, storage.sqlite, 16 in flight", ours, raw)
    print(f"raw insert: {median(insert, 'cpu_us_per_row'):.2f} µs and {median(insert, 'rows_per_second'):.0f} rows/s "
          f"at the host's average batch of {median(ours, 'batch'):.1f}")
    both = reference + median(insert, "cpu_us_per_row")
    bench.row("durable message, 16 in flight, CPU", f"{host:.2f} µs", f"{both:.2f} µs", host / both, 1.5)
    rate, alone = median(ours, "per_second"), median(insert, "rows_per_second")
    bench.row("durable messages per second", f"{rate:.0f}", f"{alone:.0f}", rate / alone, 0.5, at_most=False)


def fanout(bench):
    first = None
    for members in bench.options.members:
        ours, raw = pairs(rounds_of(bench, f"fan-out to {members}", lambda m=members: bench.fanout_round(m)))
        host, reference = describe(f"fan-out 1 → {members}, 8 in flight, durable", ours, raw)
        bench.row(f"fan-out 1 → {members}, durable, CPU per delivery", f"{host:.3f} µs", f"{reference:.3f} µs",
                  host / reference, 1.5)
        # More sockets cost more in the kernel's and the processor's caches, the reference's too: a step is what exceeds that.
        first = first or (host, reference)
        if first != (host, reference):
            bench.row(f"fan-out, step from {bench.options.members[0]} to {members} members", f"× {host / first[0]:.2f}",
                      f"× {reference / first[1]:.2f}", host / first[0] / (reference / first[1]), 1.2)


def lone(bench):
    ours, raw = pairs(rounds_of(bench, "lone message", bench.lone_round))
    host = median(ours, "p50_us")
    insert = median(raw, "batch_p50_us")
    print(f"lone message: p50 {host:.0f} µs, p99 {median(ours, 'p99_us'):.0f} µs; p50 of one raw durable insert {insert:.0f} µs")
    bench.row("lone message, acknowledged, p50", f"{host:.0f} µs", f"{insert:.0f} µs", host / insert, 2.0)


def idle(bench):
    found = rounds_of(bench, "idle", bench.idle_round)
    size = median(found, "bytes_per_connection")
    bench.row(f"idle logged-in connection ({bench.options.idle})", f"{size:.0f} B", "1536 B", size / 1536, 1.0)


def http(bench):
    ours, raw = pairs(rounds_of(bench, "GET message", bench.http_round))
    host, reference = describe("GET /api/v1/messages/{id} and nginx return 200", ours, raw)
    bench.row("GET of a recent message, CPU per request", f"{host:.2f} µs", f"{reference:.2f} µs", host / reference, 1.3)


def contracts(bench):
    for contract in ("netherlink", "flix", "carrypigeon"):
        ours, raw = pairs(rounds_of(bench, contract, lambda c=contract: bench.contract_round(c)))
        host, reference = describe(f"relay of {contract} and of im, storage.null, 16 in flight", ours, raw)
        bench.row(f"{contract} beside im, CPU per delivery", f"{host:.3f} µs", f"{reference:.3f} µs", host / reference, 1.5)
    ours, raw = pairs(rounds_of(bench, "message_service", bench.post_round))
    host, reference = describe("POST /api/v1/messages/private, and nginx with raw_sqlite", ours, raw)
    bench.row("message_service send over HTTP, CPU per request", f"{host:.2f} µs", f"{reference:.2f} µs",
              host / reference, 1.3)


def start(bench):
    took = statistics.median(rounds_of(bench, "cold start", bench.start_round))
    bench.row("cold start to listening, empty store", f"{took:.0f} ms", "150 ms", took / 150, 1.0)


def start_million(bench):
    """Whole starts of a host with a million messages, by the code of cold_start.py."""
    messages = bench.options.messages
    with Host(bench.program("loft"), directory=tempfile.mkdtemp(dir=bench.folder)) as host:
        host.stop()
        cold_start.fill_host(host, messages)
        for what, end in (("stopped in order", host.stop), ("killed", host.kill)):
            took = statistics.median(cold_start.measure(host, bench.options.rounds, end)) * 1000
            bench.row(f"start with {messages} messages, {what}", f"{took:.0f} ms", "1000 ms", took / 1000, 1.0)
        host.start()


PARTS = {"relay-null": relay_null, "relay-sqlite": relay_sqlite, "fanout": fanout, "lone": lone, "idle": idle,
         "http": http, "contracts": contracts, "start": start, "start-million": start_million}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all without")
    parser.add_argument("--build", default="build/bench", help="a release build with the tests' programs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--members", type=lambda text: [int(one) for one in text.split(",")], default=[1000, 3000, 10000])
    parser.add_argument("--idle", type=int, default=10000)
    parser.add_argument("--messages", type=int, default=1_000_000, help="of start-million")
    parser.add_argument("--disk", default=None, help="a folder on the disk to measure; without, the temporary folder")
    parser.add_argument("--unpinned", action="store_true", help="let server and clients run on any processor")
    options = parser.parse_args()
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if options.rounds < 5:
        print("fewer than five rounds: good for a look, not for a statement", file=sys.stderr)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench = Bench(options)
    try:
        for part in options.parts or PARTS:
            PARTS[part](bench)
        print()
        bench.print()
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
