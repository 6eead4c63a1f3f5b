#!/usr/bin/python3
"""Listeners: TLS, options of their own, and clients that half-close."""

import json
import os
import socket
import ssl
import threading
import urllib.request

from lib.cases import case, run
from lib.host import Host
from lib.program import TRUSTING, Place
from lib.raw import Raw
from lib.session import Http, ImSession, PigeonSession
from lib.tls import certificate
from lib.wire import Closed, WebSocket


@case
def tls(given):
    """im works over https and wss; plain text on that port gets nothing, and harms nobody"""
    with Place(given, "") as folder:
        chain, key = certificate(folder.path)
        extra = (f"  - {{name: secure, listen: 127.0.0.1:0, contracts: [im], tls: {{certificate: {chain}, key: {key}}}}}\n")
        trusted = ssl.create_default_context(cafile=chain)
        with Host(given.loft, given.plugins, extra=extra) as host:
            port = host.port("secure")
            bob = ImSession(host.im)  # the plain listener: the same contract
            bob.log_in("s_bob")
            alice = WebSocket(f"wss://127.0.0.1:{port}/ws", ssl=trusted)
            alice.send_json({"type": "login", "data": {"user_id": "s_alice", "token": "t"}, "timestamp": 1})
            assert alice.receive_json()["data"]["success"] is True
            long = "x" * 3_000
            alice.send_json({"type": "send_message", "timestamp": 1,
                             "data": {"receiver_id": "s_bob", "type": "text", "content": long}})
            answer = alice.receive_json()
            assert answer["data"]["success"] is True and answer["data"]["message"]["content"] == long
            assert bob.take()["data"]["content"] == long
            request = urllib.request.Request(f"https://127.0.0.1:{port}/api/v1/messages/{answer['data']['message_id']}",
                                             headers={"X-User-ID": "s_bob"})
            with urllib.request.urlopen(request, timeout=30, context=trusted) as got:
                assert json.load(got)["message"]["content"] == long

            raw = Raw(f"http://127.0.0.1:{port}")
            raw.send(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert not raw.until_closed().startswith(b"HTTP/")
            raw.close()
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                context = ssl.create_default_context(cafile=chain)
                context.minimum_version = context.maximum_version = version
                with context.wrap_socket(socket.create_connection(("127.0.0.1", port), 15),
                                         server_hostname="127.0.0.1") as link:
                    link.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    assert link.recv(100).startswith(b"HTTP/1.1 200 ")
            alice.close()
            bob.close()


@case
def tls_at_once(given):
    """twenty people over wss, packets over TLS and HTTPS requests at once: everything arrives, in order, and whoever
    leaves half a handshake behind harms nobody"""
    with Place(given, "") as folder:
        chain, key = certificate(folder.path)
        files = f"tls: {{certificate: {chain}, key: {key}}}"
        extra = (f"  - {{name: secure, listen: 127.0.0.1:0, contracts: [im], {files}}}\n"
                 f"  - {{name: packets, listen: 127.0.0.1:0, transport: route_packet, contracts: [carrypigeon], {files}}}\n"
                 "contracts: {im: {auth: token}}\n")
        trusted = ssl.create_default_context(cafile=chain)
        with Host(given.loft, given.plugins, extra=extra) as host:
            base = f"https://127.0.0.1:{host.port('secure')}"
            names = [f"s_user{number}" for number in range(20)]
            tokens = {name: host.account(name)["token"] for name in names}
            halves = [socket.create_connection(("127.0.0.1", host.port("secure")), 15) for _ in range(10)]
            for half in halves:
                half.sendall(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a ClientHello
            sessions = [ImSession(base, ssl=trusted) for _ in names]
            for session, name in zip(sessions, names):
                session.log_in(name, tokens[name])
            account = host.account("s_pigeon")
            pigeon = PigeonSession(("127.0.0.1", host.port("packets")), ssl=trusted)
            pigeon.log_in(account["token"], account["uid"])
            failed, each = [], 25

            def speak(index):
                try:
                    session, friend = sessions[index], names[(index + 1) % len(names)]
                    for number in range(each):
                        session.send_json({"type": "send_message", "timestamp": 1, "data": {
                            "receiver_id": friend, "type": "text", "content": f"{index}:{number}"}})
                    answers = [session.find(lambda frame: frame["type"] == "send_message")["data"] for _ in range(each)]
                    assert [a["message"]["content"] for a in answers] == [f"{index}:{n}" for n in range(each)], answers
                    heard = [session.find(lambda frame: frame["type"] == "new_message")["data"] for _ in range(each)]
                    other = (index - 1) % len(names)
                    assert [h["content"] for h in heard] == [f"{other}:{n}" for n in range(each)], heard
                    session.send_json({"type": "send_message", "timestamp": 1, "data": {
                        "receiver_id": "s_pigeon", "type": "text", "content": "x" * 2_000}})
                    got = Http(base, trusted).call("GET", f"/api/v1/messages/{answers[-1]['message_id']}",
                                                   {"Authorization": "Bearer " + tokens[names[index]]})
                    assert got[0] == 200 and got[1]["message"]["content"] == f"{index}:{each - 1}", got
                except Exception as error:  # noqa: BLE001 - said by the case, in its own thread
                    failed.append(f"{index}: {error!r}")

            threads = [threading.Thread(target=speak, args=(index,)) for index in range(len(names))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            assert not failed, failed
            senders = [pigeon.find(lambda packet: packet["id"] == -1)["data"]["data"] for _ in names]
            assert len({one["uid"] for one in senders}) == len(names), senders
            for one in [*halves, *sessions, pigeon]:
                one.close()


@case
def wrong_tls(given):
    """a key that is missing, another's, or no key ends the start with 78 and the file's name"""
    with Place(given, TRUSTING) as place:
        chain, key = certificate(place.path)
        _, other = certificate(place.path, "other")

        def listener(certificate_file, key_file):
            place.write("loft.yaml", f"data_dir: data\nplugin_path: [{os.path.abspath(given.plugins)}]\n" + TRUSTING
                        + "listeners:\n  - {name: im, listen: 127.0.0.1:0, contracts: [im], "
                        f"tls: {{certificate: {certificate_file}, key: {key_file}}}}}\n")

        for files, words in (((chain, other), ("cannot use the TLS key", other, "key values mismatch")),
                             ((chain, "/nowhere.key"), ("cannot use the TLS key '/nowhere.key'", "No such file")),
                             ((chain, chain), ("cannot use the TLS key", chain)),
                             (("/nowhere.crt", key), ("cannot use the TLS certificate '/nowhere.crt'", "No such file")),
                             ((place.path + "/loft.yaml", key), ("cannot use the TLS certificate", "PEM"))):
            listener(*files)
            ran = place.refused(78, "listener 'im'", *words)
            assert "BEGIN" not in ran.err and ran.err.count("listener 'im'") == 1, ran
        place.write("loft.yaml", "data_dir: data\n" + TRUSTING + "listeners:\n  - {name: im, listen: 127.0.0.1:0, "
                    f"contracts: [im], tls: {{certificate: {chain}}}}}\n")
        place.refused(78, "loft.yaml:", "listeners.0.tls: has a certificate and no key; give tls.key")


@case
def own_options(given):
    """options that a listener gives its transport are its own, not those of the first one"""
    extra = ("  - {name: narrow, listen: 127.0.0.1:0, transport: {use: http, max_body: 1KiB}, contracts: [im]}\n"
             "  - {name: small, listen: 127.0.0.1:0, websocket: {max_message: 1KiB}, contracts: [im]}\n")
    body = json.dumps({"receiver_id": "s_bob", "type": "text", "content": "x" * 2_000}).encode()
    with Host(given.loft, given.plugins, extra=extra) as host:
        for name, expected in (("im", 200), ("narrow", 413), ("small", 200)):
            status, _ = Http(f"http://127.0.0.1:{host.port(name)}").call("POST", "/api/v1/messages",
                                                                        {"X-User-ID": "s_alice"}, body)
            assert status == expected, (name, status)
        for name, fits in (("im", True), ("narrow", True), ("small", False)):
            client = WebSocket(f"ws://127.0.0.1:{host.port(name)}/ws")
            client.send_json({"type": "heartbeat", "data": {"user_id": "x" * 2_000}, "timestamp": 1})
            try:
                assert client.receive_json()["type"] == "error" and fits, name
            except Closed as closed:
                assert not fits and closed.code == 1009, (name, closed.code)


@case
def half_close(given):
    """a client that ends its sending side behind a request still gets the whole answer"""
    body = b'{"receiver_id":"s_bob","type":"text","content":"and no more"}'
    request = (b"POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nX-User-ID: s_alice\r\nContent-Length: %d\r\n\r\n" % len(body)
               + body)
    with Host(given.loft, given.plugins) as host:
        for requests in (1, 3):
            raw = Raw(host.im)
            raw.send(request * requests)
            raw.socket.shutdown(socket.SHUT_WR)
            answer = raw.until_closed()
            assert answer.count(b"HTTP/1.1 200 OK") == requests, answer
            assert answer.count(b'"content":"and no more"') == requests, answer
            raw.close()
        raw = Raw(host.im)  # half a request is none
        raw.send(request[:-1])
        raw.socket.shutdown(socket.SHUT_WR)
        assert raw.until_closed() == b""
        raw.close()
        status, page = Http(host.im).call("GET", "/api/v1/messages/offline", {"X-User-ID": "s_bob"})
        assert status == 200 and len(page["messages"]) == 4, page


if __name__ == "__main__":
    run(__doc__)
