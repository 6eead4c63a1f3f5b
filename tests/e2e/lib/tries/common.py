"""What the tries of all contracts have in common."""

import dataclasses
import json

from ..session import Http


def compact(value):
    """As on the wire, without what differs from one run to the next."""
    if isinstance(value, dict):
        value = {key: value[key] for key in value if key not in ("id", "timestamp")}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclasses.dataclass
class Answer:
    error: str = ""         # empty where the host agreed
    body: object = None
    number: int = 0         # of the message or group that it was about


class Tries:
    """What all five have: HTTP, and the rest in words of their own."""

    def __enter__(self):
        self.enter()
        return self

    def __exit__(self, kind, value, trace):
        self.leave()

    def headers(self):
        return {"Authorization": f"Bearer {self.token}"}

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        status, answer = Http(self.base).call(method, path, self.headers() | {"Content-Type": "application/json"}, data)
        if status >= 300:
            return Answer(f"{status} {compact(answer)}", answer)
        return Answer("", answer)

    def hears_of(self, number):
        """What was heard so far that names this message."""
        if self.session is None:
            return None
        words = self.words_of(number)
        return next((one for one in self.session.round_trip() if any(word in json.dumps(one) for word in words)), None)

    def words_of(self, number):
        return (str(number),)

    def acknowledge(self, number):
        """Only where the contract wants to be told that a message has come."""

    def listed(self):
        """What was sent to the user, also where it was asked for before."""
        return self.catch_up()

    def own(self, number, place):
        """How the sender's own message looks to it."""
        return self.look(number, place)
