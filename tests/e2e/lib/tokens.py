"""Tokens that no host would make."""

import base64
import hashlib
import hmac
import json


def _encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def sign(given, secret):
    """A JWT with HS256."""
    text = _encode(b'{"alg":"HS256","typ":"JWT"}') + b"." + _encode(json.dumps(given).encode())
    return (text + b"." + _encode(hmac.new(secret.encode(), text, hashlib.sha256).digest())).decode()
