#!/usr/bin/python3
"""Push, with a channel that says what the test wants: from a message to its end, over crashes, and what an operator sees."""

import contextlib
import json
import os
import socketserver
import sqlite3
import threading

from lib.audited import LINES
from lib.cases import case, run, until
from lib.host import Host
from lib.metrics import get, parse
from lib.program import run as program
from lib.session import Http, ImSession

PUSH = """\
push:
  enabled: true
  delay: {delay}
  retry_first: 50ms
  retry_longest: 200ms
  attempts: 4
  rest: 300ms
  lease: {lease}
  fake: {{enabled: true, file: "{file}", key: {key}}}
contracts: {{push: {{channels: {{ios: fake, android: fake}}}}}}
"""


class Mailboxes(socketserver.StreamRequestHandler):
    """A mail server that takes everything, but for people who are gone; `server.taken` has the recipients."""

    def handle(self):
        def say(line):
            self.wfile.write(line.encode() + b"\r\n")

        say("220 mail.example.test")
        recipient = ""
        for line in self.rfile:
            word = line.decode().strip().upper()
            if word.startswith("RCPT"):
                recipient = word.split("<")[1].split(">")[0].lower()
                gone = recipient.startswith("gone")
                say("550 5.1.1 No such mailbox" if gone else "250 2.1.5 Ok")
                self.server.asked.append(recipient)
            elif word == "DATA":
                say("354 Go on")
                while self.rfile.readline().strip() != b".":
                    pass
                self.server.taken.append(recipient)
                say("250 2.0.0 Ok")
            elif word == "QUIT":
                return say("221 2.0.0 Bye")
            else:
                say("250 2.0.0 Ok")


@contextlib.contextmanager
def mail_server():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailboxes) as server:
        server.daemon_threads, server.asked, server.taken = True, [], []
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Pushing(Host):
    """A host with the fake channel, and what that was handed."""

    def __init__(self, given, delay="0", lease="500ms", key="good", more=""):
        listener = "  - {name: devices, listen: 127.0.0.1:0, contracts: [push]}\n"
        super().__init__(given.loft, [given.options.fake, given.plugins], contracts=("im",), extra=listener + more)
        self.file = os.path.join(self.directory, "pushes.ndjson")
        with open(self.config, "a", encoding="utf-8") as file:
            file.write(PUSH.format(file=self.file, delay=delay, lease=lease, key=key))

    def sent(self, **fields):
        if not os.path.exists(self.file):
            return []
        with open(self.file, encoding="utf-8") as file:
            every = [json.loads(line) for line in file.read().split("\n")[:-1]]
        return [line for line in every if all(line.get(key) == value for key, value in fields.items())]

    def push(self, *words, code=0):
        ran = program(self.loft, "push", *map(str, words), "--json", "--config", self.config)
        assert ran.code == code, ran
        return json.loads(ran.out) if ran.out else ran.err

    def device(self, handle, token):
        self.account(handle)
        return self.push("device", "add", handle, "--channel", "fake", "--token", token, "--platform", "ios")["id"]

    def say(self, sender, receiver, text):
        body = json.dumps({"receiver_id": receiver, "type": "text", "content": text}).encode()
        status, made = Http(self.im).call("POST", "/api/v1/messages", {"X-User-ID": sender}, body)
        assert status in (200, 201), made
        return int(made["message_id"].removeprefix("msg_"))

    def ends(self, message, handle, state):
        """The story, when it has come to this state."""
        return until(lambda: (lambda why: why if why["state"] == state else None)(self.push("why", message, handle)),
                     f"push {message} to {handle} is {state}")


