#!/usr/bin/python3
"""`loft backup` and `loft storage` with the real program, on one storage: a backup is made while clients send, brought back
into an empty place, and a host started there. What was acknowledged before the backup began is there, once; what was read
is read, what was not is offered; and a client id of before is known."""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import tempfile

from crash import World, number_of
from lib.cases import case, run
from lib.database import Server
from lib.host import Host
from lib.program import Place, PLAIN, run as program
from lib.session import Http

ENGINES = {"postgresql": "postgresql", "mysql": "mariadb"}
FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "storage", "fixtures")
SECRETS = {"postgresql": "PGPASSWORD", "mysql": "MYSQL_PWD"}


def options_of(storage, server, **other):
    """What `--set` says of a storage."""
    if storage == "sqlite":
        return []
    named = {**{name: server[name] for name in ("host", "user", "password", "database")}, **other}
    words = [f"storage.port={server['port']}"] + [f"storage.{name}={json.dumps(value)}" for name, value in named.items()]
    return [part for word in words for part in ("--set", word)]


@contextlib.contextmanager
def server_for(storage):
    if storage == "sqlite":
        yield None
    else:
        with Server(ENGINES[storage]) as server:
            yield server


def command(host, *words):
    return program(host.loft, *words, "--config", host.config, *host.arguments)


