"""A WebSocket client that reads to the end of the socket, whatever becomes of its own writing.

A library's client drops what it has not handed out yet when a write fails. Here a failed write ends nothing: what the
kernel has taken from the host is read, to the last byte.
"""

import asyncio
import json
import os
import socket
import struct

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


class Link:
    def __init__(self, port):
        self._address = ("127.0.0.1", port)
        self._socket, self._buffer = None, b""
        self._broken = self._said_goodbye = False

    async def open(self, path="/ws"):
        """Whether the host answered the handshake; False where it died before."""
        loop = asyncio.get_running_loop()
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await loop.sock_connect(self._socket, self._address)
            await loop.sock_sendall(self._socket, (
                f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
        except OSError:
            self._socket.close()
            return False
        while b"\r\n\r\n" not in self._buffer:
            if not await self._more():
                self._socket.close()
                return False
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        return True

    async def send_json(self, value):
        await self._send(TEXT, json.dumps(value).encode())

    async def say_goodbye(self):
        """The closing handshake; `frames` then ends where the host ends it."""
        if not self._said_goodbye:
            self._said_goodbye = True
            await self._send(CLOSE, struct.pack(">H", 1000))

    async def frames(self):
        """The messages, until the connection ends."""
        while True:
            while (frame := self._take()) is not None:
                opcode, payload = frame
                if opcode == TEXT:
                    yield json.loads(payload)
                elif opcode == PING:
                    await self._send(PONG, payload)
                else:
                    assert opcode == CLOSE, f"opcode {opcode}"
            if not await self._more():
                break
        self._socket.close()

    async def _more(self):
        try:
            data = await asyncio.get_running_loop().sock_recv(self._socket, 1 << 18)
        except OSError:
            return False
        self._buffer += data
        return bool(data)

    async def _send(self, opcode, payload):
        if self._broken:
            return
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
        key = os.urandom(4)
        masked = bytes(byte ^ key[index & 3] for index, byte in enumerate(payload))
        try:
            await asyncio.get_running_loop().sock_sendall(self._socket, bytes([0x80 | opcode]) + length + key + masked)
        except OSError:
            self._broken = True  # the rest is to be read all the same

    def _take(self):
        data = self._buffer
        if len(data) < 2:
            return None
        size, begin = data[1] & 127, 2
        if size >= 126:
            width, form = (2, ">H") if size == 126 else (8, ">Q")
            begin += width
            if len(data) < begin:
                return None
            (size,) = struct.unpack(form, data[2:begin])
        if len(data) < begin + size:
            return None
        self._buffer = data[begin + size:]
        return data[0] & 15, data[begin:begin + size]
