"""The operator's messages."""

from ..tries import ImTries, NetherlinkTries
from .answers import NONE, lossy, refused, witness


def from_operator(world, view, number):
    with view(world.host, world.cas) as cas:
        seen = next((seen for seen in cas.listed() if seen.id == number), None)
    if seen is None:
        return lossy("it is not given")
    text = seen.text
    if "to be read" not in str(text):
        return lossy(f"`{seen.kind}` “{text}”")
    return f"yes: `{seen.kind}` in `{world.plain(seen.where)}`"


def notice(world, view):
    return from_operator(world, view, world.notice)


def announcement(world, view):
    return from_operator(world, view, world.announcement)


def write_to_operator(world, view):
    """A user writes into the conversation of notices."""
    with view(world.host, world.cas) as cas:
        seen = next((seen for seen in cas.listed() if seen.id == world.notice), None)
        if seen is None:
            return NONE
        if view is ImTries:  # there it comes from a user, like any other
            answer = cas.tell({"handle": seen.sender}, "thanks")
        else:
            answer = cas.tell_group(seen.where.removeprefix("system_") if view is NetherlinkTries else seen.where, "thanks")
    if answer.error:
        return refused(answer)
    row = witness(world, world.backend, answer.number)
    return lossy(f"it goes to `{row['receiver_id']}` alone, as any message between two")
