#!/usr/bin/python3
"""Moving between storages: `loft storage copy` and `loft storage verify`, all six pairs, with kills in the middle.

A host lives on SQLite for a while, then its store is filled up and made odd: messages that are gone, recalled ones, client
ids without messages. From there everything goes from storage to storage, and after each move the two are compared. On the
way and at the end a host is started: its users see what they saw, and what they repeat is recognised.

    storage_copy.py --loft … --plugins … --messages 1000000 --pairs sqlite-postgresql

makes one pair with as many messages as one likes, and says how long it took and how much memory it had.
"""

import contextlib
import json
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

from lib.cases import case, run, until
from lib.database import Server
from lib.fill import BASE, fill
from lib.host import Host, SANITIZER_WORDS
from lib.session import Http

ENGINES = {"postgresql": "postgresql", "mysql": "mariadb"}
USERS = ["ann", "bob", "cleo"]
PATIENCE = 3600


class Store:
    """A storage of its own, and the configuration of a host on it."""

    def __init__(self, world, engine, name):
        self.world, self.engine, self.name = world, engine, name
        self.folder = os.path.join(world.folder, name)
        os.makedirs(self.folder)
        given = world.given
        self.host = Host(given.loft, given.plugins, storage=engine, directory=self.folder, contracts=("im", "netherlink"))
        self.config = self.host.config
        if engine in ENGINES:
            server = world.server(engine)
            server.create_database(name)
            lines = [f"  use: {engine}", f"  port: {server['port']}", f"  database: {name}"]
            lines += [f"  {key}: {json.dumps(server[key])}" for key in ("host", "user", "password")]
            with open(self.config, encoding="utf-8") as file:
                text = file.read()
            with open(self.config, "w", encoding="utf-8") as file:
                file.write(text.replace(f'  use: "{engine}"', "\n".join(lines)))

    @property
    def path(self):
        return os.path.join(self.host.data_dir, "loft.db")

    def count(self, table):
        """Its rows, beside whoever is writing; 0 while there is no such table."""
        if self.engine in ENGINES:
            quoted = f'"{table}"' if self.engine == "postgresql" else f"`{table}`"
            try:
                return int(self.world.server(self.engine).sql(f"SELECT count(*) FROM {quoted}", self.name))
            except RuntimeError:
                return 0
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as database:
                return database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
        except sqlite3.Error:
            return 0


