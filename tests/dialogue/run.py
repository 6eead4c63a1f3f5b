#!/usr/bin/python3
"""Plays dialogues against a host; README.md beside this file has the language."""

import argparse
import copy
import json
import os
import re
import secrets
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

from lib.host import LISTENERS, Host, HostError, account                            # noqa: E402
from lib import tokens                                                              # noqa: E402
from lib.program import SECRET                                                      # noqa: E402
from lib.match import Mismatch, Template, TemplateError, fill, match                # noqa: E402
from lib.session import FlixSession, Http, ImSession, NetherlinkSession, PigeonSession, sealed_pigeon  # noqa: E402
from lib.wire import Closed, Silence                                                # noqa: E402


class Failure(Exception):
    pass


class World:
    """Where the host is, and who can tell tokens."""

    def __init__(self, options):
        self.host = None
        self.loft, self.config = options.loft, options.config
        self.instead = dict(one.split("=", 1) for one in options.instead)
        self._given = {}
        for one in options.at:
            contract, _, address = one.partition("=")
            name, _, port = address.rpartition(":")
            self._given[contract] = address if "://" in address else (name, int(port))
        if not self._given:
            self.host = Host(options.loft, options.plugins, contracts=options.contract or ("im", "carrypigeon"),
                             arguments=[word for one in options.set for word in ("--set", one)])
            self.config = self.host.config
            self.host.start()

    def at(self, contract):
        """The address of the listener that speaks it."""
        if self.host:
            return self.host.at(contract)
        if contract not in self._given:
            raise Failure(f"say where {contract} is: --at {contract}=ADDRESS")
        return self._given[contract]

    def account(self, handle, ttl="1h"):
        if not self.loft or not self.config:
            raise Failure("tokens need --loft and --config of the host")
        return account(self.loft, self.config, handle, ttl)


class Users(dict):
    """What is kept under a name; `alice.uid` and `alice.token` are asked from the host when they are first needed."""

    def __init__(self, world):
        super().__init__()
        self._world = world

    def __missing__(self, name):
        user, _, field = name.partition(".")
        if not field or user not in self:
            raise Failure(f"nothing is kept under the name '{name}'")
        for key, value in self._world.account(self[user]).items():
            self[f"{user}.{key}"] = value
        if name not in self:
            raise Failure(f"`loft token` tells no '{field}'")
        return self[name]


