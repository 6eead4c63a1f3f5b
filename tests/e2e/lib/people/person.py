"""What all five have in common: an account, HTTP with its token, and how ids and times are read."""

import dataclasses
import datetime
import json

from ..session import Http

EPOCH = 1735689600000  # 2025-01-01, where the host's ids begin


def time_of(number):
    """The time an id carries, milliseconds since 1970."""
    return (number >> 12) + EPOCH


def millis(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


@dataclasses.dataclass
class Seen:
    id: int
    sender: object      # in the contract's vocabulary
    text: str
    time: int           # milliseconds; of contracts that tell whole seconds, those
    where: object       # the conversation in the contract's vocabulary
    state: str = ""
    kind: str = ""      # the message's type in the contract's vocabulary
    raw: object = None


class Person:
    """`account` is what `loft token --json` prints. Subclasses say the contract's words."""

    contract = ""
    pushes = True           # live messages come by themselves
    time_unit = 1           # milliseconds
    has_client_ids = True
    can_read = can_recall = can_group = True

    def __init__(self, host, account):
        self.host, self.account, self.session = host, account, None
        self.handle, self.uid, self.uuid, self.token = (account[key] for key in ("handle", "uid", "uuid", "token"))

    @property
    def base(self):
        return self.host.at(self.contract)

    @property
    def me(self):
        """How this contract names its user."""
        return self.name_of(self.account)

    def http(self, method, path, body=None, expected=200):
        headers = {"Authorization": f"Bearer {self.token}"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        status, answer = Http(self.base).call(method, path, headers, data)
        assert status == expected, f"{self.contract}: {method} {path} -> {status} {answer}"
        return answer

    def leave(self):
        if self.session:
            self.session.close()
        self.session = None
