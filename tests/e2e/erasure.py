#!/usr/bin/python3
"""Users are exported and erased, while the host runs, while it does not, and when it is killed in the middle."""

import json
import os
import sqlite3
import subprocess

from lib.cases import case, run, until
from lib.people import CONTRACTS, Carrypigeon, Flix, Im, Netherlink
from lib.session import Http, ImSession
from lib.stored import host_over

PEOPLE = {"annabel": 1001, "ben": 1002, "cas": 1003}
SECRET = "a word that nobody else ever says: quetzalcoatlus"
TOKENS = "contracts: {im: {auth: token}}\n"
EXTRA = ("  - {name: door, listen: 127.0.0.1:0, contracts: [im, auth, interceptor.block_list]}\n"
         "contracts: {im: {auth: token}, auth: {memory: 8MiB, passes: 1}}\n"
         "plugins: [interceptor.block_list]\n")
ARGUMENTS = ["--set", "identity.auto_create=false", "--set", "identity.trust_header=false", "--set", "domains=[core,flix]"]


def loft(host, *words, code=0, stdin=None):
    done = subprocess.run([host.loft, *words, "--config", host.config], input=stdin, capture_output=True, text=True,
                          timeout=120, check=False, **({} if stdin else {"stdin": subprocess.DEVNULL}))
    assert done.returncode == code, f"loft {words}: {done.returncode} {done.stdout} {done.stderr}"
    return done.stdout