class Script:
    def __init__(self, path, world):
        self.path, self.world = path, world
        self.kept = Users(world)
        self.sessions = {}

    # -- reading ------------------------------------------------------------------------------------------------------

    def lines(self):
        with open(self.path, encoding="utf-8") as file:
            number, text = 0, ""
            for at, line in enumerate(file, 1):
                line = line.rstrip("\n")
                if line[:1] in " \t" and line.strip() and text:
                    text += " " + line.strip()
                    continue
                if text:
                    yield number, text
                number, text = at, "" if line.startswith("#") else line.strip()
            if text:
                yield number, text

    def play(self):
        """The number of lines played, or a Failure that names the line."""
        count = 0
        try:
            for number, text in self.lines():
                try:
                    self.step(text)
                except Failure as failure:
                    raise Failure(f"{self.path}:{number}: {text}\n    {failure}") from None
                except (Mismatch, TemplateError, Silence, Closed, HostError, OSError, TimeoutError) as error:
                    raise Failure(f"{self.path}:{number}: {text}\n    {error}") from None
                count += 1
        finally:
            for session in self.sessions.values():
                session.drop()
        if count == 0:
            raise Failure(f"{self.path}: there is nothing in this dialogue")
        return count

    # -- steps --------------------------------------------------------------------------------------------------------

    def step(self, text):
        for pattern, action in STEPS:
            found = pattern.fullmatch(text)
            if found:
                action(self, *found.groups())
                return
        raise Failure("this is no line of the language; see tests/dialogue/README.md")

    def session(self, name):
        if name not in self.sessions:
            raise Failure(f"'{name}' is not connected")
        return self.sessions[name]

    def users(self, names):
        for name in re.split(r"\s*,\s*", names):
            self.kept[name] = f"{name}_{secrets.token_hex(5)}"

    def keep_token(self, user, of):
        """A token for an hour, or as short as it says; one that has expired, that another host has signed, or of a
        backend of the operator's."""
        claims = self.world.account(self.kept[user], of[len("token for "):] if of.startswith("token for") else "1h")
        if of == "forged token":
            claims["token"] = tokens.sign(tokens.claims(claims["token"]), "a secret that the host does not know, 32 bytes")
        elif of == "service token":
            claims["token"] = tokens.sign({**tokens.claims(claims["token"]), "loft_service": True}, SECRET)
        elif of == "token that has expired":
            claims["token"] = tokens.sign({**tokens.claims(claims["token"]), "exp": int(time.time()) - 60}, SECRET)
        for key, value in claims.items():
            self.kept[f"{user}.{key}"] = value

    def connect(self, user, kind, query, name):
        name = name or user
        if name in self.sessions:
            self.sessions.pop(name).drop()
        kind = self.world.instead.get(kind, kind)
        options = {} if query is None else {"query": fill(query, self.kept)}
        self.sessions[name] = made = SESSIONS[kind](self.world.at(kind), **options)
        return made

    def log_in(self, user, kind, query, name):
        session = self.connect(user, kind, query, name)
        if kind == "im":
            session.log_in(self.kept[user])
        elif kind == "netherlink":
            session.log_in(self.kept[user], self.kept[f"{user}.token"])
        elif kind == "flix":
            session.log_in(self.kept[f"{user}.uuid"], self.kept[f"{user}.token"])
        else:
            session.log_in(self.kept[f"{user}.token"], self.kept[f"{user}.uid"])

    def send(self, name, text):
        self.session(name).send_json(fill(self.whole(text), self.kept))

    def send_raw(self, name, text):
        self.session(name).send_raw(text)

    def send_hex(self, name, text):
        self.session(name).send_raw(bytes.fromhex(text))

    def next(self, name, text):
        self.judge(self.whole(text), self.session(name).take())

    def hears(self, name, text):
        want = self.whole(text)

        def fits(got):
            kept = copy.copy(self.kept)
            try:
                match(want, got, kept)
            except Mismatch:
                return False
            return True

        found = self.session(name).find(fits)
        match(want, found, self.kept)

    def hears_nothing(self, name):
        heard = self.session(name).round_trip()
        if heard:
            raise Failure("expected nothing, heard\n      " + "\n      ".join(map(show, heard)))

    def request(self, name, route, text, code, expected):
        answer = self.session(name).request(route, fill(self.whole(text), self.kept))
        if str(answer.get("code", answer.get("status"))) != code:
            raise Failure(f"expected {code}, got {show(answer)}")
        if expected:
            self.judge(self.whole(expected), answer.get("data", answer.get("response")), answer)

    def http(self, user, contract, method, path, rest, status, expected):
        body, headers = None, {}
        contract = contract or "im"
        if user != "nobody" and contract == "im":
            headers["X-User-ID"] = self.kept[user]
        elif user != "nobody":
            headers["Authorization"] = "Bearer " + self.kept[f"{user}.token"]
        parts = re.split(r"(?:^|\s+)with (header|body) ", rest or "")
        if parts[0].strip():
            body = json.dumps(fill(self.whole(parts[0]), self.kept), ensure_ascii=False).encode()
            headers["Content-Type"] = "application/json"
        for kind, value in zip(parts[1::2], parts[2::2]):
            value = fill(value, self.kept)
            if kind == "header":
                key, _, value = value.partition(":")
                headers[key.strip()] = value.strip()
            else:
                body = value.encode()
        got_status, got = Http(self.world.at(contract)).call(method, fill(path, self.kept), headers, body)
        if got_status != int(status):
            raise Failure(f"expected status {status}, got {got_status} with {show(got)}")
        if expected:
            self.judge(self.whole(expected), got)

    def http_in_time(self, *call):
        """What others did may take a moment to show."""
        end = time.monotonic() + 30
        while True:
            try:
                return self.http(*call)
            except (Failure, Mismatch):
                if time.monotonic() > end:
                    raise
            time.sleep(0.01)

    def close(self, name):
        self.session(name).close()
        del self.sessions[name]

    def drop(self, name):
        self.session(name).drop()
        del self.sessions[name]

    def is_closed(self, name, code):
        ended = self.session(name).wait_closed()
        if code and ended != int(code):
            raise Failure(f"expected close code {code}, got {ended}")
        del self.sessions[name]

    def host_killed(self):
        if not self.world.host:
            raise Failure("only a host of the runner's own is killed; play this dialogue without --at")
        self.world.host.kill()

    def host_restarts(self):
        if self.world.host.alive():
            self.world.host.stop()
        self.world.host.start()

    # -- judging ------------------------------------------------------------------------------------------------------

    def whole(self, text):
        template = Template(text)
        if text[template.end:].strip():
            raise TemplateError(f"more after the JSON: `{text[template.end:].strip()[:30]}`")
        return template.value

    def judge(self, want, got, all_of_it=None):
        try:
            match(want, got, self.kept)
        except Mismatch as mismatch:
            raise Failure(f"{mismatch}\n    got {show(got if all_of_it is None else all_of_it)}") from None


