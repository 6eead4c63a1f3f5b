#!/usr/bin/python3
"""Encrypted packets against the real program: handshakes, what ends a connection, heartbeats, TLS, and wrong keys."""

import json
import ssl
import struct
import time

from lib.cases import case, run
from lib.host import PIGEON_KEY, Host
from lib.program import TRUSTING, Place
from lib.sealed import SealedPackets
from lib.session import PigeonSession
from lib.tls import certificate
from lib.wire import Closed, Packets

SEALED = ("  - {{name: {name}, listen: 127.0.0.1:0, transport: {{use: route_packet, encryption: {encryption}, {more}"
          "private_key: {key}}}, contracts: [carrypigeon]{tls}}}\n")


def listener(name, encryption="required", more="", tls="", key=PIGEON_KEY):
    return SEALED.format(name=name, encryption=encryption, more=more, tls=tls, key=key)


def closed(connection):
    try:
        while True:
            connection.receive()
    except Closed:
        return True


@case
def handshakes(given):
    """handshakes succeed in both forms, with and without prefix, and a login follows; plain packets end a connection that
    must be encrypted, and serve one that may be"""
    extra = listener("must") + listener("may", "optional")
    with Host(given.loft, given.plugins, extra=extra) as host:
        account = host.account("s_ann")
        for name in ("must", "may"):
            address = ("127.0.0.1", host.port(name))
            for desktop in (False, True):
                for prefix in (False, True):
                    session = PigeonSession(address, packets=lambda where, tls, d=desktop, p=prefix: SealedPackets(
                        where, tls, d, p))
                    session.log_in(account["token"], account["uid"])
                    session.close()
        plain = Packets(("127.0.0.1", host.port("must")))
        plain.send_json({"id": 1, "route": "/core/channel/list", "data": {}})
        assert closed(plain)
        plain = PigeonSession(("127.0.0.1", host.port("may")))
        plain.log_in(account["token"], account["uid"])
        plain.close()


@case
def forged(given):
    """a packet that comes twice, is of another session, too old, or changed on its way ends the connection"""
    with Host(given.loft, given.plugins, extra=listener("must")) as host:
        def packet(it, change):
            it.send_json({"id": 1, "route": "/no/such/route"})
            assert it.receive_json()["code"] == 404
            change(it)

        def again(it):
            it.sequence -= 1
            it.beat()

        def other_session(it):
            it.session += 1
            it.beat()

        def old(it):
            it.send_bare(bytes(12) + struct.pack(">iqq", it.sequence, it.session, int(time.time() * 1000) - 181_000))

        def changed(it):
            it.send_bare(b"123456789012" + it.associated() + bytes(40))

        for change in (again, other_session, old, changed):
            it = SealedPackets(("127.0.0.1", host.port("must")))
            packet(it, change)
            assert closed(it), change.__name__


@case
def heartbeats(given):
    """an encrypted client hears heartbeats while nothing else is said, and one that says nothing is closed"""
    extra = listener("beats", more="heartbeat: 50ms, ") + listener("idle", more="idle_timeout: 1s, ")
    with Host(given.loft, given.plugins, extra=extra) as host:
        it = SealedPackets(("127.0.0.1", host.port("beats")))
        for _ in range(3):
            payload = it.receive_payload()
            assert len(payload) == 32 and payload.startswith(bytes(12)), payload
        it.close()
        begin = time.monotonic()  # before the host's own clock begins: this process may be kept waiting at any time
        it = SealedPackets(("127.0.0.1", host.port("idle")))
        assert closed(it)
        assert time.monotonic() - begin > 0.99


@case
def over_tls(given):
    """encrypted packets pass through TLS like plain ones"""
    with Place(given, "") as folder:
        chain, key = certificate(folder.path)
        extra = listener("both", tls=f", tls: {{certificate: {chain}, key: {key}}}")
        with Host(given.loft, given.plugins, extra=extra) as host:
            account = host.account("s_ann")
            trusted = ssl.create_default_context(cafile=chain)
            session = PigeonSession(("127.0.0.1", host.port("both")), trusted, packets=SealedPackets)
            session.log_in(account["token"], account["uid"])
            cid = session.request("/core/channel/create", {"name": "Doves"})["data"]["cid"]
            mids = [session.request("/core/channel/message/create", {
                "cid": cid, "domain": "Core:Text", "data": {"text": "x" * 15_000}})["data"]["mid"] for _ in range(6)]
            page = session.request("/core/channel/message/list", {"cid": cid, "start_time": 0, "count": 50})["data"]
            assert [one["mid"] for one in page["messages"]] == mids[:-5:-1], json.dumps(page)[:300]
            session.close()


@case
def wrong_keys(given):
    """encryption without a key, or with one that is none, is refused by `loft check`, and the key is not repeated"""
    for key, words in (("''", ("encryption", "private_key")), ("bm8ga2V5", ("private key", "P-256"))):
        with Place(given, TRUSTING + "listeners:\n" + listener("must", key=key)) as place:
            ran = place.refused(78, *words)
            assert "bm8ga2V5" not in ran.err, ran


if __name__ == "__main__":
    run(__doc__)
