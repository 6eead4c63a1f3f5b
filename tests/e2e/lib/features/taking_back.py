"""Taking back: for all, or for oneself."""

import json

from ..tries import MessageServiceTries
from .answers import NONE, comes_about, lossy, refused, witness


def recall(world, view):
    with view(world.host, world.ann) as ann:
        number = ann.tell(world.ben, "a slip").number
        answer = ann.try_recall(number)
    if answer.error:
        return refused(answer)
    seen = witness(world, world.ben, number)
    assert seen is None or "slip" not in seen["content"], seen
    return "yes"


def remains(world, view):
    number = world.say("a slip")
    MessageServiceTries(world.host, world.ann).try_recall(number)
    with view(world.host, world.ben) as ben:
        try:
            seen = ben.look(number, ben.private_place(world.ann))
        except AssertionError as error:
            return lossy(f"it is gone: {error}")
    if seen is None:
        return lossy("it is gone, and nothing says so")
    assert "a slip" not in json.dumps(seen.raw), seen
    return f"yes: `{seen.kind}` “{seen.text}”" + (f", `{seen.state}`" if seen.state else "")


def recall_live(world, view):
    if not view.pushes:
        return NONE
    with view(world.host, world.ben) as ben:
        number = world.say("a slip")
        assert ben.hear().id == number
        MessageServiceTries(world.host, world.ann).try_recall(number)
        heard = []
        if comes_about(lambda: heard.append(ben.hears_of(number)) or heard[-1]):
            return "yes"
    return lossy("nothing is heard")


def hide(world, view):
    number = world.say("not for me")
    with view(world.host, world.ben) as ben:
        answer = ben.hide(number)
        if answer.error:
            return refused(answer)
        place = ben.private_place(world.ann)
        gone = number not in ben.history(place)
    assert witness(world, world.ann, number)["content"] == "not for me"
    return "yes" if gone else lossy("it is still listed")