class World:
    def __init__(self, host):
        self.host = host
        for name, number in PEOPLE.items():
            loft(host, "user", "add", name, "--uid", str(number), "--uuid", f"00000000-0000-4000-8000-00000000{number}")
            setattr(self, name, json.loads(loft(host, "token", name, "--json")))

    def im(self, who, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {who['token']}", "Content-Type": "application/json"}
        return Http(self.host.at("im")).call(method, path, headers, data)

    def say(self, who, text, **to):
        status, answer = self.im(who, "POST", "/api/v1/messages", {"type": "text", "content": text, **to})
        assert status == 200, answer
        return answer["message_id"]

    def fill(self, count=5):
        status, answer = self.im(self.annabel, "POST", "/api/v1/groups", {"name": "g", "members": ["ben", "cas"]})
        assert status == 200, answer
        self.group = answer["group"]["id"]
        for number in range(count):
            self.say(self.annabel, f"{SECRET} {number}", receiver_id="ben")
            self.say(self.annabel, f"{SECRET} {number}", group_id=self.group)
            self.say(self.ben, f"of ben {number}", receiver_id="annabel")

    def offered(self, who):
        """All that its inbox has, page by page."""
        found, last = [], "msg_1"
        while True:
            status, page = self.im(who, "GET", f"/api/v1/messages/offline?last_message_id={last}&limit=200")
            assert status == 200, page
            found += page["messages"]
            if not page["messages"]:
                return found
            last = page["messages"][-1]["id"]


def all_contracts(given, storage="sqlite", extra=""):
    return host_over(given, storage, ARGUMENTS, contracts=[person.contract for person in CONTRACTS], extra=extra)


def check_erased(world):
    texts = [message["content"] for message in world.offered(world.ben)]
    assert SECRET not in json.dumps(texts), texts
    status, answer = world.im(world.annabel, "GET", "/api/v1/messages/offline")
    assert status == 404 and "User not found" in answer["error"], (status, answer)
    # What others wrote stays theirs, and the group goes on.
    assert world.say(world.cas, "still here", group_id=world.group)
    assert "still here" in [message["content"] for message in world.offered(world.ben)]


@case
def live(given):
    """Sessions of all contracts end with the contract's own word, others hear the recalls, tokens are refused."""
    with all_contracts(given, extra=EXTRA) as (host, _):
        world = World(host)
        world.fill()
        loft(host, "user", "password", "annabel", stdin="correct horse battery\n")
        mine = [person(host, world.annabel) for person in (Netherlink, Flix, Im, Carrypigeon)]
        theirs = [person(host, world.ben) for person in (Flix, Carrypigeon)]
        for person in mine + theirs:
            if person.contract == "im":
                person.session = ImSession(person.base)
                person.session.log_in("annabel", world.annabel["token"])
            else:
                person.enter()

        before = loft(host, "user", "erase", "annabel", "--dry-run")
        assert before.startswith("would erase annabel, uid 1001"), before
        assert "message: 10" in before and "contract.auth passwords: 1" in before, before
        assert world.im(world.annabel, "GET", "/api/v1/messages/offline")[0] == 200
        told = loft(host, "user", "erase", "annabel", "--json")
        report = json.loads(told)
        assert report["done"] and report["tables"]["message"] == 10 and report["tables"]["recall"] == 10, report
        assert report["tables"]["member"] == 1 and report["tables"]["conversation"] == 1, report
        for person in mine:
            person.session.wait_closed()
        for person in theirs:
            heard = json.dumps(person.session.round_trip(), ensure_ascii=False)
            assert "quetzalcoatlus" not in heard and len(heard) > 100, heard
            person.leave()
        check_erased(world)
        status, answer = Http(host.at("message_service")).call("GET", "/api/v1/messages/unread/count",
                                                               {"Authorization": f"Bearer {world.annabel['token']}"})
        assert status in (401, 404), (status, answer)
        for person in (Netherlink, Flix, Carrypigeon):
            again = person(host, world.annabel)
            try:
                again.enter()
            except Exception:  # noqa: BLE001 - each contract refuses in its own words
                pass
            else:
                raise AssertionError(f"{person.contract} let the erased user in")
        door = Http(f"http://127.0.0.1:{host.port('door')}")
        status, answer = door.call("POST", "/auth/token", {"Content-Type": "application/json"},
                                   json.dumps({"handle": "annabel", "password": "correct horse battery"}))
        assert status == 401, answer
        assert loft(host, "user", "erase", "annabel", code=1) == ""
        loft(host, "token", "erased-1001", code=1)
        # The handle is free, and whoever takes it begins with nothing.
        fresh = json.loads(loft(host, "user", "add", "annabel", "--json"))
        assert fresh["uid"] != 1001
        world.annabel = json.loads(loft(host, "token", "annabel", "--json"))
        assert world.offered(world.annabel) == []
        loft(host, "user", "add", "erased-9", code=1)


@case
def exported(given):
    """An export has own messages, and received ones where wanted; the same from a running and from a stopped host."""
    with host_over(given, "sqlite", contracts=("im",), extra=TOKENS) as (host, _):
        world = World(host)
        world.fill(40)
        lines = [json.loads(line) for line in loft(host, "user", "export", "annabel").splitlines()]
        assert lines[0]["type"] == "user" and lines[0]["handle"] == "annabel", lines[0]
        messages = [line for line in lines if line["type"] == "message"]
        assert len(messages) == 80 and all(SECRET in json.dumps(line["content"]) for line in messages), len(messages)
        assert len({line["id"] for line in messages}) == 80
        assert {line["kind"] for line in lines if line["type"] == "membership"} == {"direct", "group"}
        path = os.path.join(host.directory, "out.ndjson")
        told = loft(host, "user", "export", "annabel", "--with-received", "--to", path)
        with open(path, encoding="utf-8") as file:
            more = file.read()
        assert told == f"wrote {len(more.splitlines())} lines to {path}\n", told
        assert more.count('"received":true') == 40
        assert os.stat(path).st_mode & 0o777 == 0o600
        loft(host, "user", "export", "annabel", "--to", path, code=1)
        loft(host, "user", "export", "nobody", code=1)
        host.stop()
        os.unlink(path)
        loft(host, "user", "export", "annabel", "--with-received", "--to", path)
        with open(path, encoding="utf-8") as file:
            assert file.read() == more
        host.start()


@case
def stopped(given):
    """Erased while no host runs; then neither handle nor texts are anywhere in the files of the database."""
    with host_over(given, "sqlite", ARGUMENTS, contracts=("im",), extra=EXTRA) as (host, _):
        world = World(host)
        world.fill(20)
        host.stop()
        assert "would erase" in loft(host, "user", "erase", "annabel", "--dry-run")
        assert "erased annabel" in loft(host, "user", "erase", "annabel")
        for name in os.listdir(host.data_dir):
            with open(os.path.join(host.data_dir, name), "rb") as file:
                data = file.read()
            assert b"quetzalcoatlus" not in data and b"annabel" not in data, name
        database = sqlite3.connect(os.path.join(host.data_dir, "loft.db"))
        dump = "\n".join(database.iterdump())
        database.close()
        assert "quetzalcoatlus" not in dump and "annabel" not in dump and "erased-1001" in dump
        host.start()
        check_erased(world)


@case
def handles(given):
    """A handle that cannot be is a mistake of the command line; an erasure that was begun is gone on with, and said."""
    with host_over(given, "sqlite", ARGUMENTS, contracts=("im",), extra=TOKENS) as (host, _):
        world = World(host)
        world.fill(2)
        for runs in (True, False):
            if not runs:
                host.stop()
            for words in (("erase",), ("erase", "--dry-run"), ("export",)):
                for handle, said in (("", "the handle is empty"), ("x" * 51, "this is no handle"), (" ann", "this is no handle"),
                                     ("a\x01b", "this is no handle")):
                    done = subprocess.run([host.loft, "user", *words, handle, "--config", host.config], capture_output=True,
                                          text=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
                    assert done.returncode == 64 and said in done.stderr and "1 to 50 bytes" in done.stderr, done
                    assert done.stdout == "", done
        # Begun by a process that came no further than to note it.
        note = json.dumps({"handle": "annabel", "uuid": "00000000-0000-4000-8000-000000001001"})
        database = sqlite3.connect(os.path.join(host.data_dir, "loft.db"))
        with database:
            database.execute("INSERT INTO key_value VALUES ('host.erasures', '1001', ?)", (note,))
        database.close()
        for words, said, told in ((("--dry-run",), "this is what is left to do", "would erase annabel, uid 1001"),
                                  ((), "this goes on with it", "erased annabel, uid 1001")):
            done = subprocess.run([host.loft, "user", "erase", "annabel", *words, "--config", host.config],
                                  capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
            assert done.returncode == 0 and done.stdout.startswith(told), done
            assert "an erasure of this user was begun before; " + said in done.stderr, done
        assert begun_erasures(host, "sqlite", None) == []
        host.start()
        check_erased(world)


def begun_erasures(host, storage, server):
    """The notes in the store that an erasure has begun; they go when it is done."""
    key = "`key`" if storage == "mysql" else '"key"'
    query = f"SELECT {key} FROM key_value WHERE space = 'host.erasures'"
    if server is not None:
        return server.sql(query, server["database"]).split()
    # Nothing of what the host left is tidied up.
    database = sqlite3.connect(f"file:{os.path.join(host.data_dir, 'loft.db')}?mode=ro", uri=True)
    try:
        return [row[0] for row in database.execute(query)]
    finally:
        database.close()


def killed_once(given, storage, count):
    """Whether the erasure of that many messages was in its middle when the host was killed."""
    with host_over(given, storage, ARGUMENTS, contracts=("im",), extra=TOKENS) as (host, server):
        world = World(host)
        world.fill(count)
        # From the moment on at which its token is refused, until the host is killed.
        work = subprocess.Popen([host.loft, "user", "erase", "annabel", "--config", host.config],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: world.im(world.annabel, "GET", "/api/v1/messages/offline")[0] == 404, "the erasure has begun")
        host.kill()
        work.wait(60)
        in_the_middle = begun_erasures(host, storage, server) == ["1001"]
        host.start()
        until(lambda: begun_erasures(host, storage, server) == [], "the new process finishes it")
        check_erased(world)
        loft(host, "user", "erase", "annabel", code=1)
        if storage == "postgresql":
            dump = server.sql("SELECT content FROM message UNION ALL SELECT handle FROM \"user\" UNION ALL SELECT value FROM "
                              "key_value", server["database"])
            assert "quetzalcoatlus" not in dump and "annabel" not in dump, dump[:500]
        host.stop()
        host.start()
        check_erased(world)
        return in_the_middle


def killed(given, storage):
    # Nobody can say when it is in its middle: with more to erase, it is so for longer.
    assert any(killed_once(given, storage, count) for count in (60, 120, 240, 480, 480, 480)), "each erasure was done before the kill"


@case
def killed_on_sqlite(given):
    """Killed in the middle, an erasure is finished by the next start: SQLite."""
    killed(given, "sqlite")


@case
def killed_on_postgresql(given):
    """Killed in the middle, an erasure is finished by the next start: PostgreSQL."""
    killed(given, "postgresql")


@case
def killed_on_mysql(given):
    """Killed in the middle, an erasure is finished by the next start: MariaDB."""
    killed(given, "mysql")


if __name__ == "__main__":
    run(__doc__)
