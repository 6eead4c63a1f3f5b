"""Clients of the contracts, as far as a dialogue needs them."""

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


class NetherlinkSession(_Session):
    """With the query `payload=string` payloads are texts on the wire and objects here."""

    def __init__(self, base, query=""):
        self._as_text = "payload=string" in query
        super().__init__(WebSocket("ws" + base[len("http"):] + "/ws" + (f"?{query}" if query else "")))

    def log_in(self, uid, token):
        payload = {"uid": uid, "token": token}
        self.send_json({"type": "login", "payload": json.dumps(payload) if self._as_text else payload})
        answer = self.take()
        if answer != {"type": "login_success"}:
            raise Silence(f"the login of {uid} was answered with {json.dumps(answer, ensure_ascii=False)}")

    def round_trip(self):
        """Everything that came before the answer to a message of a type that is none."""
        self.send_json({"type": "no such type"})
        heard, self._waiting = self._waiting, []
        while True:
            message = self._connection.receive_json()
            if message.get("type") == "error" and "未知的消息类型" in json.dumps(message, ensure_ascii=False):
                return heard
            heard.append(message)


class FlixSession(_Session):
    """Phoenix Channels; with the query `vsn=1.0.0` (or none) frames are objects, else arrays."""

    def __init__(self, base, query="vsn=2.0.0"):
        self._arrays = "vsn=2" in query
        self._last, self._topic, self._join = 1000, None, None
        super().__init__(WebSocket("ws" + base[len("http"):] + "/socket/websocket" + (f"?{query}" if query else "")))

    def _push(self, topic, event, payload, join=None):
        self._last += 1
        ref = str(self._last)
        if event == "phx_join":
            join = self._join = ref
        self.send_json([join, ref, topic, event, payload] if self._arrays
                       else {"topic": topic, "event": event, "payload": payload, "ref": ref})
        return ref

    def _is_reply(self, message, ref):
        if self._arrays:
            return isinstance(message, list) and message[1] == ref and message[3] == "phx_reply"
        return isinstance(message, dict) and message.get("ref") == ref and message.get("event") == "phx_reply"

    def _reply(self, ref):
        message = self.find(lambda one: self._is_reply(one, ref))
        return message[4] if self._arrays else message["payload"]

    def request(self, event, payload):
        """`{"status":…,"response":…}` to an event of the user's own topic."""
        return self._reply(self._push(self._topic, event, payload, self._join))

    def log_in(self, uuid, token):
        self._topic = f"user:{uuid}"
        answer = self._reply(self._push(self._topic, "phx_join", {"token": token}))
        if answer != {"status": "ok", "response": {}}:
            raise Silence(f"the join of {self._topic} was answered with {json.dumps(answer, ensure_ascii=False)}")

    def round_trip(self):
        """Everything that came before the answer to a heartbeat sent now."""
        heard, self._waiting = self._waiting, []
        ref = self._push("phoenix", "heartbeat", {})
        while True:
            message = self._connection.receive_json()
            if self._is_reply(message, ref):
                return heard
            heard.append(message)


class PigeonSession(_Session):
    """Over packets where the address is host and port; over the WebSocket /cp where it is a URL."""

    def __init__(self, address, ssl=None, packets=Packets):
        super().__init__(WebSocket("ws" + address[len("http"):] + "/cp", None, ssl) if isinstance(address, str)
                         else packets(address, ssl))
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


def sealed_pigeon(address):
    """Over packets that are encrypted."""
    from .sealed import SealedPackets  # needs python3-cryptography, which nothing else does
    return PigeonSession(address, packets=SealedPackets)


class Http:
    """One request per connection, of the standard library: says exactly what it is told to say."""

    def __init__(self, base, ssl=None):
        parts = urllib.parse.urlsplit(base)  # its path is a mount prefix
        self._address, self._prefix, self._ssl = parts.netloc, parts.path, ssl

    def call(self, method, path, headers=None, body=None):
        """Status, and the body as JSON where it is JSON."""
        connection = (http.client.HTTPSConnection(self._address, timeout=30, context=self._ssl) if self._ssl
                      else http.client.HTTPConnection(self._address, timeout=30))
        try:
            connection.request(method, self._prefix + path, body=body, headers=headers or {})
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        try:
            return response.status, json.loads(text)
        except json.JSONDecodeError:
            return response.status, text
