#!/usr/bin/python3
"""The clients that document 003 prints, unchanged, against a host on the port that they name.

They say localhost:8080: lib/own_port.py sees to that.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

from lib.browser import Chromium
from lib.cases import until
from lib.host import Host
from lib.node import Node
from lib.own_port import find_the_port
from lib.session import Http, ImSession

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENTS = os.path.join(HERE, "document_003")
PORT = 8080


def python_client(im):
    """Runs as it stands: user123 sends `Hello!` to user456 and prints the answer."""
    friend = ImSession(im)
    friend.log_in("user456")
    done = subprocess.run(["/usr/bin/python3", os.path.join(CLIENTS, "client.py")], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    answer = eval(done.stdout, {"__builtins__": {}})  # the client prints a Python dictionary
    assert answer["success"] is True, answer
    message = answer["message"]
    assert message["id"] == answer["message_id"] and re.fullmatch(r"msg_\d+", message["id"]), answer
    assert {k: message[k] for k in ("sender_id", "receiver_id", "type", "content", "status")} == {
        "sender_id": "user123", "receiver_id": "user456", "type": "text", "content": "Hello!", "status": "sent"}, answer
    pushed = friend.take()
    assert pushed["type"] == "new_message" and pushed["message_id"] == message["id"], pushed
    assert pushed["data"] == message, (pushed, message)
    friend.close()
    return "client.py sent its message, printed the answer, and user456 heard it"


def python_class(im):
    """Its other methods, which the sample defines and does not call."""
    source = open(os.path.join(CLIENTS, "client.py"), encoding="utf-8").read()
    scope = {}
    exec(compile(source, "client.py", "exec"), scope)  # sends the sample's message once more
    client = scope["IMClient"]("http://localhost:8080", "user789")
    group = client.create_group("My Group", "A test group", ["user456", "user123"])["group"]
    assert group["name"] == "My Group" and group["members"] == ["user456", "user123"], group
    sent = client.send_message("user456", "Hello everyone!", group_id=group["id"])
    assert sent["message"]["group_id"] == group["id"], sent
    other = scope["IMClient"]("http://localhost:8080", "user456")
    page = other.get_offline_messages(last_message_id="msg_1", limit=200)
    assert [m["content"] for m in page["messages"]] == ["Hello!", "Hello!", "Hello everyone!"], page
    assert page["has_more"] is False, page
    return "client.py made a group, sent to it and fetched what waited"


def javascript_client(im):
    """Connects, logs in, prints what it hears; sends when its method is called."""
    friend = ImSession(im)
    friend.log_in("user456")
    client = Node(os.path.join(CLIENTS, "play.js"))
    client.prints(r"Connected to IM server\n")
    client.prints(r"Received message: \{\s*type: 'login',\s*data: \{\s*success: true,\s*message: 'Login successful',"
                  r"\s*user_id: 'user123'\s*\},\s*timestamp: \d{13}\s*\}")
    http = Http(im)
    status, answer = http.call("POST", "/api/v1/messages", {"X-User-ID": "user456"},
                               b'{"receiver_id":"user123","type":"text","content":"Hello!"}')
    assert status == 200, answer
    client.prints(r"New message: \{\s*id: '" + answer["message_id"] + r"',\s*sender_id: 'user456',"
                  r"\s*receiver_id: 'user123',\s*type: 'text',\s*content: 'Hello!',\s*status: 'sent',\s*timestamp: \d{13}\s*\}")
    status, group = http.call("POST", "/api/v1/groups", {"X-User-ID": "user456"}, b'{"name":"g","members":["user123"]}')
    assert status == 200, group
    status, answer = http.call("POST", "/api/v1/messages", {"X-User-ID": "user456"},
                               b'{"group_id":"%s","type":"text","content":"Hello everyone!"}' % group["group"]["id"].encode())
    assert status == 200, answer
    client.prints(r"New group message: \{\s*id: '" + answer["message_id"] + r"'.*?content: 'Hello everyone!'")
    client.call('["sendMessage","user456","from the browser"]')
    client.prints(r"Received message: \{\s*type: 'send_message',\s*data: \{\s*success: true,.*?'from the browser'")
    pushed = friend.take()
    assert pushed["type"] == "new_message" and pushed["data"]["content"] == "from the browser", pushed
    assert pushed["data"]["sender_id"] == "user123", pushed
    friend.close()
    return client


def in_a_browser(im):
    """The same client where it was written for."""
    friend = ImSession(im)
    friend.log_in("user456")
    with open(os.path.join(CLIENTS, "client.js"), encoding="utf-8") as file:
        source = file.read()
    with Chromium() as browser:
        browser.open(im + "/health")
        browser.evaluate("window.said = []; console.log = (...words) => said.push(words)")
        browser.load(source)
        until(lambda: any(words[0] == "Received message:" and words[1]["data"]["success"] is True
                          for words in browser.evaluate("said") if len(words) > 1), "the client is logged in")
        status, answer = Http(im).call("POST", "/api/v1/messages", {"X-User-ID": "user456"},
                                       b'{"receiver_id":"user123","type":"text","content":"Hello, browser!"}')
        assert status == 200, answer
        until(lambda: ["New message:", answer["message"]["content"]] in
              [[words[0], words[1].get("content")] for words in browser.evaluate("said") if len(words) > 1], "it prints the message")
        browser.evaluate("client.sendMessage('user456', 'from Chromium')")
        pushed = friend.take()
        while pushed["type"] != "new_message":
            pushed = friend.take()
        assert pushed["data"]["content"] == "from Chromium" and pushed["data"]["sender_id"] == "user123", pushed
    friend.close()
    return "client.js did the same in Chromium"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loft", required=True)
    parser.add_argument("--plugins")
    options = parser.parse_args()
    if shutil.which("node") is None or not os.path.isdir("/usr/share/nodejs/ws"):
        sys.exit("The document's JavaScript client needs Debian's packages nodejs and node-ws: `script/setup test` installs both.")
    print("the host listens " + find_the_port(PORT), flush=True)
    with Host(options.loft, options.plugins, ports={"im": PORT}) as host:
        print("ok  " + python_client(host.im), flush=True)
        print("ok  " + python_class(host.im), flush=True)
        print("ok  " + in_a_browser(host.im), flush=True)
        client = javascript_client(host.im)
        print("ok  client.js connected, logged in, printed what it heard, and sent", flush=True)
    client.prints(r"Disconnected from IM server")  # the host has stopped and said so
    client.stop()
    print("ok  client.js heard that the host stopped")


if __name__ == "__main__":
    main()
