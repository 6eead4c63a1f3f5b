#!/usr/bin/python3
"""Starts that succeed after trouble, and starts that are refused with the reason."""

import os
import socket
import sqlite3

from lib.cases import case, run, until
from lib.fill import fill
from lib.host import Host
from lib.program import PLAIN, SECRET, Place, run as program
from lib.session import Http, ImSession


def database(host):
    return os.path.join(host.data_dir, "loft.db")


def change(path, *statements):
    link = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        link.execute(statement)
    link.close()


@case
def two_hosts(given):
    """a second host on the same data_dir ends with 75 and names the first, which does not notice"""
    with Host(given.loft, given.plugins) as host:
        ran = program(host.loft, "serve", "--config", host.config)
        assert ran.code == 75 and f"another process (pid {host.process.pid}) owns" in ran.err, ran
        assert os.path.exists(os.path.join(host.data_dir, "ports.json"))
        assert program(host.loft, "user", "list", "--config", host.config).code == 0
        session = ImSession(host.im)
        session.log_in("s_alice")
        assert not session.round_trip()
        session.close()


@case
def off_loopback(given):
    """development secret, auto_create and trust_header are refused off loopback, each by name"""
    text = PLAIN.replace("listen: 127.0.0.1:0, contracts", "listen: 0.0.0.0:0, contracts")
    with Place(given, text.replace(f'"{SECRET}"', '""')) as place:
        ran = place.refused(78, "auth.jwt.secret: is the development secret", "identity.auto_create: lets anybody",
                            "identity.trust_header: lets anybody", "0.0.0.0:0", "loft: 3 problems")
        assert SECRET not in ran.err
    with Place(given, text.replace("trust_header: true", "trust_header: false")) as place:
        ran = place.refused(78, "identity.auto_create: lets anybody", "loft: 1 problem in")
        assert "development" not in ran.err, ran


@case
def secret_from_environment(given):
    """a secret comes from the environment, and a missing variable is named"""
    with Place(given, PLAIN.replace(f'"{SECRET}"', '"${env:LOFT_TEST_SECRET}"')) as place:
        ran = place.run("check", env={"LOFT_TEST_SECRET": SECRET})
        assert ran.code == 0, ran
        ran = place.run("check")
        assert ran.code == 78 and "LOFT_TEST_SECRET" in ran.err and "auth.jwt.secret" in ran.err, ran


@case
def missing_plugin(given):
    """a plugin that is not there is refused with where it was sought and the nearest name"""
    with Place(given, PLAIN.replace("use: sqlite", "use: sqlit")) as place:
        place.refused(78, "loft.yaml:5:16: storage.use", "there is no storage.sqlit.so in "
                      + os.path.abspath(given.plugins), "did you mean 'storage.sqlite'?")
    with Place(given, PLAIN.replace("use: sqlite", "use: sqlite, path: x")) as place:
        with open(os.path.join(place.path, "storage.odd.so"), "w", encoding="utf-8") as file:
            file.write("no library")
        place.write("loft.yaml", "data_dir: data\nplugin_path: [.]\n" + PLAIN.replace("sqlite", "odd"))
        place.refused(78, "storage.odd", "storage.odd.so")


@case
def taken_port(given):
    """a port that another program listens on ends the start with 69, address and port named"""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        for threads in (1, 2):
            with Place(given, PLAIN.replace("listen: 127.0.0.1:0, c", f"listen: 127.0.0.1:{port}, c")
                       + f"server: {{threads: {threads}}}\n") as place:
                ran = place.refused(69, f"listener 'im' cannot listen on 127.0.0.1 port {port}: Address already in use")
                assert ran.err.count("listener 'im'") == 1, ran


@case
def newer_schema(given):
    """a database of a newer Loft is refused with both numbers, and stays as it is"""
    with Host(given.loft, given.plugins) as host:
        host.stop()
        change(database(host), "INSERT INTO schema_migration (number, name, checksum, applied) VALUES (999, 'x', 'y', 1)")
        before = open(database(host), "rb").read()
        ran = program(host.loft, "serve", "--config", host.config)
        assert ran.code == 69 and "has schema number 999, this program knows schemas up to number" in ran.err, ran
        assert "start the newer version of loft" in ran.err, ran
        ran = program(host.loft, "user", "list", "--config", host.config)
        assert ran.code == 69 and "schema number 999" in ran.err, ran
        assert open(database(host), "rb").read() == before
        change(database(host), "DELETE FROM schema_migration WHERE number = 999")
        host.start()


@case
def changed_tables(given):
    """tables that another program changed are refused"""
    with Host(given.loft, given.plugins) as host:
        host.stop()
        change(database(host), "CREATE INDEX mine ON message (sender_id)")
        ran = program(host.loft, "serve", "--config", host.config)
        assert ran.code == 69 and "were changed by another program" in ran.err, ran
        change(database(host), "DROP INDEX mine")
        host.start()


