#!/usr/bin/python3
"""Messages that are older than `retention` says are removed while the host runs, and the others are not."""

import json
import time
import urllib.request

from lib.cases import case, run, until
from lib.session import Http, ImSession
from lib.stored import host_over

OLD = ["--set", "retention.direct=1s", "--set", "retention.interval=100ms", "--set", "retention.batch=3",
       "--set", "retention.pause=0"]


class Chat:
    def __init__(self, host):
        self.host, self.http = host, Http(host.im)

    def ask(self, user, method, path, body=None, expected=200):
        data = None if body is None else json.dumps(body).encode()
        status, answer = self.http.call(method, path, {"X-User-ID": user, "Content-Type": "application/json"}, data)
        assert status == expected, (method, path, status, answer)
        return answer

    def say(self, text, client_id=None, **to):
        body = {"type": "text", "content": text, **to} | ({"client_msg_id": client_id} if client_id else {})
        return self.ask("ann", "POST", "/api/v1/messages", body)["message_id"]

    def offered(self, user):
        """All messages from others, whatever was fetched before."""
        page = self.ask(user, "GET", "/api/v1/messages/offline?last_message_id=msg_1&limit=200")
        assert page["has_more"] is False
        return [message["content"] for message in page["messages"]]

    def removed(self, kind):
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.host.port('internal')}/metrics", timeout=30).read().decode()
        return int(text.split(f'loft_messages_forgotten_total{{kind="{kind}"}} ')[1].split("\n")[0])


def play(given, storage):
    with host_over(given, storage) as (host, _):
        chat = Chat(host)
        group = chat.ask("ann", "POST", "/api/v1/groups", {"name": "g", "members": ["ben"]})["group"]["id"]
        first = [chat.say(f"old {number}", f"key-{number}", receiver_id="ben") for number in range(10)]
        for number in range(3):
            chat.say(f"kept {number}", group_id=group)
        assert len(chat.offered("ben")) == 13
        host.stop()

        host.arguments += OLD
        host.start()
        chat = Chat(host)
        ben = ImSession(host.im)
        ben.log_in("ben")
        until(lambda: chat.removed("direct") == 10, "the old messages are removed")
        assert chat.offered("ben") == ["kept 0", "kept 1", "kept 2"], chat.offered("ben")
        assert chat.removed("group") == 0
        chat.ask("ben", "GET", f"/api/v1/messages/{first[3]}", expected=404)
        chat.ask("ben", "POST", f"/api/v1/messages/{first[3]}/ack", {"status": "read"}, expected=404)
        # A repeat is one, although its original is gone.
        assert chat.say("old 4", "key-4", receiver_id="ben") == first[4]
        assert chat.offered("ben") == ["kept 0", "kept 1", "kept 2"]
        chat.say("new", receiver_id="ben")
        heard = ben.find(lambda message: message["type"] == "new_message")
        assert heard["data"]["content"] == "new", heard
        until(lambda: chat.removed("direct") == 11, "the new one has grown old")
        ben.close()
        assert "old messages are removed" in host.tail(20_000)


@case
def sqlite(given):
    """On SQLite, with live sessions and repeats."""
    play(given, "sqlite")


@case
def postgresql(given):
    """On PostgreSQL."""
    play(given, "postgresql")


@case
def mysql(given):
    """On MariaDB."""
    play(given, "mysql")


@case
def mistakes(given):
    """A retention that is no duration is refused by name."""
    with host_over(given, "sqlite") as (host, _):
        host.stop()
        host.arguments = ["--set", "retention.group=90"]
        try:
            host.start()
        except Exception as error:  # noqa: BLE001
            assert "retention.group" in str(error) and "forever" in str(error), error
        else:
            raise AssertionError("it started")
        host.arguments = []
        begin = time.monotonic()
        host.start()
        assert time.monotonic() - begin < 30


if __name__ == "__main__":
    run(__doc__)