def show(value):
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


SESSIONS = {"im": ImSession, "netherlink": NetherlinkSession, "flix": FlixSession, "carrypigeon": PigeonSession,
            "cp": PigeonSession, "sealed": sealed_pigeon}
WHO = r"([a-z][a-z0-9_]*)"
KIND = "(" + "|".join(SESSIONS) + r")(?:\?(\S*))?"
CALL = r"(?:(im|netherlink|flix|message_service) )?([A-Z]+) (\S+)(?: (.+?))? -> (\d+)(?: (.+))?"
STEPS = [(re.compile(pattern, re.DOTALL), action) for pattern, action in [
    (r"user (.+)", Script.users),
    (WHO + r" keeps a (token(?: for \d+m?s| that has expired)?|forged token|service token)", Script.keep_token),
    (WHO + " connects " + KIND + "(?: as " + WHO + ")?", Script.connect),
    (WHO + " logs in " + KIND + "(?: as " + WHO + ")?", Script.log_in),
    (WHO + r" > (.+)", Script.send),
    (WHO + r" >raw (.+)", Script.send_raw),
    (WHO + r" >hex (.+)", Script.send_hex),
    (WHO + r" < (.+)", Script.next),
    (WHO + r" hears nothing", Script.hears_nothing),
    (WHO + r" hears (.+)", Script.hears),
    (WHO + r" requests (\S+) (.+?) -> (\d+|ok|error)(?: (.+))?", Script.request),
    (WHO + " http " + CALL, Script.http),
    ("eventually " + WHO + " http " + CALL, Script.http_in_time),
    (WHO + r" closes", Script.close),
    (WHO + r" drops", Script.drop),
    (WHO + r" is closed(?: (\d+))?", Script.is_closed),
    (r"host killed", Script.host_killed),
    (r"host restarts", Script.host_restarts),
]]


def find(names):
    found = []
    for name in names or ["im", "carrypigeon"]:
        path = name if os.path.exists(name) else os.path.join(HERE, name)
        if os.path.isdir(path):
            found += sorted(os.path.join(path, entry) for entry in os.listdir(path) if entry.endswith(".chat"))
        else:
            found.append(path)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at", action="append", default=[], metavar="CONTRACT=ADDRESS",
                        help="where a running host speaks it: im=http://127.0.0.1:8080, carrypigeon=127.0.0.1:7609")
    parser.add_argument("--contract", action="append", default=[], choices=sorted(LISTENERS),
                        help="what the host that is started listens for; by default im and carrypigeon")
    parser.add_argument("--instead", action="append", default=[], metavar="KIND=OTHER",
                        help="sessions of one kind are of another: carrypigeon=cp plays its dialogues over WebSocket")
    parser.add_argument("--loft", help="the program; without --at a host of it is started")
    parser.add_argument("--plugins", help="its plugins; by default those of the build")
    parser.add_argument("--config", help="the running host's configuration, for tokens")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                        help="an option of the host that is started; may be repeated")
    parser.add_argument("scripts", nargs="*", help="files or folders; all without")
    options = parser.parse_args()
    if not options.at and not options.loft:
        parser.error("say --loft PROGRAM, or --at CONTRACT=ADDRESS of a host that runs")
    world, failed = World(options), 0
    paths = find(options.scripts)
    for path in paths:
        begin = time.monotonic()
        try:
            count = Script(path, world).play()
            print(f"ok      {os.path.relpath(path, HERE)} ({count} lines, {time.monotonic() - begin:.2f} s)", flush=True)
        except Failure as failure:
            failed += 1
            print(f"FAILED  {os.path.relpath(path, HERE)}\n  {failure}", flush=True)
            if world.host and not world.host.alive():
                print("the host is dead; the end of its log:\n" + world.host.tail(), flush=True)
                world.host.start()
    print(f"{len(paths) - failed} of {len(paths)} dialogues passed")
    if world.host:
        try:
            world.host.stop()
        except HostError as error:
            print(f"FAILED  the host after the dialogues: {error}")
            failed += 1
    sys.exit(1 if failed or not paths else 0)


if __name__ == "__main__":
    main()
