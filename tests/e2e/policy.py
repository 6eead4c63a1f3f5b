#!/usr/bin/python3
"""Operators' rules in the real host: each contract refuses in its own words, and what is refused reaches nobody."""

import json
import os
import secrets
import threading

from lib.cases import case, run
from lib.host import Host
from lib.people import CONTRACTS, Carrypigeon, Flix, Im, MessageService, Netherlink
from lib.program import TRUSTING, Place
from lib.refusals import ATTEMPTS, REFUSED, bearer, words_of
from lib.session import Http

BLOCKS = """\
  - {name: blocks, listen: 127.0.0.1:0, contracts: [interceptor.block_list]}
plugins: [interceptor.block_list]
"""


def host_with(given, plugins, more=""):
    return Host(given.loft, given.plugins, contracts=[one.contract for one in CONTRACTS], extra=more + plugins)


def message_to(account):
    return json.dumps({"receiver_id": account["handle"], "type": "text", "content": "x"}).encode()


def at_blocks(host):
    return f"http://127.0.0.1:{host.port('blocks')}"


def edit(host, method, owner, other):
    answer = Http(at_blocks(host)).call(method, f"/api/v1/blocks/{other}", bearer(owner))
    assert answer == (204, ""), answer


class Two:
    """Ann, who speaks one contract, and ben, who listens through im; ben has written to her, and may have blocked her
    before."""

    def __init__(self, host, speaker, blocked=False):
        mark = secrets.token_hex(4)
        self.host = host
        self.ann_account, self.ben_account = host.account(f"ann_{mark}"), host.account(f"ben_{mark}")
        self.ann, self.ben = speaker(host, self.ann_account), Im(host, self.ben_account)
        self.ben.enter()
        if blocked:
            edit(host, "PUT", self.ben_account, self.ann_account["handle"])
        Im(host, self.ben_account).http("POST", "/api/v1/messages", {
            "receiver_id": self.ann_account["handle"], "type": "text", "content": "hello"})
        self.ann.enter()

    def refused(self, text, reason):
        ways = [way for way in REFUSED if way.split()[0] == self.ann.contract]
        assert ways, f"nothing is said of what {self.ann.contract} answers"
        for way in ways:
            heard = ATTEMPTS[way](self, text)
            assert heard == REFUSED[way][reason], f"{way}: {heard}"

    def arrives(self, text, as_text=None):
        number = self.ann.send(self.ben_account, text)
        seen = self.ben.hear()
        assert (seen.id, seen.text) == (number, as_text or text), seen
        return number

    def waiting(self):
        """What ben has not read, by id, as it is stored."""
        view = Carrypigeon(self.host, self.ben_account)
        found = {seen.id: seen.text for seen in view.catch_up()}
        view.leave()
        return found

    def ben_hears_nothing(self):
        heard = self.ben.session.round_trip()
        assert not heard, heard

    def ben_has_nothing(self):
        """Neither unread nor hidden, in any contract."""
        for view in CONTRACTS:
            ben = view(self.host, self.ben_account)
            found = ben.catch_up(), ben.unread() or 0
            assert found == ([], 0), f"{view.contract}: {found}"
            ben.leave()
        deleted = Flix(self.host, self.ben_account).http("GET", "/api/v1/messages?status=deleted")["data"]
        assert not deleted, deleted

    def leave(self):
        self.ann.leave()
        self.ben.leave()


@case
def words_refused(given):
    """A message with a forbidden word is refused in the words of its contract, and is nowhere afterwards"""
    with host_with(given, "plugins:\n  - {use: interceptor.word_filter, options: {words: [badger, 坏话]}}\n") as host:
        for speaker in CONTRACTS:
            two = Two(host, speaker)
            for text in ("a badger", "BADGER!", "ｂａｄｇｅｒ", "bad\u200bger", "这是坏话吗", "\"badger\""):
                two.refused(text, "content.forbidden_word")
            two.ben_hears_nothing()
            number = two.arrives("badgers are fine")
            assert two.waiting() == {number: "badgers are fine"}, two.waiting()
            two.leave()


@case
def table(given):
    """The operator's page says of every contract what its clients hear"""
    page = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "operating", "policy.md")
    with open(page, encoding="utf-8") as file:
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in file if line.startswith("| `")]
    reasons = ("rate.limited", "user.blocked", "content.forbidden_word")
    for way, refused in REFUSED.items():
        contract, over, _ = way.partition(" over HTTP")
        row = next((row for row in rows if row[0].startswith(f"`{contract}`") and ("HTTP" in row[0]) == bool(over)), None)
        assert row, f"the page has no row for {way}"
        for reason, cell in zip(reasons, row[1:], strict=True):
            for word in words_of(refused[reason]):
                assert word in cell, f"{way}, {reason}: {word!r} is not in {cell!r}"