@case
def delivered(given):
    """a message to somebody who is away is pushed once to each device, with text, badge and a story; one to somebody who
    is online, or by the user itself, is not, and `why` says so"""
    with Pushing(given) as host:
        host.device("bob", "ok-a")
        host.device("bob", "ok-b")
        host.account("ann")
        first = host.say("ann", "bob", "hello there")
        why = host.ends(first, "bob", "delivered")
        assert sorted(one["token"] for one in host.sent(message=first)) == ["ok-a", "ok-b"], host.sent()
        one = host.sent(token="ok-a")[0]
        assert (one["title"], one["body"], one["badge"]) == ("ann", "hello there", 1), one
        words = [event["what"] for event in why["story"]]
        assert words[0] == "stored" and words.count("taken") == 2 and words[-1] == "delivered", why
        times = [event["time"] for event in why["story"]]
        assert times == sorted(times), why
        second = host.say("ann", "bob", "still there?")
        host.ends(second, "bob", "delivered")
        assert host.sent(message=second)[0]["badge"] == 2

        bob = ImSession(host.im)
        bob.log_in("bob")
        third = host.say("ann", "bob", "you are here")
        bob.find(lambda frame: frame["type"] == "new_message" and frame["data"]["content"] == "you are here")
        why = until(lambda: (lambda w: w if w["reason"] == "push.online" else None)(host.push("why", third, "bob")), "why")
        assert why["state"] == "none", why
        assert host.push("why", third, "ann")["reason"] == "the message is the user's own"
        bob.close()
        listed = host.push("list", "--user", "bob")["pushes"]
        assert [row["message"] for row in listed] == [first, second], listed
        # A user, who is no message, is the newest there is: push is not behind for that.
        host.account("newcomer")
        assert host.push("status")["newest"] > third
        until(lambda: (lambda s: s["looked_at"] == s["newest"])(host.push("status")), "push has looked at all there is")
        assert host.push("why", 1, "bob", code=1)
        text = program(host.loft, "push", "why", str(first), "bob", "--config", host.config).out
        assert "taken  by fake" in text and "hello" not in text, text
        host.stop()
        assert "hello there" not in host.tail(10**7) and "ok-a" not in host.tail(10**7)


@case
def silent(given):
    """what is read or muted before push.delay is over is not pushed"""
    with Pushing(given, delay="1500ms") as host:
        host.device("bob", "ok-a")
        host.account("ann")
        seen = host.say("ann", "bob", "seen")
        status, _ = Http(host.im).call("POST", f"/api/v1/messages/msg_{seen}/ack", {"X-User-ID": "bob"}, b'{"status":"read"}')
        assert status == 200, status
        story = host.ends(seen, "bob", "silenced")
        assert story["reason"] == "push.read", story
        conversation = story["push"]["conversation"]
        assert host.push("mute", "bob", conversation)["muted"] == [{"conversation": conversation, "until": 0}]
        hushed = host.say("ann", "bob", "hush")
        until(lambda: host.push("why", hushed, "bob")["reason"] == "push.muted", "muted")
        host.push("mute", "bob", conversation, "--off")
        loud = host.say("ann", "bob", "loud")
        host.ends(loud, "bob", "delivered")
        assert {one["message"] for one in host.sent()} == {loud}, host.sent()


