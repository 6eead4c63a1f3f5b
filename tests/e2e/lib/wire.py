"""The two kinds of connection that tests speak over: WebSocket with JSON frames, and framed packets over TCP."""

import asyncio
import json
import queue
import socket
import struct
import threading

import websockets

PATIENCE = 30.0


class Silence(Exception):
    """Nothing came in time."""


class Closed(Exception):
    """The connection ended; `code` is the WebSocket close code, None for TCP."""

    def __init__(self, code=None):
        super().__init__("the connection is closed" + (f" with code {code}" if code else ""))
        self.code = code


class _Loop:
    """One event loop in the background for all WebSocket connections of a test."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def run(self, work, patience=PATIENCE):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(patience)


_background = None
_background_lock = threading.Lock()


def background():
    """The loop. Clients may open their first connections at once; a second loop would never hear for the first one's."""
    global _background
    with _background_lock:
        if _background is None:
            _background = _Loop()
        return _background


class WebSocket:
    """Blocking calls; what comes in waits in order."""

    def __init__(self, url, headers=None, ssl=None):
        self._socket = background().run(self._open(url, headers or {}, ssl))
        self._in = queue.Queue()
        self._ended = None
        asyncio.run_coroutine_threadsafe(self._read(), background().loop)

    @staticmethod
    async def _open(url, headers, ssl):
        return await websockets.connect(url, extra_headers=headers, max_size=None, ping_interval=None,
                                        compression=None, open_timeout=PATIENCE, ssl=ssl)

    async def _read(self):
        try:
            async for message in self._socket:
                self._in.put(message)
        except websockets.ConnectionClosed:
            pass
        self._in.put(Closed(self._socket.close_code))

    def send(self, message):
        background().run(self._socket.send(message))

    def send_json(self, value):
        self.send(json.dumps(value, ensure_ascii=False))

    def receive(self, patience=PATIENCE):
        if self._ended:
            raise self._ended
        try:
            message = self._in.get(timeout=patience)
        except queue.Empty:
            raise Silence(f"nothing came within {patience:.0f} s") from None
        if isinstance(message, Closed):
            self._ended = message
            raise message
        return message

    def receive_json(self, patience=PATIENCE):
        return json.loads(self.receive(patience))

    def close(self):
        background().run(self._socket.close())

    def drop(self):
        """Ends the TCP connection without a WebSocket goodbye."""
        async def abort():
            self._socket.transport.abort()
        background().run(abort())


class Packets:
    """CarryPigeon's frames without encryption: two bytes of length, then JSON."""

    def __init__(self, address, ssl=None):
        self._socket = socket.create_connection(address, PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if ssl:
            self._socket = ssl.wrap_socket(self._socket, server_hostname=address[0])

    def send(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        self._socket.sendall(struct.pack(">H", len(data)) + data)

    def send_json(self, value):
        self.send(json.dumps(value, ensure_ascii=False))

    def receive_payload(self, patience=PATIENCE):
        self._socket.settimeout(patience)
        (length,) = struct.unpack(">H", self._exactly(2))
        return self._exactly(length)

    def receive(self, patience=PATIENCE):
        while True:
            data = self.receive_payload(patience)
            if data.startswith(b"{"):  # anything else is the server's heartbeat
                return data.decode()

    def receive_json(self, patience=PATIENCE):
        return json.loads(self.receive(patience))

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            try:
                piece = self._socket.recv(count - len(data))
            except socket.timeout:
                raise Silence("nothing came in time") from None
            except OSError:
                raise Closed() from None
            if not piece:
                raise Closed()
            data += piece
        return data

    def close(self):
        self._socket.close()

    drop = close