@case
def words_masked(given):
    """With `action: mask` the message goes on with stars, pushed and stored, and a repeat is a repeat"""
    with Place(given, "") as folder:
        words = folder.write("words.txt", "# one to a line\n坏话\n")
        rules = f"plugins:\n  - {{use: interceptor.word_filter, options: {{words: [badger], file: {words}, action: mask}}}}\n"
        with host_with(given, rules) as host:
            for speaker in CONTRACTS:
                two = Two(host, speaker)
                text, masked = "a \"Badger\" 说坏话 \\ 😀", "a \"******\" 说** \\ 😀"
                number = two.arrives(text, masked)
                assert two.waiting() == {number: masked}, two.waiting()
                if two.ann.has_client_ids:
                    key = secrets.token_hex(8)
                    assert two.ann.send(two.ben_account, text, key) == two.ann.send(two.ben_account, text, key)
                two.leave()


@case
def limits(given):
    """Whoever sends too much is refused in the words of the contract; others and the exempt go on"""
    rules = ("plugins:\n  - {use: interceptor.rate_limit, options: {messages: {rate: 0.01, burst: 3}, exempt: [s_robot]}}\n")
    with host_with(given, rules) as host:
        for speaker in CONTRACTS:
            two = Two(host, speaker)
            for number in range(3):
                two.arrives(f"number {number}")
            two.refused("one too many", "rate.limited")
            two.refused("and again", "rate.limited")
            two.ben_hears_nothing()
            # Through another connection of another contract it is the same user still.
            status, _ = Http(host.im).call("POST", "/api/v1/messages", {"X-User-ID": two.ann_account["handle"]},
                                           message_to(two.ben_account))
            assert status == 429, status
            assert Im(host, two.ben_account).http("POST", "/api/v1/messages", {
                "receiver_id": two.ann_account["handle"], "type": "text", "content": "still here"})["success"] is True
            two.leave()
        robot = host.account("s_robot")
        for _ in range(10):
            status, answer = Http(host.im).call("POST", "/api/v1/messages", {"X-User-ID": "s_robot"}, message_to(robot))
            assert status == 200, answer


@case
def bursts(given):
    """As it comes, the limit lets 500 messages of one user pass at once"""
    with host_with(given, "plugins: [interceptor.rate_limit]\n") as host:
        sender = Im(host, host.account("s_burst"))
        sender.enter()
        for number in range(500):
            sender.session.send_json({"type": "send_message", "timestamp": 1,
                                      "data": {"receiver_id": "s_other", "type": "text", "content": str(number)}})
        for _ in range(500):
            answer = sender.session.take()
            assert answer["type"] == "send_message" and answer["data"]["success"] is True, answer
        sender.leave()


@case
def blocks(given):
    """Whom a user has blocked cannot write to the user, in any contract, until that is taken back"""
    with host_with(given, BLOCKS) as host:
        for speaker in CONTRACTS:
            two = Two(host, speaker)
            two.arrives("before")
            edit(host, "PUT", two.ben_account, two.ann_account["handle"])
            two.refused("blocked", "user.blocked")
            two.ben_hears_nothing()
            # The other way stays open.
            two.ben.send(two.ann_account, "from ben")
            listed = Http(at_blocks(host)).call("GET", "/api/v1/blocks", bearer(two.ben_account))
            assert listed == (200, {"blocks": [{"user": two.ann_account["handle"], "uid": two.ann_account["uid"],
                                                "uuid": two.ann_account["uuid"]}], "limit": 500}), listed
            edit(host, "DELETE", two.ben_account, str(two.ann_account["uid"]) + "?by=id")
            two.arrives("after")
            two.leave()


@case
def blocks_last(given):
    """Blocks are there again after the host was killed"""
    with host_with(given, BLOCKS) as host:
        ann, ben = host.account("s_ann"), host.account("s_ben")
        edit(host, "PUT", ben, "s_ann")
        host.kill()
        host.start()
        status, answer = Http(host.im).call("POST", "/api/v1/messages", {"X-User-ID": "s_ann"}, message_to(ben))
        assert (status, answer) == (403, {"error": "Blocked by the receiver"}), (status, answer)
        edit(host, "DELETE", ben, ann["uuid"] + "?by=uuid")
        status, answer = Http(host.im).call("POST", "/api/v1/messages", {"X-User-ID": "s_ann"}, message_to(ben))
        assert status == 200, answer


@case
def blocks_by_every_name(given):
    """Right after a kill, by whatever name a conversation that began after the block is called, each contract refuses, and
    nothing of it is in any list or count of the blocker"""
    with host_with(given, BLOCKS) as host:
        every = [Two(host, speaker, blocked=True) for speaker in CONTRACTS]
        for two in every:
            two.leave()
        host.kill()
        host.start()
        for two in every:
            two.ann.enter()  # 004 names the channel, 001 the two, the others the other user
            two.refused("blocked", "user.blocked")
            two.ben_has_nothing()
            two.leave()


