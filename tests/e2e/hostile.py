#!/usr/bin/python3
"""Bad input of every kind: the documented error each, others unaffected, the sanitizers silent."""

import argparse
import json
import os
import resource
import socket
import struct
import time

from lib.host import Host
from lib.raw import Raw
from lib.session import ImSession, PigeonSession
from lib.wire import Closed, Packets

TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
SEND = b'{"receiver_id":"h_bob","type":"text","content":"%s"}'


class Witness:
    """A normal client: after each attack it must still get its answer."""

    def __init__(self, host):
        self.session = ImSession(host.im)
        self.session.log_in("h_witness")

    def is_well(self):
        begin = time.monotonic()
        heard = self.session.round_trip()
        assert not heard, heard
        return time.monotonic() - begin


def error_of(status, body, expected):
    assert status == expected, (status, body)
    text = json.loads(body)["error"]
    assert isinstance(text, str) and text, body


def http_bodies(host):
    user = ("X-User-ID: h_alice", "Content-Type: application/json")
    for body in (b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"receiver_id":"h_bob","type":"text","content":"\xc3\x28"}',
                 b'{"receiver_id":"h_bob","type":"text","content":"\\ud800"}', b"[" * 100_000,
                 b'{"receiver_id":' * 5_000 + b"1" + b"}" * 5_000, b'{"content":"x"}' * 2,
                 b'{"receiver_id":1e999,"type":"text","content":"x"}', SEND % b"a\x00b"):
        raw = Raw(host.im)
        error_of(*raw.request("POST", "/api/v1/messages", body, user), 400)
        raw.close()


