#!/usr/bin/python3
"""Ids in a browser: whatever the host says, a page that parses it and writes it again has the same text."""

import json

from lib.browser import Chromium
from lib.cases import case, run
from lib.host import Host
from lib.people import CONTRACTS, Im

# Each text the host says, and whether the page's own JSON keeps it.
PAGE = """
window.keeps = text => JSON.stringify(JSON.parse(text)) === text;
window.get = (path, headers) => fetch(path, {headers}).then(answer => answer.text()).then(text => [text, keeps(text)]);
window.talk = (path, frames, count) => new Promise((done, fail) => {
  const heard = [], socket = new WebSocket(path);
  socket.onopen = () => frames.forEach(frame => socket.send(JSON.stringify(frame)));
  socket.onerror = () => fail(new Error('the connection failed'));
  socket.onclose = () => fail(new Error('closed after ' + JSON.stringify(heard)));
  socket.onmessage = event => {
    heard.push([event.data, keeps(event.data)]);
    if (heard.length === count) { socket.onclose = null; socket.close(); done(heard); }
  };
});
"""


def check(heard, *wanted):
    for text, kept in heard:
        assert kept, f"the browser's JSON does not keep {text}"
    whole = "\n".join(text for text, _ in heard)
    for one in wanted:
        assert str(one) in whole, f"{one} is not in {whole}"


@case
def every_contract(given):
    """Every id of every contract comes through a page's JSON as it was said."""
    with Host(given.loft, given.plugins, contracts=[one.contract for one in CONTRACTS] + ["cp"]) as host:
        ann, ben = host.account("ann"), host.account("ben")
        author = Im(host, ben)
        group = int(author.http("POST", "/api/v1/groups", {"name": "g", "members": ["ann"]})["group"]["id"])
        author.enter()
        ids = [author.send(ann, "一"), author.send_to_group(group, "two")]
        author.leave()
        bearer = {"Authorization": f"Bearer {ann['token']}"}
        with Chromium() as browser:
            def at(listener):
                browser.open(host.at(listener) + "/")
                browser.evaluate(PAGE)

            def call(function, *words):
                return browser.evaluate(f"{function}({', '.join(map(json.dumps, words))})")

            at("netherlink")
            check(call("talk", "/ws", [{"type": "login", "payload": {"uid": "ann", "token": ann["token"]}}], 2), *ids)
            check([call("get", "/api/messages/offline", bearer), call("get", "/api/messages/unread_count", bearer)], *ids)
            at("flix")
            topic = f"user:{ann['uuid']}"
            frames = [["1", "1", topic, "phx_join", {"token": ann["token"]}],
                      ["1", "2", topic, "sync", {"last_sync_timestamp": None}],
                      ["1", "3", topic, "get_conversations", {"limit": 20, "offset": 0}]]
            check(call("talk", "/socket/websocket?vsn=2.0.0", frames, 3), ann["uuid"], ben["uuid"])
            check([call("get", "/api/v1/messages", bearer)], ben["uuid"])
            at("message_service")
            check([call("get", f"/api/v1/messages/history?userId={ben['uid']}", bearer),
                   call("get", "/api/v1/messages/unread/count", bearer)], ben["uid"], *ids)
            at("im")
            check(call("talk", "/ws", [{"type": "login", "data": {"user_id": "ann", "token": "t", "platform": "web"}, "timestamp": 1},
                                       {"type": "sync_offline", "data": {"limit": 10}, "timestamp": 1}], 2), *ids)
            at("cp")
            check(call("talk", "/cp", [{"id": 1, "route": "/core/user/login/token", "data": {"token": ann["token"]}},
                                       {"id": 2, "route": "/core/channel/list", "data": {}},
                                       {"id": 3, "route": "/core/channel/message/list",
                                        "data": {"cid": group, "start_time": 0, "count": 50}}], 3),
                  ann["uid"], group, ids[1])


if __name__ == "__main__":
    run(__doc__)
