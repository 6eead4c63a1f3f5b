#!/usr/bin/python3
"""The matrix: whatever is sent in one contract arrives in every other, and read and recall are seen in all."""

import secrets

from lib.cases import case, run
from lib.host import Host
from lib.people import CONTRACTS, Flix, Im, time_of

RECALLED = "此消息已被撤回"


def all_contracts(given):
    return Host(given.loft, given.plugins, contracts=[one.contract for one in CONTRACTS])


class Pair:
    """Two fresh users, a group of theirs, and a first message, so that every contract has a conversation to speak of."""

    def __init__(self, host):
        mark = secrets.token_hex(4)
        self.host = host
        self.ann, self.ben = host.account(f"ann_{mark}"), host.account(f"ben_{mark}")
        owner = Im(host, self.ann)
        self.group = int(owner.http("POST", "/api/v1/groups", {"name": "g", "members": [self.ben["handle"]]})["group"]["id"])
        owner.enter()
        self.first = owner.send(self.ben, "the first")
        owner.leave()

    def say(self, ann, in_group, text, client_id=None):
        return ann.send_to_group(self.group, text, client_id) if in_group else ann.send(self.ben, text, client_id)

    def place(self, view, in_group):
        """Where ben finds what ann says, as it is looked up."""
        return view.group_place(self.group, False) if in_group else view.private_place(self.ann)

    def speak(self, sender, receiver):
        return sender(self.host, self.ann), receiver(self.host, self.ben)


def check_seen(seen, number, text, author, reader, place):
    assert seen.id == number, f"{reader.contract}: id {seen.id}, sent {number}"
    assert seen.text == text, f"{reader.contract}: {seen}"
    assert seen.sender == reader.name_of(author), f"{reader.contract}: {seen}"
    assert seen.where == place, f"{reader.contract}: {seen}, expected in {place}"
    assert seen.time // reader.time_unit == time_of(number) // reader.time_unit, f"{reader.contract}: {seen}"


@case
def sends(given):
    """Each contract to each: private and group, receiver online and offline."""
    with all_contracts(given) as host:
        for sender in CONTRACTS:
            for receiver in CONTRACTS:
                pair = Pair(host)
                ann, ben = pair.speak(sender, receiver)
                text = f"从 {sender.contract} 到 {receiver.contract} \"😀\""
                ben.enter()
                ann.enter()
                number = ann.send(pair.ben, text)
                check_seen(ben.hear(), number, text, pair.ann, ben, ben.private_place(pair.ann))
                number = ann.send_to_group(pair.group, text)
                check_seen(ben.hear(), number, text, pair.ann, ben, ben.group_place(pair.group, True))
                ben.leave()

                away = receiver(host, pair.ben)
                private = ann.send(pair.ben, text + " 2")
                group = ann.send_to_group(pair.group, text + " 3")
                rows = {seen.id: seen for seen in away.catch_up()}
                assert private in rows and group in rows, f"{sender.contract} -> {receiver.contract}: {rows}"
                check_seen(rows[private], private, text + " 2", pair.ann, away, away.private_place(pair.ann))
                check_seen(rows[group], group, text + " 3", pair.ann, away, away.group_place(pair.group, False))
                away.leave()
                ann.leave()


@case
def reads(given):
    """What is read in one contract is unread in none."""
    with all_contracts(given) as host:
        for reader in CONTRACTS:
            if not reader.can_read:
                continue
            pair = Pair(host)
            author = Im(host, pair.ann)
            author.enter()
            author.send(pair.ben, "to be read")
            author.leave()
            views = [view(host, pair.ben) for view in CONTRACTS]
            counts = {view.contract: view.unread() for view in views}
            assert set(counts.values()) <= {2, None}, f"before {reader.contract} read: {counts}"
            ben = next(view for view in views if type(view) is reader)
            rows = {seen.id: seen for seen in ben.catch_up()}
            for number in sorted(rows):
                ben.read(rows[number])
            for view in views:
                count = view.unread()
                assert count in (0, None), f"read in {reader.contract}, {view.contract} still counts {count}"
            # The sender hears of it in the words of its own contract.
            assert author.look(max(rows), None).state == "read"
            for view in views:
                view.leave()


@case
def recalls(given):
    """What is recalled in one contract is gone from all, in private and in groups."""
    with all_contracts(given) as host:
        for recaller in CONTRACTS:
            if not recaller.can_recall:
                continue
            pair = Pair(host)
            for in_group in (False, True):
                recall_seen_by_all(pair, recaller(host, pair.ann), in_group)