@case
def registered(given):
    """clients register devices over HTTP with their own token; what a provider gives up is gone; nobody sees a whole token"""
    with Pushing(given) as host:
        bob, eve = host.account("bob"), host.account("eve")
        http = Http(f"http://127.0.0.1:{host.port('devices')}")

        def call(act, who, **body):
            return http.call("POST", f"/api/v1/push/device/{act}", {"Authorization": "Bearer " + who["token"]},
                             json.dumps(body).encode())

        token = "ok-" + "t" * 60
        status, answer = call("register", bob, userId=bob["uid"], deviceId="phone", platform="IOS", pushToken=token)
        assert status == 200 and answer["code"] == 200 and answer["data"]["deviceId"] == "phone", answer
        assert answer["data"]["registeredAt"].endswith("Z"), answer
        assert call("register", eve, userId=bob["uid"], deviceId="x", platform="IOS", pushToken="ok-x")[0] == 403
        assert call("register", bob, deviceId="x", platform="VAX", pushToken="ok-x")[0] == 400
        assert call("register", bob, deviceId="x", platform="IOS")[0] == 400
        assert http.call("POST", "/api/v1/push/device/register", {}, b"{}")[0] == 401
        # The same device with a new token takes the place of the old one.
        assert call("register", bob, deviceId="phone", platform="IOS", pushToken="dead-" + "u" * 60)[0] == 200
        listed = host.push("device", "list", "bob")["devices"]
        assert [one["device_id"] for one in listed] == ["phone"] and listed[0]["token"] == "…uuuuuu", listed
        host.account("ann")
        message = host.say("ann", "bob", "hello")
        why = host.ends(message, "bob", "dead")
        assert why["reason"] == "Unregistered", why
        assert host.push("device", "list", "bob")["devices"] == []
        assert call("register", bob, deviceId="phone", platform="ANDROID", pushToken=token)[0] == 200
        assert host.push("replay", message, "bob")["replayed"] == 1
        host.ends(message, "bob", "delivered")
        assert call("unregister", eve, deviceId="phone")[0] == 404
        assert call("unregister", bob, deviceId="phone") == (
            200, {"code": 200, "message": "success", "data": {"deviceId": "phone", "removed": 1}})


@case
def troubles(given):
    """what fails is tried again, then a dead letter that can be replayed; a refused credential is in readiness and does not
    make the host unready"""
    with Pushing(given) as host:
        for handle, token in (("once", "once-1"), ("never", "retry-1"), ("no", "refuse-1"), ("bad", "broken-1")):
            host.device(handle, token)
        host.account("ann")
        message = {handle: host.say("ann", handle, "x") for handle in ("once", "never", "no")}
        host.ends(message["once"], "once", "delivered")

        def fails(handle):
            """The story of a push that dies while its provider works for others; until then the provider is to blame."""
            def look():
                host.ends(host.say("ann", "once", "y"), "once", "delivered")
                why = host.push("why", message[handle], handle)
                return why if why["state"] == "dead" else None
            return until(look, f"the push to {handle} is dead")

        assert fails("never")["reason"] == "push.attempts"
        assert host.ends(message["no"], "no", "dead")["reason"] == "PayloadTooLarge"
        first = len(host.sent(message=message["never"]))
        assert first >= 4, first
        assert len({one["id"] for one in host.sent(message=message["never"])}) == 1
        dead = host.push("dead")["pushes"]
        assert {row["user"] for row in dead} == {"never", "no"}, dead
        assert host.push("replay", "--all", "--reason", "push.attempts") == {"replayed": 1}
        until(lambda: len(host.sent(message=message["never"])) > first, "the replay")
        fails("never")
        story = host.push("why", message["never"], "never")["story"]
        words = [event["what"] for event in story]
        times = [event["time"] for event in story]
        assert times == sorted(times) and words.count("replayed") == 1, story
        assert any(event["what"] == "put off" and "ServiceUnavailable" in event["detail"] for event in story), story
        by = [event["detail"] for event in story if event["what"] == "replayed"]
        assert by[0].startswith("by "), story
        assert host.readiness()[1]["push"] == "ok"
        values = parse(get(host, "/metrics")[2])

        def counted(name, **labels):
            wanted = {f'{key}="{value}"' for key, value in labels.items()}
            return sum(value for (each, has), value in values.items() if each == name and wanted <= set(has))

        assert counted("loft_push_answers_total", channel="fake", result="accepted") >= 1, values
        assert counted("loft_push_answers_total", channel="fake", reason="PayloadTooLarge", result="refused") == 1
        assert counted("loft_push_answers_total", reason="ServiceUnavailable", result="retry") >= 5
        assert counted("loft_push_finished_total", state="dead", reason="push.attempts") >= 1
        assert counted("loft_push_owed_total") >= 3
        waits = host.say("ann", "bad", "x")
        until(lambda: "InvalidProviderToken" in host.readiness()[1]["push"], "readiness tells")
        assert host.readiness()[0] == 200
        status = host.push("status")
        assert status["channels"][0]["state"] == "refused", status
        assert host.push("why", waits, "bad")["state"] == "owed"
        would = host.push("dry-run", waits, "bad")
        assert would["would_send"] is True and would["notifications"][0]["title"] == "ann", would


