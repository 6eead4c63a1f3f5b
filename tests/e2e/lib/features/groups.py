"""Groups and their members."""

import json

from ..tries import ImTries, MessageServiceTries, compact
from .answers import lossy, refused


def members(world, group, account):
    """The handles of a group as one of them sees it."""
    rows = ImTries(world.host, account).ask("GET", f"/api/v1/groups/{group}/members")
    return rows.error or json.dumps(rows.body)


def make_group(world, view):
    with view(world.host, world.ann) as ann:
        answer = ann.make_group(world.ben)
    if answer.error:
        return refused(answer)
    found = members(world, answer.number, world.ann)
    assert '"ann"' in found, found
    return "yes" if '"ben"' in found else lossy("with nobody but its maker; others apply or are added")


def join(world, view):
    group = world.make_group()
    with view(world.host, world.cas) as cas:
        answer = cas.join(group)
    if answer.error:
        return refused(answer)
    return "yes" if '"cas"' in members(world, group, world.ann) else lossy("as an application that an admin must approve")


def join_closed(world, view):
    made = MessageServiceTries(world.host, world.ann).ask("POST", "/api/v1/groups", {"name": "g", "joinType": "INVITE_ONLY"})
    group = int(made.body["data"]["groupId"].removeprefix("group_"))
    with view(world.host, world.cas) as cas:
        answer = cas.join(group)
    if answer.error:
        return refused(answer)
    if '"cas"' in members(world, group, world.ann):
        return "yes"
    return lossy("answered as done, and nobody joined: `" + compact(answer.body) + "`")


def quit_group(world, view):
    group = world.make_group(world.ben)
    with view(world.host, world.ben) as ben:
        answer = ben.quit(group)
    if answer.error:
        return refused(answer)
    assert '"ben"' not in members(world, group, world.ann)
    return "yes"


def add_member(world, view):
    group = world.make_group()
    with view(world.host, world.ann) as ann:
        answer = ann.add(group, world.ben)
    if answer.error:
        return refused(answer)
    assert '"ben"' in members(world, group, world.ann)
    return "yes"


def mute(world, view):
    group = world.make_group(world.ben)
    with view(world.host, world.ann) as ann:
        answer = ann.mute(group, world.ben)
    if answer.error:
        return refused(answer)
    tried = ImTries(world.host, world.ben).ask("POST", "/api/v1/messages",
                                               {"group_id": str(group), "type": "text", "content": "hm"})
    assert tried.error, "the muted member spoke"
    return "yes"
