"""Sending: to one, to a group, again, on, to nobody."""

from .answers import lossy, refused, sent


def private_send(world, view):
    with view(world.host, world.ann) as ann:
        return sent(world, ann.tell(world.ben, "to you"), world.ben, "to you")


def send_to_stranger(world, view):
    """Pairs that have not spoken: one for each contract."""
    sender, receiver = world.strangers[view]
    with view(world.host, sender) as one:
        return sent(world, one.tell(receiver, "hello"), receiver, "hello")


def group_send(world, view):
    with view(world.host, world.ann) as ann:
        return sent(world, ann.tell_group(world.group, "to all"), world.ben, "to all")


def repeat(world, view):
    with view(world.host, world.ann) as ann:
        key = f"repeat {view.contract}"
        first, second = (ann.tell(world.ben, "once", client_id=key) for _ in range(2))
    assert not first.error, first
    if second.error:
        return refused(second)
    return "yes" if second.number == first.number else lossy("it is sent twice")


def other_content(world, view):
    with view(world.host, world.ann) as ann:
        key = f"other {view.contract}"
        first, second = (ann.tell(world.ben, text, client_id=key) for text in ("one", "another"))
    assert not first.error, first
    if second.error:
        return refused(second)
    return lossy("it is sent as another message")


def forward(world, view):
    number = world.say("pass it on")
    with view(world.host, world.ben) as ben:
        answer = ben.forward(number, world.cas)
    return sent(world, answer, world.cas, "pass it on")


def to_nobody(world, view):
    nobody = {"handle": f"nobody {view.contract}", "uid": 7, "uuid": "00000000-0000-4000-8000-000000000007"}
    with view(world.host, world.ann) as ann:
        answer = ann.tell(nobody, "hm")
    return refused(answer) if answer.error else "yes: the user is made (`identity.auto_create`)"


def stranger_speaks(world, view):
    with view(world.host, world.cas) as cas:
        answer = cas.tell_group(world.quiet, "hm")
    return refused(answer) if answer.error else "yes"


def muted_speaks(world, view):
    with view(world.host, world.ben) as ben:
        answer = ben.tell_group(world.quiet, "hm")
    return refused(answer) if answer.error else "yes"