def recall_seen_by_all(pair, ann, in_group):
    views = [view(pair.host, pair.ben) for view in CONTRACTS]
    ann.enter()
    listeners = [view for view in views if hasattr(view, "hear_recall")]
    for view in listeners:
        view.enter()
    number = pair.say(ann, in_group, "a secret")
    for view in listeners:
        assert view.hear().id == number
    ann.recall(number)
    for view in listeners:
        heard = view.hear_recall()
        assert heard in (number, pair.place(view, in_group)), f"{view.contract} heard {heard}"
    for view in views:
        seen = view.look(number, pair.place(view, in_group))
        where = f"{ann.contract} to {view.contract}, {'group' if in_group else 'private'}"
        assert seen is None or "secret" not in str(seen.raw), f"{where}: still shows {seen}"
        if seen is not None:
            assert RECALLED in str(seen.raw), f"{where}: {seen}"
        view.leave()
    ann.leave()


@case
def hides(given):
    """What a user deletes for itself through 001 is gone for that user in every contract, and for nobody else."""
    with all_contracts(given) as host:
        for in_group in (False, True):
            pair = Pair(host)
            author = Im(host, pair.ann)
            author.enter()
            hidden, kept = (pair.say(author, in_group, text) for text in ("not for me", "for me"))
            before = {view.contract: count(host, view, pair.ben) for view in CONTRACTS}
            Flix(host, pair.ben).delete(hidden)
            for view in CONTRACTS:
                ben = view(host, pair.ben)
                rows = [seen.id for seen in ben.catch_up()]
                where = f"{view.contract}, {'group' if in_group else 'private'}"
                assert hidden not in rows and kept in rows, f"{where}: {rows}"
                after = ben.unread()
                assert after is None or after == before[view.contract] - 1, f"{where}: {before} then {after}"
                assert gone(ben, hidden, pair.place(ben, in_group)), f"{where}: it can still be looked up"
                ben.leave()
            # Whoever was not asked sees it as before.
            assert author.look(hidden, None).text == "not for me"
            author.leave()


def gone(person, number, place):
    """Whether a message that is asked for is refused, not given, or, in the contract that knows such, given as deleted."""
    try:
        seen = person.look(number, place)
    except AssertionError:
        return True
    return seen is None or seen.state == "deleted"


def count(host, view, account):
    person = view(host, account)
    try:
        return person.unread()
    finally:
        person.leave()


@case
def repeats(given):
    """A client's id that comes again through another connection is answered with the original, and pushed to nobody."""
    with all_contracts(given) as host:
        for sender in CONTRACTS:
            if not sender.has_client_ids:
                continue
            pair = Pair(host)
            for in_group in (False, True):
                ids = say_with_one_key(pair, in_group, [sender, sender])
                assert len(set(ids)) == 1, f"{sender.contract}, {'group' if in_group else 'private'}: {ids}"


@case
def repeats_elsewhere(given):
    """A client's id that comes again through another contract is answered with the original, and pushed to nobody."""
    with all_contracts(given) as host:
        speakers = [one for one in CONTRACTS if one.has_client_ids]
        for first in speakers:
            pair = Pair(host)
            for in_group in (False, True):
                ids = say_with_one_key(pair, in_group, [first, *(one for one in speakers if one is not first)])
                assert len(set(ids)) == 1, f"first {first.contract}, {'group' if in_group else 'private'}: {ids}"


def say_with_one_key(pair, in_group, speakers):
    """The same words with one client id, each time over a fresh connection; what each is answered. Ben hears it once."""
    listener = Im(pair.host, pair.ben)
    listener.enter()
    listener.catch_up()
    key = secrets.token_hex(8)
    ids = []
    for speaker in speakers:
        ann = speaker(pair.host, pair.ann)
        ann.enter()
        try:
            ids.append(pair.say(ann, in_group, "once, \"only\" 😀 一次", key))
        except AssertionError as error:
            raise AssertionError(f"{' then '.join(one.contract for one in speakers)}: {error}") from None
        finally:
            ann.leave()
    assert listener.hear().id == ids[0]
    heard = listener.session.round_trip()
    assert not heard, f"{[one.contract for one in speakers]}: heard again {heard}"
    listener.leave()
    return ids


@case
def kicks(given):
    """000 and 003 keep one session of a user, 001 and 004 many; none closes those of another contract."""
    with all_contracts(given) as host:
        account = host.account(f"many_{secrets.token_hex(4)}")
        first = {}
        for view in CONTRACTS:
            if view.pushes:
                first[view.contract] = view(host, account)
                first[view.contract].enter()
        for view in first.values():
            assert view.session.round_trip() == [], f"{view.contract} heard something of the others' logins"
        again = [type(view)(host, account) for view in first.values()]
        for view in again:
            view.enter()
        kick = first["netherlink"].session.take()
        assert kick == {"type": "error", "payload": {"message": "账号在其他设备登录"}}, kick
        for contract in ("netherlink", "im"):
            first[contract].session.wait_closed()
        for contract in ("flix", "carrypigeon"):
            first[contract].session.round_trip()
        for view in again:
            view.session.round_trip()


if __name__ == "__main__":
    run(__doc__)
