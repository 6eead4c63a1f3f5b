#!/usr/bin/python3
"""The official client of Phoenix Channels, from npm, with the sample that document 001 prints, in Node and in a browser."""

import json
import os
import re

from lib.browser import Chromium
from lib.cases import case, run, until
from lib.host import Host
from lib.node import MODULES, Node
from lib.people import Flix, Im

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "document_001")
UUID = "123e4567-e89b-12d3-a456-426614174000"  # as the sample says
MESSAGE = {"message_type": "private_message", "content_type": "text", "client_timestamp": "2025-04-10T10:30:00.000Z"}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def client(host, account, topic=""):
    url = "ws" + host.at("flix")[len("http"):] + "/socket"
    return Node(os.path.join(FOLDER, "play.js"), url, account["token"], topic)


def said(node, *words):
    """Waits for a line that begins with these words; the rest of it."""
    begin = json.dumps(list(words), ensure_ascii=False, separators=(",", ":"))[:-1]
    line = node.prints(re.escape(begin) + r",?([^\n]*)\]\n")[1]
    return json.loads(f"[{line}]")


@case
def the_sample(given):
    """The sample joins; every event of the document is answered; what others do is heard."""
    with Host(given.loft, given.plugins, contracts=("im", "flix")) as host:
        ann = host.named_account("ann", UUID)
        ben = host.account("ben")
        node = client(host, ann)
        node.prints("成功加入频道 {}")
        assert said(node, "heartbeat") == ["ok", "string"]

        place = "private:" + ":".join(sorted((ann["uuid"], ben["uuid"])))
        listener = Flix(host, ben)
        listener.enter()
        node.call(json.dumps(["push", "send_message", MESSAGE | {
            "client_message_id": "8b3f2f9e-0000-4000-8000-000000000001", "conversation_id": place, "content": {"text": "你好"}}]))
        (sent,) = said(node, "send_message", "ok")
        assert sent["client_message_id"] == "8b3f2f9e-0000-4000-8000-000000000001" and sent["status"] == "sent", sent
        heard = listener.hear()
        assert heard.text == "你好" and heard.id == Flix.number(sent["message_id"]), heard

        answer = listener.send(ann, "and you?")
        (event,) = said(node, "event")
        assert event["event_type"] == "new_message" and event["target_user_id"] == ann["uuid"], event
        assert Flix.number(event["payload"]["id"]) == answer, event
        node.call(json.dumps(["push", "mark_read", {"conversation_id": place, "last_read_message_id": event["payload"]["id"]}]))
        assert said(node, "mark_read", "ok") == [{"updated_count": 1}]
        listener.read(heard)
        (event,) = said(node, "event")
        assert event["event_type"] == "message_status_update", event
        assert event["payload"]["message_id"] == sent["message_id"] and event["payload"]["status"] == "read", event
        listener.recall(answer)
        (event,) = said(node, "event")
        assert event["event_type"] == "message_recalled" and event["payload"]["status"] == "withdrawn", event

        node.call(json.dumps(["push", "get_conversation_history", {"conversation_id": place, "limit": 20}]))
        (history,) = said(node, "get_conversation_history", "ok")
        assert [one["status"] for one in history["messages"]] == ["withdrawn", "read"], history
        node.call(json.dumps(["push", "get_conversations", {"limit": 20, "offset": 0}]))
        (listed,) = said(node, "get_conversations", "ok")
        assert [one["conversation"]["conversation_id"] for one in listed["conversations"]] == [place], listed
        node.call(json.dumps(["push", "create_conversation", {"participant_ids": [ben["uuid"]], "type": "private"}]))
        (made,) = said(node, "create_conversation", "ok")
        assert made["conversation_id"] == place and made["already_exists"] is True, made
        node.call(json.dumps(["push", "sync", {"last_sync_timestamp": None}]))
        (page,) = said(node, "sync", "ok")
        kinds = [one["event_type"] for one in page["events"]]
        assert kinds.count("new_message") >= 1 and "message_recalled" in kinds and "message_status_update" in kinds, kinds

        node.call('["push", "no_such_event", {}]')
        assert said(node, "no_such_event", "error") == [{"reason": "unknown event"}]
        node.call('["push binary", "send_message"]')
        said(node, "send_message", "error")
        node.call('["leave"]')
        node.prints(r'\["channel closed"\]')  # the client closes before it tells what was answered
        said(node, "leave", "ok")
        node.stop()
        listener.leave()


