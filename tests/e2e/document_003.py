#!/usr/bin/python3
"""The clients that document 003 prints, unchanged, against a host on the port that they name.

They say localhost:8080. Where that is free, the host takes it; where not, the test runs again in a network of its own
(util-linux' unshare); where that is not allowed either, it fails and says what to do.
"""

import argparse
import os
import queue
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

from lib.host import Host
from lib.session import Http, ImSession

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENTS = os.path.join(HERE, "document_003")
PORT = 8080
NODE_MODULES = "/usr/share/nodejs"  # where Debian puts them; a Node that is not Debian's does not look there by itself
UNSHARE = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-r", "-n"]


def listener():
    """The address at which somebody listens who would be in the way; None when there is nobody."""
    for family, _, _, _, address in socket.getaddrinfo("localhost", PORT, type=socket.SOCK_STREAM):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(address) == 0:
                return address[0]
    return None


def find_the_port():
    """Returns where localhost:8080 is free, or does not return."""
    if os.environ.get("LOFT_OWN_NETWORK"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return "in a network of its own"
    taken = listener()
    if taken is None:
        return f"on port {PORT} of this machine"
    reason = "`unshare` or `ip` is not there (packages util-linux and iproute2)"
    if shutil.which("unshare") and shutil.which("ip"):
        tried = subprocess.run([*UNSHARE, "--", "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            os.environ["LOFT_OWN_NETWORK"] = "1"
            os.execvp("unshare", [*UNSHARE, "--", sys.executable, *sys.argv])
        reason = f"`{' '.join(UNSHARE)}` is not allowed ({tried.stderr.strip()})"
    sys.exit(f"The document's clients connect to localhost:{PORT}. Somebody listens there ({taken}), and a network of the "
             f"test's own cannot be made: {reason}.\nEnd the program on port {PORT} (`ss -ltnp sport = :{PORT}` names it), or "
             "let the test make a network: as root outside a container or with CAP_SYS_ADMIN in it, else with\n"
             "`sysctl kernel.unprivileged_userns_clone=1`.")


class Javascript:
    """The document's JavaScript client; what it prints is read line by line."""

    def __init__(self):
        self._process = subprocess.Popen(["node", os.path.join(CLIENTS, "play.js")], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                         env=dict(os.environ, NODE_PATH=NODE_MODULES))
        self._lines, self.printed = queue.Queue(), ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def prints(self, pattern, patience=20):
        """Waits until what was printed since the last match holds the pattern; takes it away."""
        end = time.monotonic() + patience
        while True:
            found = re.search(pattern, self.printed, re.DOTALL)
            if found:
                self.printed = self.printed[found.end():]
                return found
            try:
                line = self._lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"the client did not print {pattern!r} but: {self.printed!r}") from None
            if line is None:
                raise AssertionError(f"the client ended; expected {pattern!r}, it printed: {self.printed!r}")
            self.printed += line

    def call(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def stop(self):
        self._process.stdin.close()
        self._process.wait(20)


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
    client = Javascript()
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loft", required=True)
    parser.add_argument("--plugins")
    options = parser.parse_args()
    if shutil.which("node") is None or not os.path.isdir(os.path.join(NODE_MODULES, "ws")):
        sys.exit("The document's JavaScript client needs Debian's packages nodejs and node-ws: `script/setup test` installs both.")
    print("the host listens " + find_the_port(), flush=True)
    with Host(options.loft, options.plugins, im_port=PORT) as host:
        print("ok  " + python_client(host.im), flush=True)
        print("ok  " + python_class(host.im), flush=True)
        client = javascript_client(host.im)
        print("ok  client.js connected, logged in, printed what it heard, and sent", flush=True)
    client.prints(r"Disconnected from IM server")  # the host has stopped and said so
    client.stop()
    print("ok  client.js heard that the host stopped")


if __name__ == "__main__":
    main()
