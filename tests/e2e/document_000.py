#!/usr/bin/python3
"""The browser code that document 000 prints, unchanged, in a browser, against a host on the port that it names.

The samples read payloads with JSON.parse, so the host says them as texts (`payload_encoding: string`). Two names in them
stand for something else: the page fills in the token where the sample says 'jwt_token', and has the `token` and the
`displayMessage` that the samples use and do not define.
"""

import json
import os

from lib.browser import Chromium
from lib.cases import case, run, until
from lib.host import Host
from lib.own_port import find_the_port
from lib.people import Im

SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "document_000")
PORT = 8081
PAGE = """
window.token = %s;
window.shown = [];
window.said = [];
window.displayMessage = message => shown.push(message);
console.log = (...words) => said.push(words.join(' '));
window.WebSocket = class extends WebSocket {
  send(text) { super.send(text.replace('jwt_token', token)); }
};
"""


def sample(name):
    with open(os.path.join(SAMPLES, name), encoding="utf-8") as file:
        return file.read()


@case
def the_samples(given):
    """The samples log in, show what waited, mark it synced, and read lists and counts."""
    print("the host listens " + find_the_port(PORT), flush=True)
    with Host(given.loft, given.plugins, contracts=("im", "netherlink"), ports={"netherlink": PORT},
              arguments=["--set", "contracts.netherlink.payload_encoding=string"]) as host:
        reader, alice = host.account("user_id"), Im(host, host.account("alice"))
        alice.enter()
        sent = [alice.send(reader, text) for text in ("你好", "two", "three")]
        with Chromium() as browser:
            browser.open(f"http://localhost:{PORT}/")
            browser.evaluate(PAGE % json.dumps(reader["token"]))
            browser.load(sample("offline.js"))
            browser.load(sample("unread.js"))
            count = browser.evaluate("getUnreadCount()")
            assert count == {"total_unread": 3, "unread_by_conversation": [{"conversation_id": "alice_user_id", "count": 3}]}, count
            rows = browser.evaluate("getOfflineMessages(1, 2)")
            assert [row["message_id"] for row in rows] == sent[:0:-1], rows

            browser.load(sample("socket.js"))
            until(lambda: browser.evaluate("shown.length") == 3, "three messages are shown")
            shown = browser.evaluate("shown")
            assert [(one["message_id"], one["content"]) for one in shown] == list(zip(sent, ("你好", "two", "three"))), shown
            assert browser.evaluate("said") == ["收到 3 条离线消息"]
            until(lambda: browser.evaluate("getUnreadCount()")["total_unread"] == 0, "what was shown is marked synced")
            assert browser.evaluate("getOfflineMessages()") == []


if __name__ == "__main__":
    run(__doc__)
