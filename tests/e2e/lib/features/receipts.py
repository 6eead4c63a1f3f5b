"""Receipts: delivered and read, and what the sender sees of it."""

from ..tries import ImTries
from .answers import NONE, comes_about, lossy, refused, witness


def delivered_by_push(world, view):
    if not view.pushes:
        return NONE
    with view(world.host, world.ben) as ben:
        number = world.say("for your hands")
        assert ben.hear().id == number

        def seen():
            ben.session.round_trip()
            return witness(world, world.ann, number)["status"] == "delivered"
        good = comes_about(seen)
    return "yes" if good else lossy(f"the sender sees `{witness(world, world.ann, number)['status']}`")


def delivered_by_fetch(world, view):
    number = world.say("for your hands")
    away = view(world.host, world.ben)
    assert number in [seen.id for seen in away.catch_up()]
    if comes_about(lambda: witness(world, world.ann, number)["status"] == "delivered"):
        return away.leave() or "yes"
    away.acknowledge(number)
    state = witness(world, world.ann, number)["status"]
    away.leave()
    return "yes, once the client confirms" if state == "delivered" else lossy(f"the sender sees `{state}`")


def read(world, view):
    number = world.say("read me")
    with view(world.host, world.ben) as ben:
        seen = next(seen for seen in ben.catch_up() if seen.id == number)
        answer = ben.mark_read(seen)
    if answer.error:
        return refused(answer)
    state = witness(world, world.ann, number)["status"]
    return "yes" if state == "read" else lossy(f"the sender sees `{state}`")


def states(world, view, acts):
    """The sender's own message before and after what the reader does, in the words of the sender's contract."""
    with view(world.host, world.ann) as ann:
        number = ann.tell(world.ben, "how is it?").number
        place = ann.private_place(world.ben)
        before = ann.own(number, place)
        if before is None or not before.state:
            return NONE
        for status in acts:
            ImTries(world.host, world.ben).ask("POST", f"/api/v1/messages/msg_{number}/ack", {"status": status})
        after = ann.own(number, place).state
        live = view.pushes and comes_about(lambda: ann.hears_of(number))
    if after == before.state:
        return lossy(f"`{after}` as before")
    return f"yes: `{before.state}` becomes `{after}`" + (", told live" if live else "")


def delivered_state(world, view):
    return states(world, view, ["delivered"])


def read_state(world, view):
    return states(world, view, ["read"])