class Backup:
    """A backup of one storage, and the way back. `folder` is where its file is."""

    def __init__(self, storage, server, folder):
        self.storage, self.server, self.folder = storage, server, folder

    def make(self, host):
        ran = command(host, "backup", "--to", os.path.join(self.folder, "copy.db"))
        if self.storage == "sqlite":
            assert ran.code == 0 and "wrote " in ran.out, ran
            return
        assert ran.code == 1 and "nothing was copied" in ran.err and self.server["password"] not in ran.out + ran.err, ran
        self.shell(ran.out.strip())

    def shell(self, line):
        """As printed, with the password where the text says that it is looked for."""
        environment = {**os.environ, SECRETS[self.storage]: self.server["password"]}
        done = subprocess.run(["/bin/sh", "-ec", line], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, (line, done.stdout, done.stderr)

    def restore(self, host):
        """Into the empty place that `host`, which was not started yet, names."""
        if self.storage == "sqlite":
            shutil.copy(os.path.join(self.folder, "copy.db"), os.path.join(host.data_dir, "loft.db"))
            return
        self.server.create_database("loft_restored")
        host.arguments = options_of(self.storage, self.server, database="loft_restored")
        lines = command(host, "backup").err.splitlines()
        self.shell(next(line for line in lines if line.startswith("  ")).strip())


def history(world, client):
    """{id: text} of what others wrote to a user; strictly growing, nothing twice."""
    got = world.history(client)
    ids = [int(message["id"].removeprefix("msg_")) for message in got]
    assert ids == sorted(set(ids)), f"{client.name}: ids are not strictly growing"
    texts = [(message["content"], message["sender_id"], message.get("group_id")) for message in got]
    assert len(set(texts)) == len(texts), f"{client.name} has something twice"
    return {message["id"]: message for message in got}


def check_copy(world, acked, read, absent):
    """`acked`: of each client before the backup began; `read`: ids of what was marked as read by then."""
    offered = world.unfetched(absent)
    assert len(offered) == len(set(offered)) and not world.unfetched(absent)
    assert set(offered) == set(history(world, absent)), f"{absent.name}, who was never there, is not offered all"
    for client in world.clients:
        found = history(world, client)
        for other in world.clients:
            for client_id, server_id in acked[other.index].items():
                number = number_of(client_id)
                target = other.target(number)
                if other is client or ("group_id" not in target and target["receiver_id"] != client.name):
                    continue
                assert found.get(server_id, {}).get("content") == f"{other.index}:{number}", (client.name, client_id)
        for message in found.values():
            index, number = map(int, message["content"].split(":"))
            assert number < world.clients[index].next, f"nobody wrote {message}"
        for message in read[client.index]:
            assert found[message]["status"] == "read", (client.name, found[message])


def check_repeats(world, acked):
    http = Http(world.host.im)
    for client in world.clients:
        for client_id, server_id in list(acked[client.index].items())[-10:]:
            body = dict(client.body(number_of(client_id)), client_msg_id=client_id)
            status, answer = http.call("POST", "/api/v1/messages", {"X-User-ID": client.name}, json.dumps(body).encode())
            assert status == 200 and answer["message_id"] == server_id, (client_id, server_id, answer)


async def send_while(world, absent, work):
    """Clients send; when they are in full swing `work` is done beside them, then the host is stopped in order."""
    begun = {client.index: len(client.acked) for client in world.clients}
    players = [asyncio.ensure_future(client.play(100_000)) for client in world.clients if client is not absent]
    loop = asyncio.get_running_loop()

    def swing():
        return all(len(client.acked) > begun[client.index] + 20 for client in world.clients if client is not absent)

    end = loop.time() + 60
    while not swing():
        assert loop.time() < end, "the clients do not get on"
        await asyncio.sleep(0.01)
    seen = {client.index: dict(client.acked) for client in world.clients}
    await loop.run_in_executor(None, work)
    for client in world.clients:
        assert client is absent or len(client.acked) > len(seen[client.index]), f"{client.name} was held up by the backup"
    await loop.run_in_executor(None, world.host.stop)
    for done in await asyncio.gather(*players, return_exceptions=True):
        if isinstance(done, BaseException):
            raise done
    return seen


@case
def restored(given):
    """a backup that was made under load starts as a store with all that was acknowledged before it, once"""
    storage = given.options.storage
    with server_for(storage) as server, tempfile.TemporaryDirectory(prefix="loft-test-") as folder:
        backup = Backup(storage, server, folder)
        with Host(given.loft, given.plugins, storage=storage, arguments=options_of(storage, server)) as host:
            world = World(host, secrets.randbits(32), 5)
            absent = world.clients[0]
            asyncio.run(world.one_round(kill=False, absent=absent))
            read = {client.index: set(client.read) for client in world.clients}
            acked = asyncio.run(send_while(world, absent, lambda: backup.make(host)))
            sent = sum(len(client.acked) for client in world.clients)
        with tempfile.TemporaryDirectory(prefix="loft-test-") as place:
            other = Host(given.loft, given.plugins, storage=storage, directory=place)
            backup.restore(other)
            with other as copy:
                world.host = copy
                check_copy(world, acked, read, absent)
                check_repeats(world, acked)
                if storage == "sqlite":
                    assert "the last stop was not in order" not in copy.tail()
                ran = command(copy, "storage", "check")
                assert ran.code == 0 and ran.out == "nothing is wrong\n", ran
        print(f"    {sum(map(len, acked.values()))} of {sent} messages were acknowledged when the backup began", flush=True)


@case
def beside_a_host(given):
    """status and plan look beside a running host, migrate is refused and names it"""
    storage = given.options.storage
    with server_for(storage) as server:
        with Host(given.loft, given.plugins, storage=storage, arguments=options_of(storage, server)) as host:
            before = sorted(os.listdir(host.data_dir))
            ran = command(host, "storage", "status", "--json")
            assert ran.code == 0, ran
            status = json.loads(ran.out)
            assert status["storage"] == f"storage.{storage}" and status["start"] == "ready", status
            assert status["stored"] == status["newest"] and all(step["taken"] for step in status["steps"]), status
            owner = {"sqlite": f"pid {host.process.pid}", "postgresql": f" pid {host.process.pid}", "mysql": "connection "}
            assert owner[storage] in status["owner"], status
            assert "this program knows" in command(host, "storage", "status").out
            assert "nothing is missing" in command(host, "storage", "plan").out
            assert json.loads(command(host, "storage", "plan", "--json").out) == []
            ran = command(host, "storage", "migrate")
            assert ran.code == 75 and f"cannot migrate while a host runs: another process (pid {host.process.pid})" in ran.err
            assert sorted(os.listdir(host.data_dir)) == before, "looking left something behind"
            with tempfile.TemporaryDirectory(prefix="loft-test-") as folder:
                # From another machine, as it were: only the store itself knows.
                elsewhere = ["--set", f"data_dir={folder}/data"]
                if storage == "sqlite":
                    elsewhere += ["--set", f"storage.path={host.data_dir}/loft.db"]
                ran = command(host, "storage", "migrate", *elsewhere)
                assert ran.code == 69 and "is in use by another " in ran.err, ran


@case
def dirty(given):
    """rows that contradict others are named by the check, with what mends them, and nothing is changed"""
    storage = given.options.storage
    with server_for(storage) as server, tempfile.TemporaryDirectory(prefix="loft-test-") as folder:
        with Host(given.loft, given.plugins, storage=storage, directory=folder,
                  arguments=options_of(storage, server)) as host:
            Http(host.im).call("POST", "/api/v1/messages", {"X-User-ID": "ann"},
                               b'{"receiver_id":"bob","type":"text","content":"hello"}')
        spoil = "DELETE FROM member WHERE user_id > 0; DELETE FROM \"user\" WHERE handle = 'bob'"
        if storage == "sqlite":
            link = sqlite3.connect(os.path.join(host.data_dir, "loft.db"))
            link.executescript(spoil)
            link.close()
        else:
            if storage == "mysql":
                spoil = spoil.replace('"', "`")
            server.sql(spoil, server["database"])
        for _ in range(2):
            ran = command(host, "storage", "check")
            assert ran.code == 1 and "table conversation: " in ran.out and "who are not both there" in ran.out, ran
            assert "1 problem" in ran.err, ran
        found = json.loads(command(host, "storage", "check", "--json").out)["problems"]
        assert found[0]["table"] == "conversation" and "add the missing user" in found[0]["remedy"], found


def cut(storage, folder):
    """The commands that restore the first part of a dump, by what the dump ends with."""
    if storage == "postgresql":
        return {"--section=pre-data": "schema_migration should say", "--section=pre-data --section=data": "index "}
    with open(os.path.join(folder, "loft.sql"), encoding="utf-8") as file:
        dump = file.read()
    parts = {}
    for number, (end, lack) in enumerate((("Table structure for table `message`", "not table schema_migration"),
                                          ("Dumping data for table `schema_migration`", "table schema_migration should say"),
                                          ("Table structure for table `user`", "table user"),
                                          ("Dumping data for table `user`", "view "))):
        with open(os.path.join(folder, f"part{number}.sql"), "w", encoding="utf-8") as file:
            file.write(dump[:dump.index("-- " + end)])
        parts[f"part{number}.sql"] = lack
    return parts


@case
def restored_in_part(given):
    """a dump of which the end is missing is refused by a start, which names what is missing, and `status` says so"""
    storage = given.options.storage
    if storage == "sqlite":
        return
    with server_for(storage) as server, tempfile.TemporaryDirectory(prefix="loft-test-") as folder:
        backup = Backup(storage, server, folder)
        with Host(given.loft, given.plugins, storage=storage, arguments=options_of(storage, server)) as host:
            Http(host.im).call("POST", "/api/v1/messages", {"X-User-ID": "ann"},
                               b'{"receiver_id":"bob","type":"text","content":"hello"}')
            backup.make(host)
        for number, (part, lack) in enumerate(cut(storage, folder).items()):
            name = f"loft_part{number}"
            server.create_database(name)
            with tempfile.TemporaryDirectory(prefix="loft-test-") as place:
                other = Host(given.loft, given.plugins, storage=storage, directory=place,
                             arguments=options_of(storage, server, database=name))
                line = next(line for line in command(other, "backup").err.splitlines() if line.startswith("  ")).strip()
                backup.shell(line.replace("loft.sql", part) if storage == "mysql" else line + " " + part)
                ran = program(other.loft, "serve", "--config", other.config, *other.arguments)
                assert ran.code == 69 and lack in ran.err and "restore" in ran.err, (part, ran)
                ran = command(other, "storage", "status")
                assert lack in ran.out + ran.err and ("a start is refused" in ran.out or ran.code != 0), (part, ran)
                if ran.code == 0:
                    status = json.loads(command(other, "storage", "status", "--json").out)
                    assert status["start"] == "refused" and status["lacks"], status


@case
def any_name(given):
    """the commands that make and restore a dump work as printed for a database of whatever name"""
    storage = given.options.storage
    if storage == "sqlite":
        return
    with server_for(storage) as server, tempfile.TemporaryDirectory(prefix="loft-test-") as folder:
        name = "loft 'x;y=z $(id)"
        server.create_database(name)
        backup = Backup(storage, server, folder)
        with Host(given.loft, given.plugins, storage=storage, arguments=options_of(storage, server, database=name)) as host:
            backup.make(host)
        server.create_database(name + " 2")
        with tempfile.TemporaryDirectory(prefix="loft-test-") as place:
            other = Host(given.loft, given.plugins, storage=storage, directory=place,
                         arguments=options_of(storage, server, database=name + " 2"))
            backup.shell(next(line for line in command(other, "backup").err.splitlines() if line.startswith("  ")).strip())
            with other:
                pass


@case
def at_once(given):
    """backups that begin in one second have names of their own; one that was killed leaves no file of its name"""
    if given.options.storage != "sqlite":
        return
    with Host(given.loft, given.plugins) as host:
        words = [host.loft, "backup", "--config", host.config]
        running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(4)]
        said = [one.communicate()[0] for one in running]
        assert [one.returncode for one in running] == [0] * 4, said
        folder = os.path.join(host.data_dir, "backups")
        names = sorted(os.listdir(folder))
        assert len(names) == 4 and all(any(name in line for line in said) for name in names), (names, said)
        target = os.path.join(folder, "named.db")
        for _ in range(5):
            with subprocess.Popen([*words, "--to", target], stdout=subprocess.DEVNULL) as one:
                while one.poll() is None and not any(name.startswith("named.db.part-") for name in os.listdir(folder)):
                    pass
                one.kill()
            if os.path.exists(target):  # it was quicker
                link = sqlite3.connect(target)
                assert link.execute("PRAGMA quick_check").fetchone() == ("ok",)
                link.close()
                os.remove(target)