@case
def mailed(given):
    """a user whose devices' channel is refused for longer than push.email.after gets a mail, at once for later messages; an
    address that the mail server does not know is asked for once, also by the next start"""
    mail = "email: {{smtp_host: 127.0.0.1, smtp_port: {}, sender: chat@example.test, use_ssl: false, starttls: false}}\n"
    with mail_server() as server, Pushing(given) as host:
        for handle in ("bob", "eve", "ann"):
            host.account(handle)
        host.device("bob", "broken-1")
        host.stop()
        link = sqlite3.connect(os.path.join(host.data_dir, "loft.db"))
        for handle, address in (("bob", "bob@example.test"), ("eve", "gone@example.test")):
            link.execute('UPDATE "user" SET profile = ? WHERE handle = ?', (json.dumps({"email": address}), handle))
        link.commit()
        link.close()
        with open(host.config, encoding="utf-8") as file:
            text = file.read()
        with open(host.config, "w", encoding="utf-8") as file:
            file.write(text.replace("  fake:", "  email: {enabled: true, after: 1s, interval: 0s}\n  fake:")
                       + mail.format(server.server_address[1]))
        host.start()
        first = host.say("ann", "bob", "hello")
        story = host.ends(first, "bob", "delivered")["story"]
        assert [event["what"] for event in story].count("covered") == 1, story
        assert server.taken == ["bob@example.test"], server.taken
        second = host.say("ann", "bob", "still there?")
        assert host.ends(second, "bob", "delivered")["push"]["attempts"] == 0
        lost = host.say("ann", "eve", "hello")
        assert host.ends(lost, "eve", "dead")["reason"] == "550 5.1.1"
        host.kill()
        host.start()
        lost = host.say("ann", "eve", "hello?")
        assert host.ends(lost, "eve", "silenced")["reason"] == "push.mail_dead"
        assert server.asked.count("gone@example.test") == 1, server.asked
        host.stop()
        assert "@example.test" not in host.tail(10**7), host.tail()


@case
def given_up(given):
    """when a provider gives a device up, its client is told at each login, over a restart too, until it registers again"""
    with Pushing(given) as host:
        bob = host.account("bob")
        host.account("ann")
        http = Http(f"http://127.0.0.1:{host.port('devices')}")

        def call(method, path, body=None):
            return http.call(method, "/api/v1/push/" + path, {"Authorization": "Bearer " + bob["token"]},
                             None if body is None else json.dumps(body).encode())

        def told():
            session = ImSession(host.im)
            session.log_in("bob")
            heard = [frame["data"]["device_ids"] for frame in session.round_trip() if frame["type"] == "push_register"]
            session.close()
            return heard

        device = {"deviceId": "phone", "platform": "IOS", "pushToken": "dead-1"}
        assert call("POST", "device/register", device)[0] == 200
        assert told() == [] and call("GET", "device/lost")[1]["data"] == {"deviceIds": []}
        message = host.say("ann", "bob", "hello")
        host.ends(message, "bob", "dead")
        assert told() == [["phone"]]
        host.stop()
        host.start()
        http = Http(f"http://127.0.0.1:{host.port('devices')}")
        assert told() == [["phone"]] and call("GET", "device/lost")[1]["data"] == {"deviceIds": ["phone"]}
        exported = program(host.loft, "user", "export", "bob", "--config", host.config).out
        assert '"push.lost_device"' in exported, exported
        assert call("POST", "device/register", {**device, "pushToken": "ok-1"})[0] == 200
        assert told() == []
        assert call("GET", "device/lost")[1]["data"] == {"deviceIds": []}, call("GET", "device/lost")