class World:
    def __init__(self, given, folder):
        self.given, self.folder = given, folder
        self.servers, self.stores = {}, 0

    def server(self, engine):
        if engine not in self.servers:
            self.servers[engine] = Server(ENGINES[engine])
        return self.servers[engine]

    def store(self, engine):
        self.stores += 1
        return Store(self, engine, f"loft{self.stores}_{engine}")

    def close(self):
        for server in self.servers.values():
            server.close()

    def command(self, *words):
        return [self.given.loft, "storage", *words]

    def run(self, *words, code=0):
        done = subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              timeout=PATIENCE)
        for word in SANITIZER_WORDS:
            assert word not in done.stderr, done.stderr
        assert done.returncode == code, f"{words} ended with {done.returncode}, not {code}\n{done.stdout}\n{done.stderr}"
        return done

    def copy(self, source, target, *more):
        return json.loads(self.run("copy", "--from", source.config, "--to", target.config, "--json", *more).stdout)

    def verify(self, one, other, code=0):
        return json.loads(self.run("verify", one.config, other.config, "--json", code=code).stdout)

    def copy_until(self, source, target, table, rows):
        """Killed as soon as the target has so many rows of that table."""
        with open(os.path.join(self.folder, "copy.log"), "ab") as log:
            process = subprocess.Popen(self.command("copy", "--from", source.config, "--to", target.config, "--batch", "16"),
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def far_enough():
            process.send_signal(signal.SIGSTOP)  # or it would be further by the time that it is killed
            if process.poll() is not None or target.count(table) >= rows:
                return True
            process.send_signal(signal.SIGCONT)
            return False

        try:
            until(far_enough, f"{rows} rows of {table}", 120)
            assert process.poll() is None, f"the copy ended with {process.returncode} before it had {rows} rows of {table}"
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def world(given):
    with tempfile.TemporaryDirectory(prefix="loft-test-") as folder:
        one = World(given, folder)
        try:
            yield one
        finally:
            one.close()


# -- what users see ---------------------------------------------------------------------------------------------------


def post(host, user, **body):
    status, answer = Http(host.im).call("POST", "/api/v1/messages", {"X-User-ID": user},
                                        json.dumps(dict(body, type="text")).encode())
    assert status == 200, answer
    return answer["message_id"]


def live(host):
    """Some days of three users. Returns the client ids and what they became."""
    status, answer = Http(host.im).call("POST", "/api/v1/groups", {"X-User-ID": "ann"},
                                        json.dumps({"name": "all", "members": ["bob", "cleo"]}).encode())
    assert status == 200, answer
    group, known = answer["group"]["id"], {}
    for number in range(40):
        user = USERS[number % 3]
        to = {"group_id": group} if number % 4 == 0 else {"receiver_id": USERS[(number + 1) % 3]}
        body = dict(to, content=f"message {number} \u0000\U0001F600", client_msg_id=f"c{number}")
        known[user, f"c{number}"] = (body, post(host, user, **body))
    for user in USERS:
        for message in history(host, user)[::3]:
            status, answer = Http(host.im).call("POST", f"/api/v1/messages/{message['id']}/ack", {"X-User-ID": user},
                                                json.dumps({"status": "read"}).encode())
            assert status == 200, answer
    return known


def history(host, user):
    found, cursor = [], "msg_1"
    while True:
        status, page = Http(host.im).call("GET", f"/api/v1/messages/offline?last_message_id={cursor}&limit=200",
                                          {"X-User-ID": user})
        assert status == 200, page
        found += page["messages"]
        if not page["has_more"]:
            return found
        cursor = page["messages"][-1]["id"]


def unread(host, user):
    token = host.account(user)["token"]
    status, answer = Http(host.at("netherlink")).call("GET", "/api/messages/unread_count",
                                                      {"Authorization": "Bearer " + token})
    assert status == 200, answer
    return answer["data"]


def seen(host):
    return {user: (history(host, user), unread(host, user)) for user in USERS}


def check_host(store, wanted, known):
    """Its users see what they saw, client ids are recognised, and new messages come behind all others."""
    with store.host as host:
        found = seen(host)
        for user in USERS:
            assert found[user] == wanted[user], f"{user} sees something else on {store.name}"
        for (user, client_id), (body, message) in known.items():
            assert post(host, user, **body) == message, f"{client_id} of {user} was sent again on {store.name}"
        new = post(host, "ann", receiver_id="bob", content="new")
        newest = max(int(message["id"].removeprefix("msg_")) for user in USERS for message in wanted[user][0])
        assert int(new.removeprefix("msg_")) > newest, "an id of after the move is not larger"


# -- what is odd ------------------------------------------------------------------------------------------------------


def odden(path):
    """What years leave behind: logs without their beginnings, recalls, erased texts, client ids without messages."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        filled = [row[0] for row in database.execute("SELECT id FROM conversation WHERE name = 'filled' ORDER BY id")]
        database.execute("DELETE FROM message WHERE conversation_id = ? AND seq <= 20", (filled[0],))
        database.execute("DELETE FROM message WHERE conversation_id = ?", (filled[1],))
        database.execute("UPDATE message SET recalled = ? + seq, recalled_by = sender_id WHERE conversation_id = ? "
                         "AND seq % 3 = 0", (BASE + 1, filled[2]))
        database.execute("UPDATE message SET content = '{}', extras = NULL WHERE conversation_id = ?", (filled[3],))
        database.execute("UPDATE message SET extras = '{\"x\":' || seq || '}' WHERE conversation_id = ?", (filled[4],))
        database.execute("INSERT INTO client_message SELECT id, sender_id, -id, id * 7, -1 FROM message WHERE id % 3 = 0 "
                         "AND id < ? + 64 * 3000 AND conversation_id = ?", (BASE, filled[5]))
        database.execute("DELETE FROM message WHERE conversation_id = ? AND seq <= 10", (filled[5],))
        database.execute("INSERT INTO change SELECT id + 1, conversation_id, 7, sender_id, 0, id, 0, '[[1,2]]' FROM message "
                         "WHERE conversation_id = ?", (filled[6],))
        database.executemany("INSERT INTO mark VALUES (?, ?, ?, ?)",
                             [(user << 20, filled[at], "read", b'{"set":[[1,%d]]}' % user) for user in range(1, 40)
                              for at in range(40)] +
                             [(5, 5, "odd\0name", b"\0\xff")])
        database.executemany("INSERT INTO key_value VALUES (?, ?, ?)",
                             [("contract.odd", key, value) for key, value in
                              (("", "empty"), ("\0", "\0"), ("\U0001F600", ""), ("\x01", "\x01\x02"))])


# -- cases ------------------------------------------------------------------------------------------------------------


def prepared(one, messages):
    """A store on SQLite that a host was on, what its users saw, and their client ids."""
    source = one.store("sqlite")
    with source.host as host:
        known = live(host)
        wanted = seen(host)
    with contextlib.closing(sqlite3.connect(source.path)) as database:
        before = database.execute("SELECT position FROM progress").fetchone()[0]
    fill(source.path, messages)
    with contextlib.closing(sqlite3.connect(source.path)) as database, database:
        database.execute("UPDATE progress SET applied_upto = max(applied_upto, ?), position = max(position, ?)",
                         (before, before))
    return source, wanted, known


@case
def everything(given):
    """All six pairs: killed at several points a copy goes on, it equals its source, and a host goes on with it."""
    messages = int(given.options.messages)
    with world(given) as one:
        source, wanted, known = prepared(one, messages)
        odden(source.path)
        total = None
        for number, engine in enumerate(("postgresql", "mysql", "sqlite", "mysql", "postgresql", "sqlite")):
            target = one.store(engine)
            kills = ([("user", 1), ("message", 1), ("message", messages // 3), ("message", messages // 2), ("mark", 20)]
                     if number < 3 else [])
            for table, rows in kills:
                one.copy_until(source, target, table, rows)
                refused = subprocess.run([given.loft, "serve", "--config", target.config], stdin=subprocess.DEVNULL,
                                         capture_output=True, text=True, check=False, timeout=60)
                assert refused.returncode == 69 and "loft storage copy --from" in refused.stderr, refused
            if kills:
                differences = one.verify(source, target, code=1)["differences"]
                assert any("unfinished copy" in text for text in differences), differences
            copied = one.copy(source, target)
            verified = one.verify(source, target)
            assert verified["equal"] and verified["first"] == verified["second"], verified
            assert not kills or copied["found"]["messages"] >= messages // 2, copied
            counts = {kind: copied["found"][kind] + copied["written"][kind] for kind in copied["found"]}
            assert counts == verified["first"], (counts, verified)
            total = total or counts
            assert counts == total, f"{counts} of {target.name}, there were {total}"
            assert one.copy(source, target)["was_whole"]
            print(f"{source.engine} to {engine}: {copied['written']['messages']} messages in "
                  f"{copied['milliseconds']} ms, {copied['rows_a_second']} rows/s", flush=True)
            if number in (1, 3, 4):
                # A second one of the same source, so that the host leaves this one as it is.
                other = one.store(engine)
                one.copy(source, other)
                check_host(other, wanted, known)
                refused = one.run("copy", "--from", source.config, "--to", other.config, code=1).stderr
                assert "not empty" in refused and "name an empty target" in refused, refused
            source = target
        check_host(source, wanted, known)


@case
def refusals(given):
    """What cannot be copied is refused by name: a running host, the same storage twice, a source that is not there."""
    with world(given) as one:
        source, target, running = one.store("sqlite"), one.store("sqlite"), one.store("sqlite")
        with source.host as host:
            post(host, "ann", receiver_id="bob", content="x", client_msg_id="1")
        with running.host as host:
            post(host, "ann", receiver_id="bob", content="x", client_msg_id="1")
            for words in ((running, target), (source, running)):
                text = one.run("copy", "--from", words[0].config, "--to", words[1].config, code=75).stderr
                assert "stop the host first" in text and running.config in text, text
                text = one.run("verify", words[0].config, words[1].config, code=75).stderr
                assert "stop the host first" in text, text
        for engine in ("sqlite", "postgresql", "mysql"):
            same = source
            if engine != "sqlite":
                same = one.store(engine)
                one.copy(source, same)
            twin = os.path.join(same.folder, "twin.yaml")
            with open(same.config, encoding="utf-8") as file:
                text = file.read()
            if engine == "sqlite":  # the same file, by another way
                text = text.replace('  use: "sqlite"', f"  use: sqlite\n  path: {os.path.dirname(same.path)}/./loft.db")
            with open(twin, "w", encoding="utf-8") as file:
                file.write(re.sub(r"data_dir: .*", f"data_dir: {same.folder}/other", text) if engine != "sqlite" else text)
            text = one.run("copy", "--from", same.config, "--to", twin, code=1).stderr
            assert "name the same storage" in text, text
        text = one.run("copy", "--from", os.path.join(one.folder, "nowhere.yaml"), "--to", target.config, code=78).stderr
        assert "nowhere.yaml" in text, text
        text = one.run("copy", "--from", source.config, "--to", target.config, "--batch", "0", code=64).stderr
        assert "--batch" in text, text
        text = one.run("copy", "--from", source.config, "--to", target.config, "--set", "log.level=info", code=64).stderr
        assert "--set" in text, text
        empty = one.store("sqlite")
        text = one.run("copy", "--from", empty.config, "--to", target.config, code=1).stderr
        assert "there is nothing in it" in text, text
        assert one.copy(source, target)["written"]["messages"] == 1
        out = one.run("verify", source.config, target.config).stdout
        assert out.startswith("equal: 2 users, 1 conversations, "), out
        with contextlib.closing(sqlite3.connect(target.path)) as database, database:
            database.execute("UPDATE message SET content = '{\"text\":\"y\"}'")
        out = one.run("verify", source.config, target.config, code=1).stdout
        assert "seq 1) has another `content`" in out, out


def null_in(table, column, where):
    """What no table takes: as if it had been made without that word, which it says again afterwards."""
    edit = "UPDATE sqlite_schema SET sql = replace(sql, '{}', '{}') WHERE name = '" + table + "'"
    return ["PRAGMA writable_schema = ON", edit.format(" NOT NULL", " /* NOT NULL */"), "PRAGMA writable_schema = RESET",
            f"UPDATE {table} SET {column} = NULL WHERE {where}", "PRAGMA writable_schema = ON",
            edit.format(" /* NOT NULL */", " NOT NULL"), "PRAGMA writable_schema = RESET"]


BAD_ROWS = [
    # what is done to it, what the copy says, what the check names
    (["UPDATE conversation SET kind = 9"], r"table conversation, row \d+: column kind is 9",
     r"table conversation: \d+: kind must be 0 to 3"),
    (["UPDATE member SET role = 77 WHERE user_id = (SELECT min(user_id) FROM member)"],
     r"table member, row \d+, \d+: column role is 77", r"table member: \d+, \d+: role must be 0 to 2"),
    (null_in("conversation", "created", "1"), r"table conversation, row \d+: column created is NULL",
     r"table conversation: \d+: created must be a whole number"),
    (["UPDATE message SET content = CAST(x'7b80' AS TEXT)"],
     r"message \d+ \(conversation \d+, seq 1\) has a `content` that is not UTF-8",
     r"table message: \d+: content must be UTF-8"),
    (["INSERT INTO member SELECT 777, user_id, role, joined, joined_seq, muted_until, has_left, 0, 0 FROM member"],
     r"table member has 4 rows, and 2 of them belong to what is stored",
     r"table member: user \d+ is a member of conversation 777, which is not there; DELETE FROM member WHERE"),
    (["UPDATE message SET conversation_id = 777"], r"message \d+ \(conversation 777, seq 1\) is of a conversation that is not",
     r"table message: there are messages of conversation 777, which is not there"),
    (["UPDATE message SET domain_id = 99"], r"table message, row \d+: column domain_id is 99",
     r"table message: seq 1 of conversation \d+ is of domain number 99, which is not there"),
]


@case
def bad_rows(given):
    """Rows that cannot be or belong to nothing end a copy with 1, with table, row and column, and what to do."""
    with world(given) as one:
        first = one.store("sqlite")
        with first.host as host:
            post(host, "ann", receiver_id="bob", content="x", client_msg_id="1")
        for number, (edits, said, named) in enumerate(BAD_ROWS):
            source = one.store("sqlite")
            target = one.store("postgresql" if number == 3 else "mysql" if number == 4 else "sqlite")
            os.makedirs(source.host.data_dir, exist_ok=True)
            with contextlib.closing(sqlite3.connect(first.path)) as database, \
                    contextlib.closing(sqlite3.connect(source.path)) as edited:
                database.backup(edited)
                for edit in edits:
                    edited.execute(edit)
                    edited.commit()
            text = one.run("copy", "--from", source.config, "--to", target.config, code=1).stderr
            assert re.search(said, text) and re.search(named, text), text
            assert f"`loft storage check --config {source.config}` names all" in text, text
            found = one.run("check", "--config", source.config, code=1).stdout
            assert re.search(named, found), found
            text = one.run("verify", source.config, first.config, code=1)
            assert text.stdout + text.stderr, text
            # What is there is half of a copy, and no host takes it for a store.
            assert "unfinished copy" in one.run("verify", first.config, target.config, code=1).stdout


def one_pair(given, pair):
    """--pairs: only this, with figures."""
    begin, end = pair.split("-")
    with world(given) as one:
        source = one.store("sqlite")
        subprocess.run([given.loft, "user", "add", "ann", "--config", source.config, "--set", "listeners=[]", "--set", "internal.enabled=false"], check=True,
                       stdout=subprocess.DEVNULL)
        fill(source.path, int(given.options.messages))
        odden(source.path)
        if begin != "sqlite":
            first = one.store(begin)
            one.copy(source, first)
            source = first
        target = one.store(end)
        copied = one.copy(source, target, "--batch", given.options.batch)
        verified = one.verify(source, target)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        print(f"{pair}: {copied['written']['messages']:,} messages in {copied['milliseconds'] / 1000:.1f} s, "
              f"{copied['rows_a_second']:,} rows a second; verified in {verified['milliseconds'] / 1000:.1f} s; "
              f"{memory} MiB at most", flush=True)
        assert verified["equal"], verified


if __name__ == "__main__":
    if "--pairs" in sys.argv:
        @case
        def only(given):
            """One pair of storages, with figures."""
            for pair in given.options.pairs.split(","):
                one_pair(given, pair)
        sys.argv += ["--only", "One pair"]
    run(__doc__, messages="10000", pairs="", batch="4000")