def http_sizes(host):
    user = ("X-User-ID: h_alice", "Content-Type: application/json")
    raw = Raw(host.im)
    status, _ = raw.request("POST", "/api/v1/messages", SEND % (b"x" * (2 << 20)), user)
    assert status == 413, status
    raw.close()
    raw = Raw(host.im)  # only announced, never sent
    raw.send(b"POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nX-User-ID: h_alice\r\nContent-Length: 99999999999\r\n\r\n")
    assert raw.response()[0] == 413
    raw.close()
    raw = Raw(host.im)  # chunked, without an announcement
    raw.send(b"POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nX-User-ID: h_alice\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(40):
        if not raw.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n"):
            break
    try:
        status = raw.response()[0]
    except ConnectionError:
        status = 413  # it closed while we were still writing: the answer was lost on the way
    assert status == 413, status
    raw.close()
    raw = Raw(host.im)
    status, _ = raw.request("GET", "/health", headers=("X-Long: " + "x" * 100_000,))
    assert status == 431, status
    raw.close()
    raw = Raw(host.im)
    status, _ = raw.request("GET", "/" + "x" * 100_000)
    assert status in (414, 431), status
    raw.close()


def http_heads(host):
    for head in (b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", b"GET /health HTTP/1.1\r\nHost x\r\n\r\n",
                 b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
                 b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
                 b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
                 b"POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                 bytes(range(256)) * 4 + b"\r\n\r\n"):
        raw = Raw(host.im)
        raw.send(head)
        answer = raw.until_closed()
        assert not answer or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 505", b"HTTP/1.0 400", b"HTTP/1.1 501")), (head, answer)
        raw.close()


def upgrades(host):
    for headers in (("Sec-WebSocket-Version: 12",), ()):
        raw = Raw(host.im)
        lines = ["GET /ws HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: Upgrade", *headers]  # no key
        raw.send("\r\n".join(lines).encode() + b"\r\n\r\n")
        status, _ = raw.response()
        assert status in (400, 426), (headers, status)
        raw.close()
    raw = Raw(host.im)
    assert raw.upgrade("/no/such/socket") == 404
    raw.close()


def websocket_frames(host):
    """Broken frames end the connection with the code that RFC 6455 names."""
    def attack(expected, *frames, note=""):
        raw = Raw(host.im)
        assert raw.upgrade() == 101
        for options in frames:
            raw.frame(**options)
        code = raw.close_code()
        assert code == expected, f"expected {expected}, got {code}: {frames if not note else note}"
        raw.close()

    attack(1002, dict(opcode=TEXT, payload=b"{}", masked=False))
    attack(1002, dict(opcode=TEXT, payload=b"{}", reserved=4))
    attack(1002, dict(opcode=3, payload=b""))
    attack(1002, dict(opcode=0xB, payload=b""))
    attack(1002, dict(opcode=0, payload=b"goes on with nothing"))
    attack(1002, dict(opcode=TEXT, payload=b"{", final=False), dict(opcode=TEXT, payload=b"}"))
    attack(1002, dict(opcode=PING, payload=b"x" * 126))
    attack(1002, dict(opcode=PING, payload=b"x", final=False))
    attack(1002, dict(opcode=CLOSE, payload=b"x"))
    attack(1002, dict(opcode=CLOSE, payload=struct.pack(">H", 1005)))
    attack(1007, dict(opcode=TEXT, payload=b"\xff\xfe"))
    attack(1007, dict(opcode=TEXT, payload=b'{"type":"\xc3', final=False), dict(opcode=0, payload=b'\x28"}'))
    attack(1009, dict(opcode=TEXT, payload=b"", length=1 << 40), note="a terabyte announced")
    attack(1009, dict(opcode=TEXT, payload=b"x" * (2 << 20)), note="two megabytes")
    attack(1009, *[dict(opcode=TEXT if i == 0 else 0, payload=b"x" * 65536, final=False) for i in range(40)],
           note="two megabytes in fragments")


def websocket_messages(host):
    """Whole frames with nonsense in them get an error frame; the connection stays."""
    session = ImSession(host.im)
    session.log_in("h_alice")
    for text in ("", "{", "nonsense", "[" * 100_000, '{"a":' * 20_000, '{"type":"send_message","data":' + "[" * 5_000,
                 '{"type":"heartbeat","type":"dance"', '{"type":"' + "x" * 100_000 + '"}', "\x00", '{"type":"\\ud800"}',
                 '{"type":"send_message","data":{"receiver_id":"h_bob","type":"text","content":"\\udfff\\ud800"}}',
                 '{"type":"send_message","data":{"receiver_id":"' + "x" * 10_000 + '","type":"text","content":"x"}}',
                 '{"type":"ack","data":{"message_id":99999999999999999999999999,"status":"read"}}',
                 '{"type":"join_group","data":{"group_id":-1}}', '{"type":"sync_offline","data":{"limit":1e400}}',
                 '{"type":null}', '{"type":"send_message","data":{"receiver_id":"h_bob","type":"text","content":"%s"}}'
                 % ("x" * 900_000)):
        session.send_raw(text)
        answer = session.take()
        assert answer["type"] == "error" and isinstance(answer["data"]["error"], str), (text[:80], answer)
    assert not session.round_trip()
    session.close()


def packets(host):
    for data in (b"\x00\x00", b"\x00\x01x", b"\xff\xff" + b"x" * 65535, b"\x00\x05hello", os.urandom(4096)):
        link = socket.create_connection(host.carrypigeon, 30)
        link.sendall(data)
        link.shutdown(socket.SHUT_WR)
        link.settimeout(30)
        try:
            while link.recv(65536):  # answers or not, then the end
                pass
        except ConnectionError:
            pass
        link.close()
    session = PigeonSession(host.carrypigeon)
    for text in ("{", '{"id":"x","route":5}', '{"id":1}', "{}", '{"id":1,"route":"/core/channel/list","data":[]}',
                 '{"id":1,"route":"/core/channel/list","data":' + '{"a":' * 8_000, '{"id":1,"route":"' + "/x" * 20_000 + '"}',
                 '{"id":1e300,"route":"/core/channel/list","data":{}}', '{"id":1,"route":"/core/user/login/token","data":{"token":"\\ud800"}}'):
        session.send_raw(text)
        answer = session.take()
        assert answer["code"] in (100, 300, 404), (text[:80], answer)
    session.close()
    link = Packets(host.carrypigeon)  # text that is no UTF-8
    link.send(b'{"id":1,"route":"\xff\xfe","data":{}}')
    try:
        assert link.receive_json()["code"] in (100, 404)
    except Closed:
        pass
    link.close()


def abandoned(host, many):
    """Connections that stop half-way, at every place where one can stop."""
    pieces = [b"", b"G", b"GET /health HTTP/1.1\r\nHos", b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n",
              b"POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nX-User-ID: h_alice\r\nContent-Length: 100\r\n\r\n{\"rec"]
    left = []
    for index in range(many):
        raw = Raw(host.im)
        raw.send(pieces[index % len(pieces)])
        if index % 2:
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.close()  # a reset
        else:
            left.append(raw)
    for index in range(many // 4):
        raw = Raw(host.im)
        assert raw.upgrade() == 101
        raw.send(b"\x81\xfe\x10")  # the beginning of a frame
        if index % 2:
            raw.close()
        else:
            left.append(raw)
    return left


def idle(host, witness, many):
    """Many connections that say nothing, while a normal client goes on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, many + 500)), hard))
    sockets, slowest = [], 0.0
    address = ("127.0.0.1", host.port("im"))
    for index in range(many):
        sockets.append(socket.create_connection(address, 30))
        if index % 500 == 0:
            slowest = max(slowest, witness.is_well())
    for link in sockets[:many // 2]:
        link.sendall(b"GET /hea")  # half of them slow with their headers
    for _ in range(50):
        slowest = max(slowest, witness.is_well())
    assert slowest < 5.0, f"the normal client waited {slowest:.1f} s"
    for link in sockets:
        link.close()


def slow(host):
    """A request whose headers never end is cut off by the host's own deadline."""
    raw = Raw(host.im)
    begin = time.monotonic()
    raw.send(b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    answer = raw.until_closed()
    took = time.monotonic() - begin
    assert not answer or answer.startswith(b"HTTP/1.1 408"), answer
    assert took < 20, f"it took {took:.0f} s"
    raw.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loft", required=True)
    parser.add_argument("--plugins")
    parser.add_argument("--idle", type=int, default=5000)
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, options.idle + 1000)), hard))
    with Host(options.loft, options.plugins) as host:
        witness = Witness(host)
        steps = [("HTTP bodies", http_bodies), ("HTTP sizes", http_sizes), ("HTTP heads", http_heads),
                 ("upgrades", upgrades), ("WebSocket frames", websocket_frames),
                 ("WebSocket messages", websocket_messages), ("packets", packets), ("slow headers", slow)]
        for name, attack in steps:
            attack(host)
            assert host.alive(), "the host is dead\n" + host.tail()
            witness.is_well()
            print(f"ok  {name}", flush=True)
        left = abandoned(host, 200)
        witness.is_well()
        print(f"ok  {len(left)} half-open connections", flush=True)
        idle(host, witness, options.idle)
        print(f"ok  {options.idle} idle connections", flush=True)
        for raw in left:
            raw.close()
        host.check_log()
    print("ok  the host drained, and its sanitizers were silent")


if __name__ == "__main__":
    main()