@case
def muted_by_users(given):
    """users mute conversations that are theirs, for a time or for good, by the names that contracts give these"""
    with Pushing(given) as host:
        host.device("bob", "ok-a")
        bob, ann, eve = host.account("bob"), host.account("ann"), host.account("eve")
        http = Http(f"http://127.0.0.1:{host.port('devices')}")

        def call(method, path="", body=None, who=bob):
            return http.call(method, "/api/v1/push/mute" + path, {"Authorization": "Bearer " + who["token"]},
                             None if body is None else json.dumps(body).encode())

        assert call("PUT", "/user/ann")[0] == 404  # there is no such conversation yet
        first = host.say("ann", "bob", "one")
        conversation = str(host.ends(first, "bob", "delivered")["push"]["conversation"])
        status, answer = call("PUT", "/user/ann")
        assert status == 200 and answer["data"] == {"conversationId": conversation, "until": None}, answer
        assert call("GET")[1]["data"]["muted"] == [answer["data"]]
        assert call("GET", who=ann)[1]["data"]["muted"] == []
        hushed = host.say("ann", "bob", "two")
        until(lambda: host.push("why", hushed, "bob")["reason"] == "push.muted", "muted")
        for name in (f"/user/{ann['uid']}", f"/user/{ann['uuid']}", f"/conversation/{conversation}"):
            assert call("DELETE", name)[0] == 200, name
        assert call("GET")[1]["data"]["muted"] == []
        host.ends(host.say("ann", "bob", "three"), "bob", "delivered")
        status, answer = call("PUT", f"/conversation/{conversation}", {"duration": 3600})
        assert status == 200 and answer["data"]["until"].endswith("Z"), answer
        assert [one["conversation"] for one in host.push("mute", "bob")["muted"]] == [int(conversation)]
        for bad in ({"duration": 0}, {"duration": "1h"}, {"duration": 10**12}, [1]):
            assert call("PUT", "/user/ann", bad)[0] == 400, bad
        assert call("PUT", f"/conversation/{conversation}", who=eve)[0] in (403, 404)
        assert call("PUT", "/group/nobody")[0] == 404
        assert call("PUT", "/planet/7")[0] == 404
        assert http.call("PUT", "/api/v1/push/mute/user/ann")[0] == 401


@case
def addresses(given):
    """an operator shows, sets and removes a user's mail address, beside a running host and without one; what is none is refused"""
    with Pushing(given) as host:
        host.account("bob")

        def email(*words, code=0):
            ran = program(host.loft, "user", "email", "bob", *words, "--json", "--config", host.config)
            assert ran.code == code, ran
            return json.loads(ran.out)["address"] if ran.out else ran.err

        assert email() == ""
        assert email("bob@example.org") == "bob@example.org"
        assert email() == "bob@example.org"
        exported = program(host.loft, "user", "export", "bob", "--config", host.config).out
        assert "bob@example.org" in exported, exported
        for bad in ("bob", "bob@", "a@b,c@d", "Bob <bob@example.org>"):
            assert "is not a mail address" in email(bad, code=64), bad
        assert "not both" in email("bob@example.org", "--remove", code=64)
        host.stop()
        assert email() == "bob@example.org"
        assert email("--remove") == ""
        host.start()
        assert email() == ""
        ran = program(host.loft, "user", "email", "nobody", "--config", host.config)
        assert ran.code == 1 and "nobody" in ran.err, ran


@case
def crashes(given):
    """a host that is killed again and again pushes every message; what it repeats was under way, with the same id"""
    with Pushing(given) as host:
        for number in range(20):
            host.device(f"u{number}", f"ok-{number}")
        host.account("ann")
        messages = {}
        for life in range(5):
            for number in range(20):
                messages[host.say("ann", f"u{number}", f"life {life}")] = number
            host.kill()
            host.start()
        for message, number in messages.items():
            host.ends(message, f"u{number}", "delivered")
        sent = host.sent()
        assert {one["message"] for one in sent} == set(messages)
        assert len(sent) <= len(messages) + 5 * 50, len(sent)  # a window's worth for each crash
        assert len({one["id"] for one in sent}) == len(messages)