@case
def blocks_in_between(given):
    """Who asks all the time sees nothing of what a blocked user sends, not even for a moment"""
    with host_with(given, BLOCKS) as host:
        two = Two(host, MessageService, blocked=True)
        stop, failures = threading.Event(), []

        def poll(view):
            ben, rounds = view(host, two.ben_account), 0
            try:
                while rounds == 0 or not stop.is_set():
                    assert not ben.catch_up() and not ben.unread(), f"{view.contract} has something"
                    rounds += 1
            except Exception as error:  # noqa: BLE001 - told by the case
                failures.append(error)

        polls = [threading.Thread(target=poll, args=(view,)) for view in (Netherlink, Flix, MessageService, Im)]
        for one in polls:
            one.start()
        try:
            for number in range(60):
                two.refused(f"insult {number}", "user.blocked")
        finally:
            stop.set()
            for one in polls:
                one.join()
        assert not failures, failures
        two.ben_hears_nothing()
        two.ben_has_nothing()
        two.leave()


@case
def groups(given):
    """In groups what a blocked user writes is not pushed to whom blocked it, and is in history and counts of all contracts"""
    with host_with(given, BLOCKS) as host:
        two = Two(host, Im)
        group = int(two.ben.http("POST", "/api/v1/groups", {"name": "g", "members": [two.ann_account["handle"]]})["group"]["id"])
        number = two.ann.send_to_group(group, "before")
        assert two.ben.hear().id == number
        edit(host, "PUT", two.ben_account, two.ann_account["handle"])
        listeners = [view(host, two.ben_account) for view in CONTRACTS if view.pushes and view is not Im]
        for listener in listeners:
            listener.enter()
            listener.session.round_trip()  # what was there before
        counts = {view.contract: unread(host, view, two.ben_account) for view in CONTRACTS}
        number = two.ann.send_to_group(group, "not pushed")
        two.ben_hears_nothing()
        for listener in listeners:
            assert not listener.session.round_trip(), f"{listener.contract} heard of it"
            listener.leave()
        for view in CONTRACTS:
            ben = view(host, two.ben_account)
            seen = next(seen for seen in ben.catch_up() if seen.id == number)
            assert seen.text == "not pushed", seen
            count = ben.unread()
            assert count is None or count == counts[view.contract] + 1, f"{view.contract}: {counts} then {count}"
            ben.leave()
        two.leave()


def unread(host, view, account):
    ben = view(host, account)
    try:
        return ben.unread()
    finally:
        ben.leave()


@case
def routes(given):
    """The routes of the block list want a token, live below a mount too, and a forgotten mount is no harm"""
    more = "  - {name: both, listen: 127.0.0.1:0, contracts: [im, {use: interceptor.block_list, mount: /policy}]}\n"
    with host_with(given, BLOCKS, more) as host:
        host.account("s_eve")
        ben = host.account("s_ben")
        web = Http(f"http://127.0.0.1:{host.port('both')}")
        status, problem = web.call("PUT", "/policy/api/v1/blocks/s_eve", {"X-User-ID": "s_ben"})
        assert (status, problem["reason"]) == (401, "token.missing"), problem
        assert web.call("PUT", "/policy/api/v1/blocks/s_eve", bearer(ben)) == (204, "")
        assert web.call("GET", "/policy/api/v1/blocks", bearer(ben))[1]["blocks"][0]["user"] == "s_eve"
        assert web.call("GET", "/api/v1/blocks", bearer(ben)) == (404, {"error": "Not found"})
        status, problem = web.call("PUT", "/policy/api/v1/blocks/nobody", bearer(ben))
        assert (status, problem["reason"]) == (404, "user.unknown"), problem
        assert web.call("PUT", "/policy/api/v1/blocks/s_ben", bearer(ben))[0] == 400


@case
def slips(given):
    """Slips in the rules' options are named with their place, and a missing list ends the start with its name"""
    start = TRUSTING + "listeners: [{name: im, listen: 127.0.0.1:0, contracts: [im]}]\nplugins:\n"
    for line, words in (
            ("  - {use: interceptor.word_filter}", ("loft.yaml:9:", "there are none; give `words` or `file`")),
            ("  - {use: interceptor.word_filter, options: {words: [a], action: hide}}",
             ("loft.yaml:9:66: plugins.0.options.action: 'hide' is not one of refuse, mask",)),
            ("  - {use: interceptor.rate_limit, options: {message: {rate: 1}}}",
             ("loft.yaml:9:", "did you mean 'messages'?")),
            ("  - {use: interceptor.rate_limit, options: {marks: {rate: 0.001}}}",
             ("marks.rate", "is too small; give 0, which sets no limit")),
            ("  - {use: interceptor.block_list, options: {limit: 100000}}", ("plugins.0.options.limit", "700")),
            ("  - {use: interceptor.block_list, options: {on_direct: drop_silently}}",
             ("loft.yaml:9:", "on_direct", "a message to somebody who has blocked its sender is refused", "remove this option"))):
        with Place(given, start + line + "\n") as place:
            ran = place.run("check")
            assert ran.code == 78, ran
            for word in words:
                assert word in ran.err, f"{word!r} is not in\n{ran}"
    with Place(given, start + "  - {use: interceptor.word_filter, options: {file: /nowhere/words.txt}}\n") as place:
        place.refused(78, "plugin 'interceptor.word_filter': setup: file: '/nowhere/words.txt': No such file")


if __name__ == "__main__":
    run(__doc__)
