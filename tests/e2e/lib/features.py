"""What each contract can do, found out by doing it; every function gives the cell of one contract."""

import json
import time

import websockets

from .cases import until
from .tries import ImTries, MessageServiceTries, NetherlinkTries, compact
from .wire import Closed

NONE = "not in the contract"
PATIENCE = 5.0


def refused(answer):
    return f"refused: `{answer.error}`"


def lossy(how):
    return f"lossy: {how}"


def witness(world, account, number):
    """A message as `im` shows it to that user, or None."""
    answer = ImTries(world.host, account).ask("GET", f"/api/v1/messages/msg_{number}")
    return None if answer.error else answer.body["message"]


def comes_about(condition):
    try:
        until(condition, "", PATIENCE)
    except AssertionError:
        return False
    return True


def sent(world, answer, reader, text):
    if answer.error:
        return refused(answer)
    seen = witness(world, reader, answer.number)
    assert seen is not None and seen["content"] == text, f"{answer} is {seen} to the reader"
    return "yes"


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


def read(world, view):
    number = world.say("read me")
    with view(world.host, world.ben) as ben:
        seen = next(seen for seen in ben.catch_up() if seen.id == number)
        answer = ben.mark_read(seen)
    if answer.error:
        return refused(answer)
    state = witness(world, world.ann, number)["status"]
    return "yes" if state == "read" else lossy(f"the sender sees `{state}`")


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


def forward(world, view):
    number = world.say("pass it on")
    with view(world.host, world.ben) as ben:
        answer = ben.forward(number, world.cas)
    return sent(world, answer, world.cas, "pass it on")


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


def muted_speaks(world, view):
    with view(world.host, world.ben) as ben:
        answer = ben.tell_group(world.quiet, "hm")
    return refused(answer) if answer.error else "yes"


def stranger_speaks(world, view):
    with view(world.host, world.cas) as cas:
        answer = cas.tell_group(world.quiet, "hm")
    return refused(answer) if answer.error else "yes"


def to_nobody(world, view):
    nobody = {"handle": f"nobody {view.contract}", "uid": 7, "uuid": "00000000-0000-4000-8000-000000000007"}
    with view(world.host, world.ann) as ann:
        answer = ann.tell(nobody, "hm")
    return refused(answer) if answer.error else "yes: the user is made (`identity.auto_create`)"


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


FEATURES = (
    ("Sending", (
        ("a message to one user", private_send),
        ("the first message to a user", send_to_stranger),
        ("a message to a group", group_send),
        ("the same client id again, same content: the original", repeat),
        ("the same client id again, other content", other_content),
        ("forward", forward),
        ("to nobody", to_nobody),
        ("to a group one is not in", stranger_speaks),
        ("to a group in which one is muted", muted_speaks),
    )),
    ("Receiving", (
        ("pushed live", live_push),
        ("what was missed", missed),
        ("history", history),
        ("unread count", unread),
        ("unread count after a live push", unread_after_push),
        ("sessions per user", sessions),
    )),
    ("Receipts", (
        ("a push counts as delivered", delivered_by_push),
        ("what was asked for counts as delivered", delivered_by_fetch),
        ("mark as read", read),
        ("the sender sees delivered", delivered_state),
        ("the sender sees read", read_state),
    )),
    ("Taking back", (
        ("recall", recall),
        ("what a recalled message leaves", remains),
        ("a recall is heard live", recall_live),
        ("delete for oneself", hide),
    )),
    ("Groups", (
        ("create", make_group),
        ("join an open group", join),
        ("join a group by invitation only", join_closed),
        ("leave", quit_group),
        ("add a member", add_member),
        ("mute a member", mute),
    )),
    ("The operator's messages", (
        ("a notice to one user", notice),
        ("an announcement to all", announcement),
        ("a user answers", write_to_operator),
    )),
    ("Shown to the reader", (
        ("mentions", mention),
        ("the message replied to", reply_to),
        ("the client's id", client_id),
        ("the client's reference", reference),
        ("the client's time", client_time),
    )),
)
