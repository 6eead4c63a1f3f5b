#!/usr/bin/python3
"""The command line of the real program: beside a running host, without one, and when it is wrong."""

import base64
import json
import os
import re
import subprocess

from lib.cases import case, run
from lib.host import Host
from lib.program import PLAIN, Place, run as program
from lib.session import PigeonSession

HERE = os.path.dirname(os.path.abspath(__file__))

WRONG = """\
server:
  thread: 4
  grace: soon
auth:
  jwt:
    secret: short
storage:
  use: sqlite
  cache_size: 12 parrots
  cash_size: 1MiB
domains: [core, coar]
listeners:
  - name: web
    listen: 127.0.0.1:8080
    contracts: [im, imm]
  - name: web
    listen: localhost
    contracts: carrypigeon
identity:
  auto_create: yes please
log:
  level: loud
log:
  level: info
"""

WRONG_TEXT = """\
loft.yaml:4:3: server.thread: is not a known option; did you mean 'threads'?
    thread: 4
    ^
loft.yaml:5:10: server.grace: 'soon' is not a duration; write a whole number with a unit (ms, s, m, h, d), such as 30s
    grace: soon
           ^
loft.yaml:8:13: auth.jwt.secret: is too short: at least 32 bytes; make one with `openssl rand -hex 32`
loft.yaml:11:15: storage.cache_size: '12 parrots' is not a size; write whole bytes or a unit (KiB, MiB, GiB, KB, MB, GB), such as 64KiB
    cache_size: 12 parrots
                ^
loft.yaml:12:3: storage.cash_size: is not a known option of plugin 'storage.sqlite'; did you mean 'cache_size'?
    cash_size: 1MiB
    ^
loft.yaml:13:17: domains.1: domains: plugin 'domain.coar': load: there is no domain.coar.so in {plugins}; did you mean 'domain.core'?
  domains: [core, coar]
                  ^
loft.yaml:17:21: listeners.0.contracts.1: contracts: plugin 'contract.imm': load: there is no contract.imm.so in {plugins}; did you mean 'contract.im'?
      contracts: [im, imm]
                      ^
loft.yaml:18:11: listeners.1.name: another listener has this name
    - name: web
            ^
loft.yaml:19:13: listeners.1.listen: has no port; write address and port, such as 127.0.0.1:8080
      listen: localhost
              ^
loft.yaml:20:16: listeners.1.contracts: needs `contracts`, the list of contracts it serves, such as [im]
      contracts: carrypigeon
                 ^
loft.yaml:22:16: identity.auto_create: 'yes please' is not a boolean; write true or false
    auto_create: yes please
                 ^
loft.yaml:24:10: log.level: 'loud' is not one of trace, debug, info, warn, error, off
    level: loud
           ^
loft.yaml:25:1: log: this key stands here twice (first in line 23); remove one of the two
  log:
  ^
loft: 13 problems in the configuration
"""


