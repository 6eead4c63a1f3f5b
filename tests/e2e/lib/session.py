"""Clients of the contracts `im` and `carrypigeon`, as far as a dialogue needs them."""

import http.client
import json
import time
import urllib.parse

from .wire import Closed, Packets, Silence, WebSocket


def now():
    return int(time.time() * 1000)


class _Session:
    """A connection, and what was heard over it and not yet looked at."""

    def __init__(self, connection):
        self._connection = connection
        self._waiting = []

    def send_json(self, value):
        self._connection.send_json(value)

    def send_raw(self, text):
        self._connection.send(text)

    def take(self):
        return self._waiting.pop(0) if self._waiting else self._connection.receive_json()

    def find(self, fits):
        """The first message that fits, waiting for it; the others stay in line."""
        for index, message in enumerate(self._waiting):
            if fits(message):
                return self._waiting.pop(index)
        while True:
            try:
                message = self._connection.receive_json()
            except Silence as silence:
                heard = "".join("\n      " + json.dumps(m, ensure_ascii=False) for m in self._waiting)
                raise Silence(f"{silence}; waiting in line:{heard or ' nothing'}") from None
            if fits(message):
                return message
            self._waiting.append(message)

    def wait_closed(self):
        """The close code; what comes before the end is dropped."""
        while True:
            try:
                self._connection.receive()
            except Closed as closed:
                return closed.code

    def close(self):
        self._connection.close()

    def drop(self):
        try:
            self._connection.drop()
        except Exception:  # noqa: BLE001 - it may be gone already, which is what was asked for
            pass


class ImSession(_Session):
    def __init__(self, base, path="/ws", headers=None, ssl=None):
        super().__init__(WebSocket("ws" + base[len("http"):] + path, headers, ssl))

    def log_in(self, user, token="t"):
        self.send_json({"type": "login", "data": {"user_id": user, "token": token, "platform": "test"},
                        "timestamp": now()})
        answer = self.take()
        data = answer.get("data", {})
        if answer.get("type") != "login" or data.get("success") is not True or data.get("user_id") != user:
            raise Silence(f"the login of {user} was answered with {json.dumps(answer, ensure_ascii=False)}")

    def round_trip(self):
        """Everything that came before the answer to a heartbeat sent now."""
        self.send_json({"type": "heartbeat", "data": {}, "timestamp": now()})
        heard, self._waiting = self._waiting, []
        while True:
            message = self._connection.receive_json()
            if message.get("type") == "heartbeat":
                return heard
            heard.append(message)


class PigeonSession(_Session):
    def __init__(self, address, ssl=None):
        super().__init__(Packets(address, ssl))
        self._last = 100

    def request(self, route, data):
        self._last += 1
        self.send_json({"id": self._last, "route": route, "data": data})
        return self.find(lambda message: message.get("id") == self._last)

    def log_in(self, token, uid):
        answer = self.request("/core/user/login/token", {"token": token})
        if answer.get("code") != 200 or answer.get("data", {}).get("uid") != uid:
            raise Silence(f"the login of {uid} was answered with {json.dumps(answer, ensure_ascii=False)}")

    def round_trip(self):
        """Everything that came before the answer to a request that no route serves."""
        self._last += 1
        heard, self._waiting = self._waiting, []
        self.send_json({"id": self._last, "route": "/no/such/route", "data": {}})
        while True:
            message = self._connection.receive_json()
            if message.get("id") == self._last:
                return heard
            heard.append(message)


class Http:
    """One request per connection, of the standard library: says exactly what it is told to say."""

    def __init__(self, base, ssl=None):
        self._address, self._ssl = urllib.parse.urlsplit(base).netloc, ssl

    def call(self, method, path, headers=None, body=None):
        """Status, and the body as JSON where it is JSON."""
        connection = (http.client.HTTPSConnection(self._address, timeout=15, context=self._ssl) if self._ssl
                      else http.client.HTTPConnection(self._address, timeout=15))
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        try:
            return response.status, json.loads(text)
        except json.JSONDecodeError:
            return response.status, text
