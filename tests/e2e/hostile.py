#!/usr/bin/python3
"""Bad input of every kind: the documented error each, others unaffected, the sanitizers silent."""

import argparse
import json
import os
import resource
import select
import socket
import struct
import time

from lib.cases import until
from lib.host import Host
from lib.raw import Raw
from lib.session import ImSession, PigeonSession
from lib.wire import Closed, Packets

TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
SEND = b'{"receiver_id":"h_bob","type":"text","content":"%s"}'


# One host has plenty of patience with those who say nothing, the other soon loses it.
PATIENT = ["--set", "listeners.0.transport={use: http, header_timeout: 10m}"]
HASTY = ["--set", "listeners.0.transport={use: http, header_timeout: 2s, body_timeout: 2s, body_rate: 0}",
         "--set", "listeners.0.websocket={idle_timeout: 4s, ping_interval: 1s, close_timeout: 1s}",
         "--set", "listeners.1.transport={use: route_packet, idle_timeout: 3s}",
         "--set", "contracts.im.login_timeout=3s"]
SLACK = 15.0  # what a busy machine may add to the host's own times


def connections(host):
    return int(host.metrics()["loft_net_connections"])


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
        if select.select([raw.socket], [], [], 0)[0] or not raw.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n"):
            break  # it has answered
    assert raw.response()[0] == 413
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
    heads = ((400, b"GARBAGE\r\n\r\n"), (505, b"GET / HTTP/9.9\r\nHost: x\r\n\r\n"),
             (400, b"GET /health HTTP/1.1\r\nHost x\r\n\r\n"),
             (400, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n"),
             (400, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
             (400, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc"),
             (400, b"GET /health HTTP/1.1\r\nHost: x\r\nX-User-ID: ann\r\nx-user-id: ben\r\n\r\n"),
             (400, b"GET /health HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer a\r\n\r\n"),
             (400, b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                   + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" * 2 + b"\r\n"),
             (501, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
             (400, b"POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
             (400, bytes(range(256)) * 4 + b"\r\n\r\n"))
    for status, head in heads:
        raw = Raw(host.im)
        raw.send(head)
        answer(raw.until_closed(), status, head)
        raw.close()


def answer(data, status, cause):
    """One whole answer with this status and a text that says what is wrong, and nothing behind it."""
    head, end, body = data.partition(b"\r\n\r\n")
    assert end and head.startswith(b"HTTP/1.1 %d " % status), (cause, data)
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    assert length == len(body), (cause, data)
    error_of(status, body, status)


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


def resets(host, many):
    """Connections that stop half-way, at every place where one can stop, with a reset."""
    pieces = [b"", *UNFINISHED, None]
    for index in range(many):
        raw = Raw(host.im)
        piece = pieces[index % len(pieces)]
        if piece is None:
            assert raw.upgrade() == 101
            piece = b"\x81\xfe\x10"
        raw.send(piece)
        raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()


UNFINISHED = (b"G", b"GET /health HTTP/1.1\r\nHos", b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n",
              b"POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nX-User-ID: h_alice\r\nContent-Length: 100\r\n\r\n{\"rec")


def half_open(host, many):
    """Those that stop half-way and stay: the host ends each when its time is over, not before and not much later."""
    before, left = connections(host), []

    def open_one(after, check, *, packets=False, upgraded=False, first=b"", logged_in=False):
        begin = time.monotonic()  # before the host's own clock begins
        raw = Raw("tcp://%s:%d" % host.carrypigeon if packets else host.im)
        if upgraded:
            assert raw.upgrade() == 101
        raw.send(first)
        if logged_in:
            heard = raw.socket.recv(2)  # the answer, a short frame
            length = heard[1] if heard[1] < 126 else int.from_bytes(raw.socket.recv(2), "big")
            assert b'"success":true' in raw.socket.recv(length, socket.MSG_WAITALL)
        left.append((raw, begin, time.monotonic(), after, check))

    def timed_out(data):
        answer(data, 408, "half a request")

    def silence(data):
        assert data == b"", data

    def goodbye(data):
        while data[:1] == b"\x89":  # pings before it
            data = data[2 + data[1]:]
        assert not data or data[:1] in (b"\x81", b"\x88"), data

    def login(index):  # a user of its own each: a second login of the same ends the first
        text = json.dumps({"type": "login", "data": {"user_id": f"h_mute{index}", "token": "t"}, "timestamp": 1}).encode()
        return bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text  # a mask of zeros changes nothing

    for number in range(many):
        open_one(2, silence)
        for piece in UNFINISHED:
            open_one(2, timed_out, first=piece)
        open_one(3, goodbye, upgraded=True)                                    # never logs in
        open_one(4, goodbye, upgraded=True, first=login(number), logged_in=True)  # never answers a ping
        open_one(3, goodbye, upgraded=True, first=b"\x81\xfe\x10")             # half a frame
        open_one(3, silence, packets=True)
        open_one(3, silence, packets=True, first=b"\x00\x40{\"id\"")
    ended = set()
    while len(ended) < len(left):
        waiting = [raw.socket for index, (raw, *_) in enumerate(left) if index not in ended]
        readable = set(select.select(waiting, [], [], 0.5)[0])
        for index, (raw, begin, since, after, check) in enumerate(left):
            if index in ended or raw.socket not in readable:
                assert index in ended or time.monotonic() - since < after + SLACK, f"{index % 10} of {len(left)} is still open"
                continue
            head = raw.socket.recv(1, socket.MSG_PEEK)
            if head == b"\x89":  # a ping: read it, it is no end
                raw.socket.recv(raw.socket.recv(2)[1])
                continue
            took = time.monotonic() - begin
            assert took > after - 0.1, f"{raw.socket.recv(4096)!r} after {took:.1f} s, its time was {after} s"
            check(raw.until_closed())
            raw.close()
            ended.add(index)
    Witness(host).is_well()
    until(lambda: connections(host) <= before + 1, "the connections are gone", 30)
    return len(left)


def idle(host, witness, many):
    """Many connections that say nothing, all held by the host, while a normal client goes on."""
    sockets, slowest, before = [], 0.0, connections(host)
    where = ("127.0.0.1", host.port("im"))
    for index in range(many):
        sockets.append(socket.create_connection(where, 30))
        if index % 2:
            sockets[-1].sendall(b"GET /hea")  # half of them slow with their headers
        if index % 500 == 0:
            slowest = max(slowest, witness.is_well())
    until(lambda: connections(host) >= before + many, f"the host holds {many} connections", 60)
    for _ in range(50):
        slowest = max(slowest, witness.is_well())
    assert slowest < SLACK, f"the normal client waited {slowest:.1f} s"
    assert connections(host) >= before + many, "the host dropped some of them"
    sockets[1].sendall(b"lth HTTP/1.1\r\nHost: x\r\n\r\n")  # and they work: one goes on
    assert sockets[1].recv(65536).startswith(b"HTTP/1.1 200 ")
    for link in sockets:
        link.close()
    until(lambda: connections(host) <= before, "the connections are gone", 60)


def slow(host):
    """A request whose headers come drop by drop is cut off by the host's own deadline."""
    raw = Raw(host.im)
    begin = time.monotonic()
    raw.send(b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    while not select.select([raw.socket], [], [], 0.2)[0]:
        raw.send(b"x")
        assert time.monotonic() - begin < 2 + SLACK, "each byte prolongs its time"
    answer(raw.until_closed(), 408, "slow headers")
    assert time.monotonic() - begin > 1.5
    raw.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loft", required=True)
    parser.add_argument("--plugins")
    parser.add_argument("--idle", type=int, default=5000)
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, options.idle + 1000)), hard))
    with Host(options.loft, options.plugins, arguments=PATIENT) as host:
        witness = Witness(host)
        steps = [("HTTP bodies", http_bodies), ("HTTP sizes", http_sizes), ("HTTP heads", http_heads),
                 ("upgrades", upgrades), ("WebSocket frames", websocket_frames),
                 ("WebSocket messages", websocket_messages), ("packets", packets)]
        for name, attack in steps:
            attack(host)
            assert host.alive(), "the host is dead\n" + host.tail()
            witness.is_well()
            print(f"ok  {name}", flush=True)
        resets(host, 200)
        witness.is_well()
        print("ok  200 resets", flush=True)
        idle(host, witness, options.idle)
        print(f"ok  {options.idle} idle connections", flush=True)
        host.check_log()
    with Host(options.loft, options.plugins, arguments=HASTY) as host:
        slow(host)
        print("ok  slow headers", flush=True)
        print(f"ok  {half_open(host, 10)} half-open connections", flush=True)
    print("ok  the host drained, and its sanitizers were silent")


if __name__ == "__main__":
    main()
