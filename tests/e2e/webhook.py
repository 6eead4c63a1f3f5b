#!/usr/bin/python3
"""The follower of sdk/examples that posts what is stored to a URL: signed, in order, at least once, again when asked to."""

import hashlib
import hmac
import http.server
import json
import os
import threading
import time

from lib.cases import case, run, until
from lib.host import Host
from lib.program import run as program
from lib.session import Http

SECRET = "a secret of some length"


class Receiver:
    """Takes what is posted; `answers` are used up first: a status, or None to hang up without one."""

    def __init__(self, answers=()):
        self.events, self.wrong, self.answers, self.lock = [], [], list(answers), threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver.take(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    def take(self, request, body):
        parts = dict(part.split("=", 1) for part in request.headers["Loft-Signature"].split(","))
        wanted = hmac.new(SECRET.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        with self.lock:
            if not hmac.compare_digest(wanted, parts["v1"]) or abs(int(parts["t"]) - time.time()) > 300:
                self.wrong.append(request.headers["Loft-Signature"])
            answer = self.answers.pop(0) if self.answers else 200
            if answer != 500:
                self.events += json.loads(body)["events"]
        if answer is None:
            request.close_connection = True
            return
        request.send_response(answer)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def texts(self):
        """Of messages, as often as they came."""
        with self.lock:
            return [event["text"] for event in self.events if event["type"] == "message"]

    def once(self):
        """As a receiver reads them: positions that are not greater than the last are passed over."""
        with self.lock:
            seen, last = [], 0
            for event in self.events:
                if event["position"] > last:
                    last = event["position"]
                    seen.append(event)
        return [event["text"] for event in seen if event["type"] == "message"]


class Posting(Host):
    def __init__(self, given, url, **options):
        words = {"url": json.dumps(url), "secret": json.dumps(SECRET), "timeout": "2s", **options}
        line = ", ".join(f"{key}: {value}" for key, value in words.items())
        super().__init__(given.loft, [given.plugins, given.options.examples], contracts=("im",),
                         extra=f"plugins:\n  - {{use: follower.webhook, options: {{{line}}}}}\n")

    def send(self, text):
        body = json.dumps({"receiver_id": "ben", "type": "text", "content": text}).encode()
        status, answer = Http(self.im).call("POST", "/api/v1/messages", {"X-User-ID": "ann"}, body)
        assert status == 200, answer

    def change(self, old, new):
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        assert old in text
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))


@case
def posted(given):
    """what is stored is posted in order, with text, content and signature, and what happens to it as well"""
    with Receiver() as receiver, Posting(given, receiver.url) as host:
        host.account("ben")
        for i in range(30):
            host.send(f"number {i}")
        until(lambda: len(receiver.once()) == 30, "30 messages at the receiver")
        assert receiver.texts() == [f"number {i}" for i in range(30)], receiver.texts()
        first = next(event for event in receiver.events if event["type"] == "message")
        assert first["domain"] == "Core:Text" and first["content"] == {"text": "number 0"} and first["seq"] == 1, first
        status, _ = Http(host.im).call("POST", f"/api/v1/messages/msg_{first['message']}/ack", {"X-User-ID": "ben"}, b'{"status":"read"}')
        assert status == 200
        until(lambda: any(event["type"] == "read" for event in receiver.events), "the reading at the receiver")
        assert not receiver.wrong
        until(lambda: host.metrics().get("loft_webhook_events_total", 0) >= 31, "the metric")


@case
def repeated(given):
    """a receiver that fails, hangs up or is away gets everything once it works, in order, and perhaps some of it twice"""
    with Receiver([500, 500, None, 500, None]) as receiver, Posting(given, receiver.url) as host:
        host.account("ben")
        sent = [f"through {i}" for i in range(20)]
        for text in sent:
            host.send(text)
        until(lambda: receiver.once() == sent and not receiver.answers, "all messages at the receiver")


@case
def killed(given):
    """a host that is killed again and again goes on where the receiver's answers ended"""
    with Receiver() as receiver, Posting(given, receiver.url, batch=3) as host:
        host.account("ben")
        sent = []
        for life in range(4):
            for i in range(15):
                sent.append(f"life {life}, {i}")
                host.send(sent[-1])
            host.kill()
            host.start()
        until(lambda: receiver.once() == sent, "all messages at the receiver")


@case
def replayed(given):
    """another generation posts everything that is kept once more, and the first one goes on where it was"""
    with Receiver() as receiver, Posting(given, receiver.url, generation=0) as host:
        host.account("ben")
        host.send("before")
        until(lambda: receiver.texts() == ["before"], "the message")
        host.stop()
        host.change("generation: 0", "generation: 2")
        host.start()
        until(lambda: receiver.texts() == ["before"] * 2, "the message once more")
        host.stop()
        host.change("generation: 2", "generation: 0")
        host.start()
        host.send("after")
        until(lambda: receiver.texts() == ["before", "before", "after"], "the next message")


@case
def mistaken(given):
    """options that cannot be are refused with their place, and the secret is not shown"""
    for wrong, words in (({"url": "ftp://example.com"}, "url must begin with"), ({"secret": "short"}, "at least 16 characters"),
                         ({"batch": 0}, "batch")):
        host = Posting(given, **{"url": "http://127.0.0.1:1/", **wrong})
        said = program(given.loft, "check", "--config", host.config)
        assert said.code != 0 and words in said.err and "loft.yaml:" in said.err, said
        assert "short" not in said.out + said.err, said


if __name__ == "__main__":
    run(__doc__, examples="")