@case
def other_topics(given):
    """A topic of somebody else, of nobody and of no kind is refused in words; one's own may be joined again."""
    with Host(given.loft, given.plugins, contracts=("im", "flix")) as host:
        ann, ben = host.account("ann"), host.account("ben")
        node = client(host, ann, f"user:{ben['uuid']}")
        node.prints("加入频道失败")
        node.call(json.dumps(["join", "lobby", {}]))
        assert said(node, "join", "error") == [{"reason": "unmatched topic"}]
        node.call(json.dumps(["join", f"user:{ann['uuid']}", {"token": "no token"}]))
        assert said(node, "join", "error") == [{"reason": "invalid token"}]
        node.call(json.dumps(["join", f"user:{ann['uuid']}", {"token": ann["token"]}]))
        assert said(node, "join", "ok") == [{}]
        node.call(json.dumps(["join", f"user:{ann['uuid']}", {"token": ann["token"]}]))
        assert said(node, "join", "ok") == [{}]
        node.stop()


@case
def restarts(given):
    """The client comes back after the host was killed, and sync gives it what it missed."""
    with Host(given.loft, given.plugins, contracts=("im", "flix"), ports={"flix": Host.free_port()}) as host:
        ann, ben = host.account("ann"), Im(host, host.account("ben"))
        node = client(host, ann, f"user:{ann['uuid']}")
        node.prints("成功加入频道")
        node.call(json.dumps(["push", "sync", {"last_sync_timestamp": ""}]))
        (page,) = said(node, "sync", "ok")
        host.kill()
        said(node, "close")
        host.start()
        ben.enter()
        number = ben.send(ann, "while you were away")
        said(node, "open")
        node.prints("成功加入频道")
        node.call(json.dumps(["push", "sync", {"last_sync_timestamp": page["new_last_sync_timestamp"]}]))
        (page,) = said(node, "sync", "ok")
        assert number in [Flix.number(one["payload"]["id"]) for one in page["events"] if one["event_type"] == "new_message"], page
        node.stop()
        ben.leave()


@case
def in_a_browser(given):
    """The same client and sample in a browser."""
    with Host(given.loft, given.plugins, contracts=("im", "flix")) as host:
        ann, ben = host.named_account("ann", UUID), Im(host, host.account("ben"))
        with Chromium() as browser:
            browser.open(host.at("flix") + "/")
            browser.load(read(MODULES.split(os.pathsep)[1], "phoenix", "priv", "static", "phoenix.js"))
            browser.evaluate(f"window.said = []; console.log = (...words) => said.push(words); window.heard = [];"
                             f"window.authToken = {json.dumps(ann['token'])};"
                             "window.socket = new Phoenix.Socket('/socket', {params: {token: authToken}});")
            browser.load(read(FOLDER, "client.js"))
            until(lambda: browser.evaluate("said") == [["成功加入频道", {}]], "the sample says that it has joined")
            browser.evaluate("channel.on('event', event => heard.push(event))")
            ben.enter()
            number = ben.send(ann, "to the browser")
            (event,) = until(lambda: browser.evaluate("heard"), "the browser hears the message")
            assert Flix.number(event["payload"]["id"]) == number and event["payload"]["content"] == {"text": "to the browser"}, event
        ben.leave()


if __name__ == "__main__":
    run(__doc__)
