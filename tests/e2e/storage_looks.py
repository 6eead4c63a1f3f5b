#!/usr/bin/python3
"""What the commands about a store say where there is none, where it cannot be seen, and where it is not whole: never that all
is well. And what a command that is ended half-way leaves behind: nothing."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess

from lib.cases import case, run, until
from lib.database import Server
from lib.host import Host
from lib.program import PLAIN, Place, run as program
from lib.session import Http


def options_of(storage, server, **other):
    named = {"use": storage, **{name: server[name] for name in ("host", "user", "password", "database")}, **other}
    words = [f"storage.port={server['port']}"] + [f"storage.{name}={json.dumps(value)}" for name, value in named.items()]
    return [part for word in words for part in ("--set", word)]


def sql(place, statement):
    with contextlib.closing(sqlite3.connect(os.path.join(place.data_dir, "loft.db"))) as database:
        database.execute(statement)
        database.commit()


@case
def nothing_there(given):
    """where there is no store, `check` says so and ends with 1, and neither it, `status` nor `verify` makes one"""
    with Place(given, PLAIN) as place, Place(given, PLAIN) as other:
        os.makedirs(place.data_dir, mode=0o700)
        ran = place.run("storage", "check")
        assert ran.code == 1 and "holds no store: there is nothing to check" in ran.err, ran
        ran = place.run("storage", "status")
        assert ran.code == 0 and "a start sets it up" in ran.out, ran
        assert other.run("user", "add", "ann").code == 0
        empty = other.write("empty.yaml", f"data_dir: {place.data_dir}\nplugin_path: [{os.path.abspath(given.plugins)}]\n" + PLAIN)
        ran = program(other.loft, "storage", "verify", "loft.yaml", empty, cwd=other.path)
        assert ran.code == 1 and "has no tables yet" in ran.err, ran
        assert not os.path.exists(os.path.join(place.data_dir, "loft.db")), os.listdir(place.data_dir)


@case
def not_seen(given):
    """a store that cannot be looked at is not called empty: `status`, `plan`, `check` and `backup` end with 69 and say why"""
    with Place(given, PLAIN.replace("{use: sqlite}", "{use: sqlite, path: ring.db}")) as place:
        os.makedirs(place.data_dir, mode=0o700)
        ring = os.path.join(place.data_dir, "ring.db")
        os.symlink("other.db", ring)
        os.symlink("ring.db", os.path.join(place.data_dir, "other.db"))
        for words in (("storage", "status"), ("storage", "plan"), ("storage", "check"), ("backup",)):
            ran = place.run(*words)
            assert ran.code == 69 and "Too many levels of symbolic links" in ran.err, ran


@case
def not_whole(given):
    """a store without one of its indexes, and one that a copy was begun into, are wrong to `check` and refused in `status`"""
    with Place(given, PLAIN) as place:
        assert place.run("user", "add", "ann").code == 0
        assert place.run("storage", "check").code == 0
        sql(place, "INSERT INTO key_value (space, \"key\", value) VALUES ('loft.copy', 'from', 'storage.sqlite of old.yaml')")
        ran = place.run("storage", "check")
        assert ran.code == 1 and "a copy of storage.sqlite of old.yaml into this store has not ended" in ran.out, ran
        ran = place.run("storage", "status")
        assert "a start is refused: it holds an unfinished copy of storage.sqlite of old.yaml" in ran.out, ran
        assert json.loads(place.run("storage", "status", "--json").out)["start"] == "refused"
        place.refused(69, "unfinished copy")
        sql(place, "DELETE FROM key_value WHERE space = 'loft.copy'")
        sql(place, "DROP INDEX member_user")
        ran = place.run("storage", "check", "--json")
        found = json.loads(ran.out)["problems"]
        assert ran.code == 1 and [one["table"] for one in found] == ["member"] and "member_user" in found[0]["what"], ran


@case
def hidden_schema(given):
    """a schema that hides PostgreSQL's store is named, and no second store is made in it"""
    with Server("postgresql") as server, Place(given, PLAIN) as place:
        options = options_of("postgresql", server)
        assert place.run("user", "add", "ann", *options).code == 0
        server.sql(f"CREATE SCHEMA \"{server['user']}\" AUTHORIZATION \"{server['user']}\"")
        for words, code in ((("storage", "status"), 1), (("storage", "check"), 1), (("user", "list"), 69), (("serve",), 69)):
            ran = place.run(*words, *options)
            assert ran.code == code and "has a store in schema 'public'" in ran.err + ran.out, ran
        assert server.sql(f"SELECT count(*) FROM pg_tables WHERE schemaname = '{server['user']}'").strip() == "0"
        server.sql(f"DROP SCHEMA \"{server['user']}\"")
        assert "ann" in place.run("user", "list", *options).out


@case
def first_start_cut_short(given):
    """MariaDB's first start that was killed between its steps is taken up by the next one, with auto_migrate off"""
    with Server("mariadb") as server, Place(given, PLAIN) as place:
        options = options_of("mysql", server)
        assert place.run("storage", "migrate", *options).code == 0
        server.sql("DELETE FROM schema_migration WHERE number > 1")
        assert place.run("user", "add", "ann", *options).code == 0
        # But of a store that is used one takes a backup first.
        server.sql("DELETE FROM schema_migration WHERE number > 1")
        ran = place.run("user", "list", *options)
        assert ran.code == 69 and "option `auto_migrate` is false" in ran.err, ran


class Talkative(Host):
    """With so much of one user that a command about it takes a while."""

    def say(self, count, size):
        for number in range(count):
            body = {"receiver_id": "ben", "type": "text", "content": f"{number} " + "x" * size}
            status, made = Http(self.im).call("POST", "/api/v1/messages", {"X-User-ID": "ann"}, json.dumps(body).encode())
            assert status in (200, 201), made

    def interrupted(self, folder, word, *words):
        """The signal comes when the file is being made. Whether it came in time."""
        process = subprocess.Popen([self.loft, *words, "--config", self.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until(lambda: any(".part-" in name for name in os.listdir(folder)) or process.poll() is not None, "the file is begun")
        process.send_signal(word)
        out, err = process.communicate(timeout=60)
        assert process.returncode in (0, -word), (process.returncode, out, err)
        return process.returncode != 0


@case
def ended_half_way(given):
    """Ctrl-C and SIGTERM end an export and a backup without a file, whole or half; what was done before is there as it was"""
    with Talkative(given.loft, given.plugins, contracts=("im",)) as host:
        host.say(300, 15_000)
        folder = os.path.join(host.directory, "files")
        os.mkdir(folder)
        for word in (signal.SIGTERM, signal.SIGINT):
            for words in (("user", "export", "ann", "--to"), ("backup", "--to")):
                for _ in range(50):
                    target = os.path.join(folder, "file")
                    if host.interrupted(folder, word, *words, target):
                        break
                    os.unlink(target)
                else:
                    raise AssertionError(f"{words} was never interrupted")
                assert os.listdir(folder) == [], (words, os.listdir(folder))
        ran = subprocess.run([host.loft, "user", "export", "ann", "--to", target, "--config", host.config], check=True,
                             capture_output=True, text=True)
        with open(target, encoding="utf-8") as file:
            lines = file.read().splitlines()
        assert f"wrote {len(lines)} lines" in ran.stdout and len(lines) > 300 and os.listdir(folder) == ["file"], ran


if __name__ == "__main__":
    run(__doc__)
