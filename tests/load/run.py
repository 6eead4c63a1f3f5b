#!/usr/bin/python3
"""The load benchmark: host and references in turn, medians of the rounds, and the goals. docs/core/load.md explains."""

import argparse
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
sys.path.insert(0, HERE)

import cold_start                                        # noqa: E402
from lib.host import Host                                # noqa: E402
from lib.session import Http                             # noqa: E402

COMMITS = ("loft_commit_batch_messages_total", "loft_commit_batches_total")


class Bench:
    def __init__(self, options):
        self.options = options
        self.bin = os.path.abspath(os.path.join(options.build, "bin"))
        self.folder = tempfile.mkdtemp(prefix="loft-load-", dir=options.disk)
        self.rows = []
        self.server, self.client = ([], []) if options.unpinned else (["taskset", "-c", "0"], ["taskset", "-c", "1"])

    def program(self, name):
        path = os.path.join(self.bin, name)
        if not os.path.exists(path):
            sys.exit(f"{path} is missing; build it as docs/core/load.md says")
        return path

    # -- the two sides ------------------------------------------------------------------------------------------------

    def host(self, storage, contracts=("im", "carrypigeon")):
        """One I/O thread, as the references have; pinned like them."""
        host = Host(self.program("loft"), storage=storage, threads=1, contracts=contracts,
                    directory=tempfile.mkdtemp(dir=self.folder)).start()
        if self.server:
            subprocess.run(["taskset", "-a", "-cp", "0", str(host.process.pid)], check=True, stdout=subprocess.DEVNULL)
        return host

    def relay(self):
        process = subprocess.Popen(self.server + [self.program("raw_relay")], stdout=subprocess.PIPE, text=True)
        return process, int(process.stdout.readline())

    def drive(self, mode, port, pids, **options):
        command = self.client + [self.program("load_client"), mode, "--port", str(port)]
        for pid in pids:
            command += ["--pid", str(pid)]
        for name, value in options.items():
            command += ["--" + name, str(value)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
        return json.loads(done.stdout)

    # -- measurements: each is one round, of the host and of its reference --------------------------------------------

    def relay_round(self, storage, depth):
        seconds = self.options.seconds
        host = self.host(storage)
        before = host.metrics()
        ours = self.drive("relay", host.port("im"), [host.process.pid], connections=200, depth=depth, seconds=seconds)
        after = host.metrics()
        host.stop()
        messages, batches = (after.get(name, 0) - before.get(name, 0) for name in COMMITS)
        ours["batch"] = messages / batches if batches else 0.0
        process, port = self.relay()
        raw = self.drive("relay", port, [process.pid], connections=200, depth=depth, seconds=seconds)
        process.kill()
        process.wait()
        return ours, raw

    def insert_round(self, batch, client_ids=False, rows=None):
        path = os.path.join(self.folder, "raw.db")
        for end in ("", "-wal", "-shm"):
            if os.path.exists(path + end):
                os.unlink(path + end)
        rows = int(rows or max(200, min(300_000, int(batch) * 2000)))
        done = subprocess.run(self.server + [self.program("raw_sqlite"), "--batch", str(max(1, round(batch))), "--rows",
                                             str(rows), "--conversations", "100", "--content", "111", "--path", path]
                              + (["--client-ids"] if client_ids else []),
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        return json.loads(done.stdout)

    def fanout_round(self, members):
        seconds = self.options.seconds
        host = self.host("sqlite")
        names = [f"load_{index}" for index in range(1, members + 1)]
        status, answer = Http(host.im).call("POST", "/api/v1/groups", {"X-User-ID": "load_0"},
                                            json.dumps({"name": "fan", "members": names}).encode())
        if status != 200:
            raise SystemExit(f"no group: {answer}")
        ours = self.drive("fanout", host.port("im"), [host.process.pid], connections=members, depth=8,
                          group=answer["group"]["id"], seconds=seconds)
        host.stop()
        process, port = self.relay()
        raw = self.drive("fanout", port, [process.pid], connections=members, depth=8, group="1", seconds=seconds)
        process.kill()
        process.wait()
        return ours, raw

    def lone_round(self):
        """One client, one message at a time."""
        host = self.host("sqlite")
        ours = self.drive("relay", host.port("im"), [host.process.pid], connections=2, senders=1, depth=1,
                          seconds=self.options.seconds, warmup=0.5)
        host.stop()
        raw = self.insert_round(1)
        return ours, raw

    def idle_round(self):
        host = self.host("sqlite")
        ours = self.drive("idle", host.port("im"), [host.process.pid], connections=self.options.idle)
        host.stop()
        return ours

    def http_round(self):
        seconds = self.options.seconds
        host = self.host("sqlite")
        status, answer = Http(host.im).call("POST", "/api/v1/messages", {"X-User-ID": "load_0"},
                                            b'{"receiver_id":"load_1","type":"text","content":"recent"}')
        if status != 200:
            raise SystemExit(f"no message: {answer}")
        path = f"/api/v1/messages/{answer['message_id']}"
        _, body = Http(host.im).call("GET", path, {"X-User-ID": "load_0"})
        ours = self.drive("http", host.port("im"), [host.process.pid], connections=64, path=path, seconds=seconds)
        host.stop()
        nginx, port = self.nginx(json.dumps(body, separators=(",", ":")))
        pids = [nginx.pid] + [int(p) for p in open(f"/proc/{nginx.pid}/task/{nginx.pid}/children").read().split()]
        raw = self.drive("http", port, pids, connections=64, path=path, seconds=seconds)
        nginx.terminate()
        nginx.wait()
        return ours, raw

    def nginx(self, body):
        """nginx with one worker that returns as many bytes as the host does."""
        folder = tempfile.mkdtemp(dir=self.folder)
        os.chmod(self.folder, 0o755)
        with socket.socket() as free:  # nginx does not say which port it took, so it is not asked to choose
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        config = os.path.join(folder, "nginx.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
                       "events { worker_connections 1024; }\n"
                       f"http {{ access_log off; keepalive_requests 100000000; server {{ listen 127.0.0.1:{port};\n"
                       f"location / {{ default_type application/json; return 200 '{body}'; }} }} }}\n")
        try:
            process = subprocess.Popen(self.server + ["nginx", "-c", config, "-p", folder])
        except FileNotFoundError:
            raise SystemExit("nginx is missing; script/setup test installs it") from None
        for _ in range(100):
            if process.poll() is not None:
                raise SystemExit(f"nginx ended with {process.returncode}; its words are above")
            try:
                Http(f"http://127.0.0.1:{port}").call("GET", "/")
                return process, port
            except OSError:
                time.sleep(0.02)
        raise SystemExit("nginx does not listen within two seconds")

    def people(self, host, count):
        """A file for load_client: users, tokens, and for each pair of neighbours a group."""
        path = os.path.join(host.directory, "people")
        with open(path, "w", encoding="utf-8") as file:
            for index in range(0, count, 2):
                pair = [host.account(f"load_{index + one}") for one in (0, 1)]
                status, answer = Http(host.im).call("POST", "/api/v1/groups", {"X-User-ID": pair[0]["handle"]},
                                                    json.dumps({"name": "two", "members": [pair[1]["handle"]]}).encode())
                if status != 200:
                    raise SystemExit(f"no group: {answer}")
                for one in pair:
                    file.write("\t".join([one["handle"], str(one["uid"]), one["uuid"], one["token"],
                                          answer["group"]["id"]]) + "\n")
        return path

    def contract_round(self, contract):
        """The contract and `im` on one host: the same users and kind of conversation, and as many bytes per frame."""
        groups = contract == "carrypigeon"  # where nobody speaks to a person, but in a channel
        ids = 1 if contract == "flix" else 0  # where a message without a client's id is refused
        host = self.host("null", ("im", contract))
        options = {"connections": 100, "depth": 16, "people": self.people(host, 100), "client-ids": ids,
                   "seconds": self.options.seconds}

        def measure(content, **changed):
            """Both with contents of so many bytes. An answer is a delivery too: to the sender."""
            both = [self.drive("relay", host.port(name), [host.process.pid], dialect=dialect, bytes=size, **{**options, **changed})
                    for name, dialect, size in (("im", "im_group" if groups else "im", content[0]), (contract, contract, content[1]))]
            for one in both:
                units = one["messages"] + one["deliveries"]
                one["cpu_us"] *= one["messages"] / units
                one["bytes"] = round(one["bytes"] / units)
            return both

        # A byte of content is one in the message and one in each delivery: that many more even the lighter one out.
        reference, ours = measure((100, 100), **{"seconds": 0.2, "client-ids": ids * 10**12})
        more = ours["bytes"] - reference["bytes"]
        reference, ours = measure((100 + max(more, 0), 100 + max(-more, 0)))
        host.stop()
        return ours, reference

    def post_round(self):
        """Sends over HTTP, nginx that swallows them, and the insert that each of them is."""
        host = self.host("sqlite", ("im", "message_service"))
        people = self.people(host, 64)
        with open(people, encoding="utf-8") as file:
            one, other = [line.rstrip("\n").split("\t") for line in file.readlines()[:2]]
        body = {"receiverId": int(other[1]), "messageType": "TEXT", "content": "x" * 100, "clientMsgId": "first"}
        status, answer = Http(host.at("message_service")).call(
            "POST", "/api/v1/messages/private", {"Authorization": f"Bearer {one[3]}"}, json.dumps(body).encode())
        if status != 200:
            raise SystemExit(f"no message: {answer}")
        options = {"connections": 64, "depth": 1, "path": "/api/v1/messages/private", "people": people,
                   "seconds": self.options.seconds}
        before = host.metrics()
        ours = self.drive("http", host.port("message_service"), [host.process.pid], **options)
        after = host.metrics()
        host.stop()
        messages, batches = (after.get(name, 0) - before.get(name, 0) for name in COMMITS)
        nginx, port = self.nginx(json.dumps(answer, separators=(",", ":"), ensure_ascii=False))
        pids = [nginx.pid] + [int(p) for p in open(f"/proc/{nginx.pid}/task/{nginx.pid}/children").read().split()]
        raw = self.drive("http", port, pids, **options)
        nginx.terminate()
        nginx.wait()
        # As many rows as the host's, with client ids, which this contract's messages must have: the index grows with them.
        raw["cpu_us"] += self.insert_round(messages / batches, client_ids=True, rows=messages)["cpu_us_per_row"]
        return ours, raw

    def start_round(self):
        begin = time.monotonic()
        host = Host(self.program("loft"), directory=tempfile.mkdtemp(dir=self.folder))
        host.start()
        took = time.monotonic() - begin
        host.stop()
        return took * 1000

    # -- the table ----------------------------------------------------------------------------------------------------

    def row(self, what, ours, reference, ratio, goal, at_most=True):
        reached = ratio <= goal if at_most else ratio >= goal
        self.rows.append((what, ours, reference, f"{ratio:.2f}", f"{'≤' if at_most else '≥'} {goal:g}",
                          "yes" if reached else "NO"))

    def print(self):
        heads = ("measurement", "host", "reference", "ratio", "goal", "reached")
        widths = [max(len(str(row[i])) for row in [heads, *self.rows]) for i in range(len(heads))]
        for index, row in enumerate([heads, *self.rows]):
            print("| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths)) + " |")
            if index == 0:
                print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


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
