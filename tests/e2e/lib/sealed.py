"""Packets that are encrypted, as CarryPigeon's clients do it; the host's side is transport.route_packet."""

import base64
import hashlib
import hmac
import json
import os
import struct
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from .host import PIGEON_KEY
from .wire import PATIENCE, Packets


def server_key():
    return load_der_private_key(base64.b64decode(PIGEON_KEY), None).public_key()


def seal(text, desktop=False):
    """ECIES: BouncyCastle's form, or that of CarryPigeon's desktop client."""
    own = ec.generate_private_key(ec.SECP256R1())
    point = own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = own.exchange(ec.ECDH(), server_key())
    secret, stream = (shared if desktop else point + shared), b""
    for counter in range(1, 2 + (16 + len(text)) // 20):
        stream += hashlib.sha1(secret + struct.pack(">I", counter)).digest()
    mask, mac = ((stream[:len(text)], stream[len(text):len(text) + 16]) if desktop
                 else (stream[16:16 + len(text)], stream[:16]))
    masked = bytes(a ^ b for a, b in zip(text, mask))
    return point + masked + hmac.digest(mac, masked if desktop else masked + bytes(8), "sha1")


class SealedPackets(Packets):
    def __init__(self, address, ssl=None, desktop=False, prefix=True):
        super().__init__(address, ssl)
        self._cipher, self.session, self.sequence = None, 0, 1
        key = AESGCM.generate_key(128)
        sealed = base64.b64encode(seal(base64.b64encode(key), desktop)).decode()
        first = json.dumps({"id": 1, "session_id": 0, "key": sealed}).encode()
        super().send(bytes(32) + first if prefix else first)
        self._cipher = AESGCM(key)
        answer = self.receive_json()
        self.session = answer["data"]["data"]["session_id"]
        assert answer == {"id": -1, "code": 0, "data": {"route": "handshake", "data": {
            "session_id": self.session, "sessionId": self.session}}}, answer

    def associated(self):
        self.sequence += 1
        return struct.pack(">iqq", self.sequence - 1, self.session, int(time.time() * 1000))

    def send(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        nonce, associated = os.urandom(12), self.associated()
        super().send(nonce + associated + self._cipher.encrypt(nonce, data, associated))

    def send_bare(self, payload):
        super().send(payload)

    def beat(self):
        super().send(bytes(12) + self.associated())

    def receive(self, patience=PATIENCE):
        while True:
            payload = self.receive_payload(patience)
            if len(payload) == 32 and payload.startswith(bytes(12)):
                continue
            try:
                return self._cipher.decrypt(payload[:12], payload[32:], payload[12:32]).decode()
            except InvalidTag:
                raise AssertionError(f"the server's packet does not decrypt: {payload[:60]}") from None