def users_and_tokens(loft):
    """`loft(words…)` runs a command; the same must come out with and without a running host."""
    ran = loft("user", "add", "ann")
    added = re.fullmatch(r"added ann: uid (\d+), uuid ([0-9a-f-]{36})\n", ran.out)
    assert ran.code == 0 and added, ran
    ran = loft("user", "add", "bob", "--uid", "10001", "--uuid", "123E4567-E89B-12D3-A456-426614174000", "--json")
    bob = {"handle": "bob", "uid": 10001, "uuid": "123e4567-e89b-12d3-a456-426614174000"}
    assert ran.code == 0 and json.loads(ran.out) == bob, ran

    for words, said in ((("ann",), "cannot add ann: the handle is taken"),
                        (("carl", "--uid", "10001"), "cannot add carl: the uid is taken"),
                        (("carl", "--uuid", bob["uuid"]), "cannot add carl: the uuid is taken"),
                        (("carl", "--uuid", "xyz"), "the uuid must look like 123e4567-e89b-12d3-a456-426614174000"),
                        (("carl", "--uid", "0"), "the uid must be a whole number from 1 to 9007199254740991"),
                        (("carl", "--uid", "9007199254740992"), "the uid must be a whole number from 1 to"),
                        (("",), "a handle has 1 to 50 bytes"), (("x" * 51,), "a handle has 1 to 50 bytes"),
                        (("a\x01b",), "a handle has 1 to 50 bytes"), ((" ann",), "a handle has 1 to 50 bytes"),
                        ((b"\xff\xfe",), "the handle is not UTF-8")):
        ran = loft("user", "add", *words)
        assert ran.code == 1 and ran.err.startswith("loft: ") and said in ran.err and not ran.out, (words, ran)
    ran = loft("user", "add", "carl", "--uid", "many")
    assert ran.code == 64 and "--uid" in ran.err, ran

    listed = json.loads(loft("user", "list", "--json").out)
    assert [user["handle"] for user in listed] == ["bob", "ann"], listed
    assert {key: listed[0][key] for key in bob} == bob and listed[0]["created"] > 1_700_000_000_000, listed
    assert str(listed[1]["uid"]) == added[1] and listed[1]["uuid"] == added[2], listed
    lines = loft("user", "list").out.splitlines()
    assert [line.split() for line in lines] == [[str(u["uid"]), u["uuid"], u["handle"]] for u in listed], lines

    ran = loft("token", "bob", "--ttl", "1h", "--json")
    answer = json.loads(ran.out)
    assert {key: answer[key] for key in bob} == bob, ran
    payload = answer["token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["sub"], claims["uid"], claims["userId"]) == (bob["uuid"], "bob", bob["uid"]), claims
    assert claims["exp"] - claims["iat"] == 3600 and claims["iss"] == "loft" and claims["jti"], claims
    ran = loft("token", "ann")
    assert ran.code == 0 and re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", ran.out), ran
    ran = loft("token", "nobody")
    assert ran.code == 1 and "there is no user nobody; make one with `loft user add nobody`" in ran.err, ran
    ran = loft("token", "ann", "--ttl", "soon")
    assert ran.code == 64 and "'soon' is not a duration" in ran.err, ran
    ran = loft("token", "ann", "--ttl", "99999d")
    assert ran.code == 1 and "the ttl must be from 1s to 3650d" in ran.err, ran
    return answer["token"]


@case
def without_a_host(given):
    """users and tokens, while no host runs"""
    with Place(given, PLAIN) as place:
        users_and_tokens(place.run)
        assert not os.path.exists(os.path.join(place.data_dir, "control.sock"))


@case
def beside_a_host(given):
    """users and tokens go through the running host, and the token opens a carrypigeon session"""
    with Host(given.loft, given.plugins) as host:
        token = users_and_tokens(lambda *words: program(host.loft, *words, "--config", host.config))
        pigeon = PigeonSession(host.carrypigeon)
        pigeon.log_in(token, 10001)
        pigeon.close()
        other = PigeonSession(host.carrypigeon)
        answer = other.request("/core/user/login/token", {"token": token[:-3] + "AAA"})
        assert answer["code"] != 200, answer
        other.close()


@case
def many_problems(given):
    """check names every problem at once, with place, excerpt and the nearest name; serve says the same"""
    with Place(given, WRONG) as place:
        expected = WRONG_TEXT.replace("{plugins}", os.path.abspath(given.plugins))
        ran = place.run("check")
        assert ran.code == 78 and ran.err == expected and not ran.out, ran
        ran = place.run("serve")
        assert ran.code == 78 and "13 problems" not in ran.out and "server.thread" in ran.err, ran
        assert "short\n" not in ran.err, "a secret was printed"


@case
def fine(given):
    """check says that all is well, and makes nothing"""
    with Place(given, PLAIN) as place:
        ran = place.run("check")
        assert ran.code == 0 and ran.out == "loft.yaml is fine: 1 listener(s), 1 contract(s), storage.sqlite\n", ran
        assert not ran.err and os.listdir(place.path) == ["loft.yaml"]


@case
def only_together(given):
    """check also finds what only shows when the parts meet, and serve refuses it with 78"""
    for text, said in ((PLAIN.replace("trust_header: true", "trust_header: false"), "identity.trust_header"),
                       (PLAIN.replace("use: sqlite", "use: transport.http"), "storage.use: must name a plugin of kind storage"),
                       (PLAIN.replace("[im]", "[im, {use: other}]") + "contracts: {other: {use: im}}\n",
                        "WebSocket /ws is claimed by im and by other")):
        with Place(given, text) as place:
            ran = place.run("check")
            assert ran.code == 78 and said in ran.err, ran
            place.refused(78, said)
            ran = place.run("user", "list")
            assert ran.code == 78 and said in ran.err, ran


@case
def plugins(given):
    """plugins list, show and chain describe what is there; a wrong name gets the nearest"""
    with Place(given, PLAIN) as place:
        ran = place.run("plugins", "list", "--json")
        listed = {plugin["id"]: plugin for plugin in json.loads(ran.out)}
        expected = sorted(name[:-3] for name in os.listdir(given.plugins) if name.endswith(".so"))
        assert ran.code == 0 and list(listed) == expected, ran
        for plugin in listed.values():
            assert plugin["problem"] == "" and plugin["version"] and len(plugin["description"]) > 10, plugin
            assert os.path.isfile(plugin["file"]), plugin
        assert listed["storage.sqlite"]["instances"] == ["storage.sqlite"]
        assert listed["contract.im"]["instances"] == ["im"] and not listed["storage.null"]["instances"]
        lines = place.run("plugins", "list").out.splitlines()
        assert [line.split()[:3] for line in lines] == [
            [one["id"], one["version"], "used" if one["instances"] else "-"] for one in listed.values()], lines

        for name, used, options in (
                ("storage.sqlite", ["storage.sqlite"], {"path": "`loft.db`", "busy_timeout": "`5s`", "readers": "`4`"}),
                ("contract.im", ["im"], {"auth": "`trusted_header`", "login_timeout": "`30s`", "locale": "`zh-CN`"}),
                ("storage.null", [], {}), ("broker.local", ["broker.local"], {})):
            ran = place.run("plugins", "show", name)
            head, _, table = ran.out.partition("\n\n")
            one = listed[name]
            assert ran.code == 0 and not ran.err, ran
            assert head.rstrip("\n").splitlines() == [f"{name} {one['version']}", one["description"], one["file"],
                                                      *(f"used as {instance}" for instance in used)], ran
            rows = {row[0]: row for row in (re.split(r" *\| *", line.strip("| ")) for line in table.splitlines()[2:])}
            for option, default in options.items():
                row = rows[f"`{option}`"]
                assert row[2] == default and len(row[3]) > 10, (name, row)
            assert bool(rows) == bool(options) or name == "storage.null", (name, rows)
        ran = place.run("plugins", "show", "storage.sqlit")
        assert ran.code == 1 and "did you mean storage.sqlite?" in ran.err, ran
        # No plugin of these handles events, only the host's own push; e2e/audit.py has two that handle all.
        chain = json.loads(place.run("plugins", "chain", "--json").out)
        assert {row["instance"] for row in chain} == {"push"} and "loft::RegisterDevice" in {row["event"] for row in chain}, chain
        lines = [line.split() for line in place.run("plugins", "chain").out.splitlines()]
        assert lines == [[row["event"], row["stage"], row["instance"]] for row in chain], lines
    with Place(given, PLAIN.replace("[im]", "[im, {use: support, mount: /support}]")
               + "contracts: {support: {use: im}}\n") as place:
        assert "\nused as im\nused as support\n" in place.run("plugins", "show", "contract.im").out
        place.write("loft.yaml", PLAIN.replace("use: sqlite", "use: transport.http"))
        ran = place.run("plugins", "chain")
        assert ran.code == 78 and "storage.use: must name a plugin of kind storage" in ran.err and not ran.out, ran


@case
def broken_plugins(given):
    """plugins list and show say of a file that is no plugin why it cannot be loaded, and go on"""
    with Place(given, PLAIN) as place:
        place.write("policy.odd.so", "no library")
        path = ("--set", f"plugin_path=[{os.path.abspath(given.plugins)}, .]")
        ran = place.run("plugins", "list", "--json", *path)
        odd = {one["id"]: one for one in json.loads(ran.out)}["policy.odd"]
        assert ran.code == 0 and odd["version"] == "" and odd["instances"] == [], ran
        assert "cannot be opened as a library" in odd["problem"] and odd["file"] == os.path.join(place.path, "policy.odd.so")
        lines = [line for line in place.run("plugins", "list", *path).out.splitlines() if line.startswith("policy.odd ")]
        assert len(lines) == 1 and re.match(r"policy\.odd +broken +plugin 'policy\.odd': load: ", lines[0]), lines


@case
def words(given):
    """version, help and wrong words end with the exit codes that the help names"""
    ran = program(given.loft, "version")
    assert ran.code == 0 and re.fullmatch(r"loft \d+\.\d+\.\d+\n", ran.out), ran
    ran = program(given.loft, "--help")
    assert ran.code == 0 and "Exit codes: 0 done, 1 refused, 64 usage" in ran.out and not ran.err, ran
    for arguments, said in (((), "subcommand"), (("serv",), "did you mean 'serve'?"),
                            (("user", "lisst"), "did you mean 'user list'?"), (("version", "--frob"), "--frob"),
                            (("token",), "handle is required")):
        ran = program(given.loft, *arguments)
        assert ran.code == 64 and said in ran.err and "loft --help" in ran.err and not ran.out, (arguments, ran)
    for command in ("serve", "check"):
        ran = program(given.loft, command, "--config", "/nowhere/loft.yaml")
        assert ran.code == 78 and "/nowhere/loft.yaml: cannot be read" in ran.err, ran
    ran = program(given.loft, "check", cwd="/")
    assert ran.code in (0, 78) and (ran.code == 0 or "loft config default > loft.yaml" in ran.err), ran


@case
def numbers_and_devices(given):
    """--uid takes decimal digits only, and output that is lost is no success"""
    with Place(given, PLAIN) as place:
        for word in ("010", "0x10", "1_0", "+1", "-1", "1.0", ""):
            ran = place.run("user", "add", "ann", f"--uid={word}")
            assert ran.code == 64 and "--uid" in ran.err, (word, ran)
        ran = place.run("user", "add", "ann", "--uid", "10", "--json")
        assert ran.code == 0 and json.loads(ran.out)["uid"] == 10, ran
    for arguments in (("version",), ("--help",), ("config", "default")):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([given.loft, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 74 and "could not be written to its end" in done.stderr, (arguments, done)


@case
def reference(given):
    """`loft config reference` is docs/operating/options.md, word for word"""
    ran = program(given.loft, "config", "reference", "--set", f"plugin_path=[{os.path.abspath(given.plugins)}]", cwd="/")
    assert ran.code == 0, ran
    path = os.path.join(HERE, "..", "..", "docs", "operating", "options.md")
    with open(path, encoding="utf-8") as file:
        assert file.read() == ran.out, "stale: loft config reference > docs/operating/options.md"


@case
def default(given):
    """`loft config default` is config/loft.yaml, and check finds it fine"""
    ran = program(given.loft, "config", "default")
    path = os.path.join(HERE, "..", "..", "config", "loft.yaml")
    with open(path, encoding="utf-8") as file:
        assert ran.code == 0 and file.read() == ran.out
    ran = program(given.loft, "check", "--config", path, "--set", f"plugin_path=[{os.path.abspath(given.plugins)}]")
    assert ran.code == 0, ran


if __name__ == "__main__":
    run(__doc__)