def old_store(place, *statements):
    """As the first program left it."""
    os.makedirs(place.data_dir, mode=0o700)
    root = os.path.dirname(os.path.dirname(FIXTURES))
    with open(os.path.join(root, "..", "plugins", "storage", "sqlite", "migrations", "0001_initial.sql"),
              encoding="utf-8") as file:
        first = file.read()
    with open(os.path.join(FIXTURES, "schema_1.sql"), encoding="utf-8") as file:
        rows = file.read()
    checksum = 0xcbf29ce484222325
    for byte in first.encode():
        checksum = (checksum ^ byte) * 0x100000001b3 % 2**64
    link = sqlite3.connect(os.path.join(place.data_dir, "loft.db"))
    link.executescript("PRAGMA journal_mode = WAL; CREATE TABLE schema_migration (number INTEGER PRIMARY KEY, name "
                       "VARCHAR(100) NOT NULL, checksum VARCHAR(16) NOT NULL, applied BIGINT NOT NULL);" + first + rows)
    link.execute("INSERT INTO schema_migration VALUES (1, 'initial', ?, 0)", (f"{checksum:016x}",))
    for statement in statements:
        link.execute(statement)
    link.commit()
    link.close()


@case
def upgrade(given):
    """an older store is shown with its missing steps, backed up as it is, and brought up by `migrate`"""
    if given.options.storage != "sqlite":
        return
    with Place(given, PLAIN) as place:
        old_store(place)
        ran = place.run("storage", "status")
        assert ran.code == 0 and "schema   1, this program knows 4" in ran.out and "2 five_contracts: missing" in ran.out, ran
        assert "a start takes 3 steps" in ran.out, ran
        ran = place.run("storage", "plan", "--sql")
        assert ran.code == 0 and "2 five_contracts\n" in ran.out and "ALTER TABLE" in ran.out, ran
        assert os.listdir(place.data_dir) == ["loft.db"]
        ran = place.run("backup", "--json")
        assert ran.code == 0, ran
        copy = json.loads(ran.out)["file"]
        assert os.path.dirname(copy) == os.path.join(place.data_dir, "backups") and os.stat(copy).st_mode & 0o777 == 0o600
        assert place.run("storage", "status", "--set", f"storage.path={copy}").out.count("missing") == 3
        ran = place.run("storage", "migrate")
        assert ran.code == 0 and "took step 2 five_contracts\ntook step 3 sent_counts\ntook step 4 push\nthe schema is number 4\n" == ran.out, ran
        assert "nothing was missing" in place.run("storage", "migrate").out
        assert json.loads(place.run("storage", "migrate", "--json").out)["before"] == 4
        assert place.run("storage", "check").code == 0
        assert "alice" in place.run("user", "list").out


