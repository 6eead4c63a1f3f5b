#!/usr/bin/python3
"""Does the reference raw_sqlite write what the host writes per message? Two users talk; the databases are compared."""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

from lib.host import Host                                # noqa: E402
from lib.session import ImSession                        # noqa: E402

MESSAGES = 520                      # two whole blocks of sent_count, one in each half
TEXT = "x" * 100                    # as load_client sends
CONTENT = 111                       # as bench.py has raw_sqlite write it
# The host's own books about its schema, written once when the database is made.
BOOKS = "schema_migration"
# What a message makes more of; nothing else may grow by a message between users who know each other.
PER_MESSAGE = ("message", "client_message", "sent_count")
# Written twice a second, not per message: one row per user, conversation and name of a mark, when the first is proven.
MARKS = ("mark", 2 * 2)


def talk(host, messages, first, with_client_ids):
    """Alice and bob in turn, each message acknowledged and heard before the next one goes out."""
    sessions = {}
    for name in ("alice", "bob"):
        sessions[name] = ImSession(host.im)
        sessions[name].log_in(name)
    for number in range(first, first + messages):
        sender, receiver = ("alice", "bob") if number % 2 == 0 else ("bob", "alice")
        data = {"receiver_id": receiver, "type": "text", "content": TEXT}
        frame = {"type": "send_message", "data": data, "timestamp": 1}
        if with_client_ids:
            frame["message_id"] = f"client-{number}"
        sessions[sender].send_json(frame)
        sessions[sender].find(lambda heard: heard["type"] == "send_message" and heard["data"]["success"])
        sessions[receiver].find(lambda heard: heard["type"] == "new_message")
    for session in sessions.values():
        session.close()


def state(path):
    """The schema, the rows per table, and what is written beside the rows of the message."""
    database = sqlite3.connect(path)
    schema = set(database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE tbl_name <> ?", (BOOKS,)))
    tables = sorted(name for kind, name, _, _ in schema if kind == "table")
    rows = {table: database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in tables}
    (heads,) = database.execute("SELECT sum(head) FROM conversation").fetchone()
    newest, last = database.execute("SELECT max(id), (SELECT max(last_id) FROM conversation) FROM message").fetchone()
    (position,) = database.execute("SELECT position FROM progress").fetchone()
    (counted,) = database.execute("SELECT sum(sent) FROM sent_count").fetchone()
    sizes = {size for (size,) in database.execute("SELECT length(content) FROM message")}
    nulls = set(database.execute("SELECT recalled, recalled_by FROM message"))
    database.close()
    return {"schema": schema, "rows": rows, "heads": heads, "last id is the newest": newest == last,
            "progress is at the newest": position >= newest, "counted": counted, "sizes": sizes, "recalled": nulls}


def of_host(options, folder, with_client_ids):
    """The state after MESSAGES, and the tables' growth by the second half, when nothing is new any more."""
    with Host(options.loft, options.plugins, directory=folder) as host:
        path = os.path.join(host.data_dir, "loft.db")
        talk(host, MESSAGES // 2, 0, with_client_ids)
        host.stop()
        half = state(path)
        host.start()
        talk(host, MESSAGES // 2, MESSAGES // 2, with_client_ids)
        host.stop()
        whole = state(path)
    return whole, {name: count - half["rows"][name] for name, count in whole["rows"].items()}


def of_reference(options, folder, with_client_ids):
    path = os.path.join(folder, "raw.db")
    command = [options.raw, "--batch", "1", "--rows", str(MESSAGES), "--conversations", "1", "--users", "2",
               "--content", str(CONTENT), "--path", path] + (["--client-ids"] if with_client_ids else [])
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return state(path)


def compare(options, with_client_ids):
    with tempfile.TemporaryDirectory(prefix="loft-reference-") as folder:
        raw = of_reference(options, folder, with_client_ids)
        host, growth = of_host(options, folder, with_client_ids)
    problems = [f"only in {side}: {entry}" for side, entries in (("the host", host["schema"] - raw["schema"]),
                                                                 ("raw_sqlite", raw["schema"] - host["schema"]))
                for entry in sorted(map(str, entries))]
    for table in PER_MESSAGE:
        if host["rows"][table] != raw["rows"][table]:
            problems.append(f"{table}: {host['rows'][table]} rows of the host, {raw['rows'][table]} of raw_sqlite")
    for table, grown in growth.items():
        if table == MARKS[0] and host["rows"][table] <= MARKS[1]:
            continue
        expected = raw["rows"][table] // 2 if table in PER_MESSAGE else 0
        if grown != expected:
            problems.append(f"{table}: {MESSAGES // 2} messages made {grown} rows of the host, {expected} of raw_sqlite")
    for key in ("heads", "last id is the newest", "progress is at the newest", "counted", "sizes", "recalled"):
        if host[key] != raw[key]:
            problems.append(f"{key}: {host[key]} of the host, {raw[key]} of raw_sqlite")
    print(f"with{'' if with_client_ids else 'out'} client ids")
    for name, rows in (("host", host["rows"]), ("raw_sqlite", raw["rows"])):
        print(f"  {name:12}{json.dumps(rows)}", flush=True)
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loft", required=True)
    parser.add_argument("--plugins")
    parser.add_argument("--raw", required=True, help="the program raw_sqlite")
    options = parser.parse_args()
    problems = [problem for with_client_ids in (False, True) for problem in compare(options, with_client_ids)]
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
