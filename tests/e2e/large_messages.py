#!/usr/bin/python3
"""Offline messages so large that no page has room for a hundred: page after page brings each, once, in order."""

from itertools import count

from lib.cases import case, run
from lib.host import Host
from lib.people import Im
from lib.session import FlixSession, NetherlinkSession

MESSAGES = 90
LONG = "x" * 16_000


def waiting(host):
    """Bob, and the ids of what he has missed."""
    ann, bob = Im(host, host.account("ann")), host.account("bob")
    ann.enter()
    return bob, [ann.send(bob, f"{number:03}" + LONG) for number in range(MESSAGES)]


def ids(frame):
    payload = frame["payload"]
    assert frame["type"] == "offline_messages" and payload["count"] == len(payload["messages"]), frame["type"]
    return [message["message_id"] for message in payload["messages"]]


def turn(session, page, size=100):
    session.send_json({"type": "sync_offline_messages", "payload": {"page": page, "page_size": size}})


def log_in(host, bob):
    session = NetherlinkSession(host.at("netherlink"))
    session.log_in("bob", bob["token"])
    return session, session.take()


@case
def one_by_one(given):
    """After the login, from page 2 on until a page is empty, confirming nothing."""
    with Host(given.loft, given.plugins, contracts=("im", "netherlink")) as host:
        bob, sent = waiting(host)
        session, first = log_in(host, bob)
        heard = ids(first)
        assert 0 < len(heard) < MESSAGES and first["payload"]["has_more"] is True, len(heard)
        for page in count(2):
            turn(session, page)
            frame = session.take()
            heard += ids(frame)
            assert ("has_more" in frame["payload"]) == (0 < len(heard) < MESSAGES), page
            if not ids(frame):
                break
        assert heard == sent, [len(heard), len(set(heard))]


@case
def confirming(given):
    """Every second page is confirmed on the way; afterwards page 1 begins with what was not."""
    with Host(given.loft, given.plugins, contracts=("im", "netherlink")) as host:
        bob, sent = waiting(host)
        session, first = log_in(host, bob)
        heard, confirmed = ids(first), []
        for page in count(2):
            if page % 2 == 0:
                confirmed += (now := heard[len(confirmed):] if not confirmed else ids(frame))
                session.send_json({"type": "confirm_messages_synced", "payload": {"message_ids": now}})
                assert session.take()["payload"]["count"] == len(now)
            turn(session, page)
            frame = session.take()
            heard += ids(frame)
            if not ids(frame):
                break
        assert heard == sent, [len(heard), len(set(heard))]
        left = [one for one in sent if one not in set(confirmed)]
        assert left, "some are left"
        turn(session, 1)
        again = ids(session.take())
        assert again == left[:len(again)], again


@case
def all_at_once(given):
    """Asked for in one go, before the first page has come."""
    with Host(given.loft, given.plugins, contracts=("im", "netherlink")) as host:
        bob, sent = waiting(host)
        session = NetherlinkSession(host.at("netherlink"))
        session.send_json({"type": "login", "payload": {"uid": "bob", "token": bob["token"]}})
        for page in range(2, 20):
            turn(session, page)
        assert session.take() == {"type": "login_success"}
        heard = []
        for _ in range(19):
            heard += ids(session.take())
        assert heard == sent, [len(heard), len(set(heard))]


@case
def history(given):
    """A channel's history, short page by short page: each but the last says that there is more, and none is left out."""
    with Host(given.loft, given.plugins, contracts=("im", "flix")) as host:
        bob, sent = waiting(host)
        session = FlixSession(host.at("flix"))
        session.log_in(bob["uuid"], bob["token"])
        chats = session.request("get_conversations", {})["response"]["conversations"]
        ask = {"conversation_id": chats[0]["conversation"]["id"], "limit": 100}
        texts = []
        while True:
            page = session.request("get_conversation_history", ask)["response"]
            texts += [message["content"]["text"][:3] for message in page["messages"]]
            assert page.get("has_more", False) is (len(texts) < MESSAGES), len(texts)
            if "has_more" not in page:
                break
            ask["before"] = page["messages"][-1]["id"]
        assert texts == [f"{number:03}" for number in reversed(range(len(sent)))], texts


if __name__ == "__main__":
    run(__doc__)