@case
def plugins(given):
    """interceptors see a device before it is registered and removed, and a push before it is sent: they rewrite and silence
    it; observers hear what came of it"""
    with Pushing(given) as host:
        file = os.path.join(host.directory, "audit.ndjson")
        with open(host.config, "a", encoding="utf-8") as config:
            config.write(LINES.format(file=file, first="veto: ' \"forbidden-word', from: ann, to: Anne"))
        host.stop()
        host.start()

        def saw(event, **fields):
            with open(file, encoding="utf-8") as lines:
                every = [json.loads(line) for line in lines.read().split("\n")[:-1]]
            fields = {"event": event, "by": "first", **fields}
            return [line for line in every if all(line.get(key) == value for key, value in fields.items())]

        bob = host.account("bob")
        host.account("ann")
        headers = {"Authorization": "Bearer " + bob["token"]}
        http = Http(f"http://127.0.0.1:{host.port('devices')}")
        for token in ("dead-1", "ok-1"):
            body = json.dumps({"deviceId": token, "platform": "IOS", "pushToken": token}).encode()
            assert http.call("POST", "/api/v1/push/device/register", headers, body)[0] == 200
        asked = [(line["stage"], line["user"], line["channel"]) for line in saw("RegisterDevice", client="ok-1")]
        assert asked == [(stage, bob["uid"], "fake") for stage in ("check", "rewrite", "policy")], asked
        message = host.say("ann", "bob", "hello")
        host.ends(message, "bob", "delivered")
        assert [line["title"] for line in host.sent(token="ok-1")] == ["Anne"], host.sent()
        assert {line["stage"] for line in saw("SendPush", message=message, user=bob["uid"])} == {"check", "rewrite", "policy"}
        assert len(saw("PushSucceeded", message=message, channel="fake")) == 1
        assert [line["reason"] for line in saw("PushDead", message=message)] == ["Unregistered"]
        # Content is judged as JSON, where a quote has a backslash before it; a notification has the text itself.
        vetoed = host.say("ann", "bob", 'a "forbidden-word"')
        assert host.ends(vetoed, "bob", "silenced")["reason"] == "audit.vetoed"
        body = json.dumps({"deviceId": "ok-1"}).encode()
        assert http.call("POST", "/api/v1/push/device/unregister", headers, body)[0] == 200
        assert len(saw("UnregisterDevice", client="ok-1", user=bob["uid"])) == 3


@case
def configuration(given):
    """credentials are verified without sending; a channel that is not there, and a storage that keeps no pushes, are named"""
    with Pushing(given, key="bad") as host:
        ran = program(host.loft, "check", "--online", "push", "--config", host.config)
        assert ran.code == 1 and "push.fake: the provider does not take the key" in ran.out, ran
        ran = program(host.loft, "check", "--online", "push", "--set", "push.fake.key=good", "--config", host.config)
        assert ran.code == 0 and "push.fake: its provider takes the credentials" in ran.out, ran
        ran = program(host.loft, "check", "--set", "push.fake.word=other", "--config", host.config)
        assert ran.code == 78 and "is the channel 'other'" in ran.err, ran
        ran = program(host.loft, "check", "--set", "storage.use=storage.null", "--config", host.config)
        assert ran.code == 78 and "needs a storage that keeps what is owed" in ran.err, ran
        ran = program(host.loft, "check", "--set", "push.dealy=1s", "--config", host.config)
        assert ran.code == 78 and "did you mean 'delay'?" in ran.err, ran


if __name__ == "__main__":
    run(__doc__, fake="")
