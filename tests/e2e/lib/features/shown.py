"""What of a message beside its content the reader is shown."""

import json

from .answers import lossy


def shows(world, view, number, words):
    """Whether what cas is given of a message holds one of these words."""
    with view(world.host, world.cas) as cas:
        seen = next(seen for seen in cas.listed() if seen.id == number)
    raw = json.dumps({key: value for key, value in seen.raw.items() if key not in ("receiver_id", "sender_id")})
    return "yes" if any(word in raw for word in words) else lossy("it is not shown")


def names_of(account):
    return f'"{account["handle"]}"', str(account["uid"]), account["uuid"]


def mention(world, view):
    return shows(world, view, world.reply, names_of(world.ben))


def reply_to(world, view):
    return shows(world, view, world.reply, (str(world.replied), world.flix._uuid(world.replied)))


def client_id(world, view):
    return shows(world, view, world.reply, ("the client's key",))


def reference(world, view):
    return shows(world, view, world.dated, ("reference 7",))


def client_time(world, view):
    return shows(world, view, world.dated, ("2025-04-10T10:30:00", "1744281000000"))