@case
def refused(given):
    """an upgrade of dirty data is refused with the row, by `migrate` and by a start, and the store stays as it was"""
    if given.options.storage != "sqlite":
        return
    with Place(given, PLAIN) as place:
        old_store(place, "UPDATE member SET user_id = 999 WHERE user_id = 10003")
        ran = place.run("storage", "migrate")
        words = ("so nothing was changed", "table member: conversation 20002 has the member 999, and there is no such user",
                 "DELETE FROM member WHERE conversation_id = 20002 AND user_id = 999")
        assert ran.code == 1 and all(word in ran.err for word in words), ran
        place.refused(69, *words)
        assert "schema   1," in place.run("storage", "status").out


@case
def nothing_there(given):
    """where there is no store yet, status says that a start sets it up, and makes nothing"""
    if given.options.storage != "sqlite":
        return
    with Place(given, PLAIN) as place:
        ran = place.run("storage", "status")
        assert ran.code == 0 and "a start sets it up" in ran.out and "nobody" in ran.out, ran
        assert not os.path.exists(place.data_dir)
        ran = place.run("backup", "--to", "copy.db")
        assert ran.code == 69 and "there is nothing to back up" in ran.err, ran
        assert os.listdir(place.path) == ["loft.yaml"]


if __name__ == "__main__":
    run(__doc__, storage="sqlite")
