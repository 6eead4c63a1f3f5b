"""One run of the load benchmark: the programs that it starts, its rounds and its table."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time

from lib.host import Host
from lib.session import Http

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