@case
def no_database(given):
    """a file that is no database is refused and not touched"""
    with Place(given, PLAIN) as place:
        os.makedirs(place.data_dir, mode=0o700)
        path = os.path.join(place.data_dir, "loft.db")
        with open(path, "w", encoding="utf-8") as file:
            file.write("dear diary " * 1000)
        place.refused(69, "is not a SQLite database")
        assert open(path, encoding="utf-8").read() == "dear diary " * 1000


@case
def unclean_stop(given):
    """after SIGKILL the next start says so, serves, and checks the database in the background"""
    with Host(given.loft, given.plugins) as host:
        status, answer = Http(host.im).call("POST", "/api/v1/messages", {"X-User-ID": "s_alice"},
                                            b'{"receiver_id":"s_bob","type":"text","content":"kept"}')
        assert status == 200, answer
        host.kill()
        host.start()
        status, got = Http(host.im).call("GET", f"/api/v1/messages/{answer['message_id']}", {"X-User-ID": "s_bob"})
        assert status == 200 and got["message"]["content"] == "kept", got
        until(lambda: host.readiness() == (200, {"host": "ok", "storage": "ok"}), "the check ends, all is well")
        assert "the last stop was not in order" in host.tail() and "found nothing wrong" in host.tail(), host.tail()


@case
def checking(given):
    """while the background check after an unclean stop runs, readyz is 200 and says so; then it says ok"""
    with Host(given.loft, given.plugins) as host:
        host.stop()
        fill(database(host), 400_000)
        host.start()
        assert host.readiness() == (200, {"host": "ok", "storage": "ok"}), "after an orderly stop nothing is checked"
        host.kill()
        host.start()
        assert host.readiness() == (200, {"host": "ok", "storage": "checking"}), host.tail()
        until(lambda: host.readiness() == (200, {"host": "ok", "storage": "ok"}), "the check ends, all is well")
        assert "found nothing wrong" in host.tail(), host.tail()


@case
def wrong_heads(given):
    """after an unclean stop, a conversation whose head is not its log's end is refused by number"""
    with Host(given.loft, given.plugins) as host:
        status, answer = Http(host.im).call("POST", "/api/v1/messages", {"X-User-ID": "s_alice"},
                                            b'{"receiver_id":"s_bob","type":"text","content":"x"}')
        assert status == 200, answer
        host.kill()
        change(database(host), "UPDATE conversation SET head = head + 1")
        ran = program(host.loft, "serve", "--config", host.config)
        assert ran.code == 69 and "says its last message is seq 2" in ran.err and "log ends with seq 1" in ran.err, ran
        change(database(host), "UPDATE conversation SET head = head - 1")
        host.start()


@case
def damaged(given):
    """damage that the start does not meet is found in the background and reported by readyz and log"""
    with Host(given.loft, given.plugins) as host:
        host.stop()
        fill(database(host), 20_000)
        link = sqlite3.connect(database(host))
        (size,) = link.execute("PRAGMA page_size").fetchone()
        # The rows that the start looks at are the newest; this leaf holds old ones.
        (page,) = link.execute("SELECT pageno FROM dbstat WHERE name = 'message' AND pagetype = 'leaf' "
                               "ORDER BY path LIMIT 1 OFFSET 5").fetchone()
        link.close()
        host.start()
        host.kill()
        change(database(host), "PRAGMA wal_checkpoint(TRUNCATE)")
        with open(database(host), "r+b") as file:
            file.seek((page - 1) * size)
            file.write(os.urandom(size))
        host.start()
        until(lambda: host.readiness()[0] == 503, "readyz says that the host is not ready")
        assert host.readiness()[1]["storage"].startswith("damaged: "), host.readiness()
        assert "the database is damaged: stop, keep a copy of the files, restore a backup" in host.tail(), host.tail()
        assert Http(host.im).call("GET", "/health")[0] in (200, 503) and host.alive()


def read_until_ready(host):
    """What the process has read from files when it listens."""
    host.start()
    with open(f"/proc/{host.process.pid}/io", encoding="ascii") as file:
        counted = dict(line.split(": ") for line in file.read().splitlines())
    return int(counted["rchar"])


@case
def reads_little(given):
    """a start after an orderly stop does not read the messages, however many there are"""
    with Host(given.loft, given.plugins) as host:
        host.stop()
        empty = read_until_ready(host)
        host.stop()
        member = fill(database(host), 40_000, content=500)
        size = os.path.getsize(database(host))
        assert size > 20 << 20, size
        full = read_until_ready(host)
        assert full - empty < size / 20, f"{full - empty} bytes more than with an empty database, of {size}"
        status, page = Http(host.im).call("GET", "/api/v1/messages/offline?limit=10", {"X-User-ID": member})
        assert status == 200 and len(page["messages"]) == 10, page


if __name__ == "__main__":
    run(__doc__)
