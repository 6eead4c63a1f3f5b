"""Receiving: pushes, what was missed, history, counts, sessions."""

import time

import websockets

from ..tries import ImTries
from ..wire import Closed
from .answers import NONE, comes_about, lossy, refused


def live_push(world, view):
    if not view.pushes:
        return NONE
    with view(world.host, world.ben) as ben:
        number = world.say("now")
        return "yes" if ben.hear().id == number else lossy("another message came first")


def missed(world, view):
    number = world.say("while you were away")
    with view(world.host, world.ben) as ben:
        return "yes" if number in [seen.id for seen in ben.catch_up()] else lossy("it is not given")


def history(world, view):
    """What was read long ago, and what the reader itself said."""
    mine = world.say("mine", world.ben, world.ann)
    old = world.say("read long ago")
    ImTries(world.host, world.ben).ask("POST", f"/api/v1/messages/msg_{old}/ack", {"status": "read"})
    with view(world.host, world.ben) as ben:
        found = ben.history(ben.private_place(world.ann))
    if old in found and mine in found:
        return "yes"
    if old in found:
        return lossy("without one's own messages")
    return lossy("only what is not synced yet; neither what was read nor one's own")


def total(world, view):
    """How many are unread, or the refusal."""
    with view(world.host, world.ben) as ben:
        answer = ben.count()
        return refused(answer) if answer.error else ben.unread()


def unread(world, view):
    before = total(world, view)
    if isinstance(before, str):
        return before
    world.say("count me")
    after = total(world, view)
    return "yes" if after == before + 1 else lossy(f"one more message adds {after - before}")


def unread_after_push(world, view):
    before = total(world, view)
    if isinstance(before, str):
        return before
    if not view.pushes:
        return NONE
    with view(world.host, world.ben) as ben:
        before = ben.unread()
        number = world.say("count me")
        assert ben.hear().id == number
        ben.session.round_trip()
        counted = comes_about(lambda: ben.unread() == before + 1)
    return "yes" if counted else lossy("what was pushed is not counted")


def sessions(world, view):
    if not view.pushes:
        return NONE
    first, second = view(world.host, world.eve), view(world.host, world.eve)
    first.enter()
    second.enter()
    end = time.monotonic() + 3
    heard = []
    try:
        while time.monotonic() < end:
            heard += first.session.round_trip()
            second.session.round_trip()
            time.sleep(0.05)
        return "yes: many"
    except (Closed, ConnectionError, websockets.exceptions.ConnectionClosed):
        second.session.round_trip()
        return "yes: one, a newer login ends the older session"
    finally:
        first.session.drop()
        second.leave()
