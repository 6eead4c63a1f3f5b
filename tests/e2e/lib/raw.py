"""Bytes on a socket, for what no well-behaved client would send."""

import base64
import os
import socket
import struct
import urllib.parse


class Raw:
    def __init__(self, base, patience=30.0):
        address = urllib.parse.urlsplit(base)
        self.host = address.netloc
        self.socket = socket.create_connection((address.hostname, address.port), patience)

    def send(self, data):
        """False when the peer has closed already, which is an answer too."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def until_closed(self, most=1 << 20):
        data = b""
        try:
            while len(data) < most:
                piece = self.socket.recv(65536)
                if not piece:
                    break
                data += piece
        except ConnectionError:
            pass
        return data

    def response(self):
        """Status and body of one HTTP response."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.socket.recv(65536)
            if not piece:
                return None, data
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                length = int(value)
        while len(body) < length:
            piece = self.socket.recv(65536)
            if not piece:
                break
            body += piece
        return int(head.split(b" ", 2)[1]), body

    def request(self, method, path, body=b"", headers=()):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", f"Content-Length: {len(body)}", *headers]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return self.response()

    def upgrade(self, path="/ws", headers=()):
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {self.host}", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *headers]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            piece = self.socket.recv(1)
            if not piece:
                break
            head += piece
        return int(head.split(b" ", 2)[1]) if head else None

    def frame(self, opcode, payload, final=True, masked=True, reserved=0, length=None):
        """One frame, right or wrong; `length` lies about the payload's."""
        length = len(payload) if length is None else length
        head = bytes([(0x80 if final else 0) | reserved << 4 | opcode])
        mask = 0x80 if masked else 0
        if length < 126:
            head += bytes([mask | length])
        elif length < 65536:
            head += bytes([mask | 126]) + struct.pack(">H", length)
        else:
            head += bytes([mask | 127]) + struct.pack(">Q", length)
        if masked:
            key = os.urandom(4)
            payload = bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))
            head += key
        return self.send(head + payload)

    def close_code(self):
        """Reads frames until a close frame; None when the connection ended without one."""
        while True:
            head = self._exactly(2)
            if len(head) < 2:
                return None
            length = head[1] & 0x7F
            if length == 126:
                (length,) = struct.unpack(">H", self._exactly(2))
            elif length == 127:
                (length,) = struct.unpack(">Q", self._exactly(8))
            payload = self._exactly(length)
            if head[0] & 0x0F == 8:
                return struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else None

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            try:
                piece = self.socket.recv(count - len(data))
            except ConnectionError:
                return data
            if not piece:
                return data
            data += piece
        return data

    def close(self):
        self.socket.close()
