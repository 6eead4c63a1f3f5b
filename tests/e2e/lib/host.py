"""A Loft host under test: its configuration, its process, its ports and its users."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:")

CONFIG = """\
data_dir: {data_dir}
plugin_path: [{plugins}]
server:
  threads: {threads}
auth:
  jwt:
    secret: "a secret that only this test knows, 32 bytes and more"
identity:
  auto_create: true
  trust_header: true
storage:
  use: "{storage}"
internal:
  listen: 127.0.0.1:{internal_port}
listeners:
{listeners}{extra}"""

# For handshakes of encrypted packets. A key that is thrown away: the one of the known answer in the unit tests.
PIGEON_KEY = ("MIGTAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBHkwdwIBAQQgCOvdGTo9Pzb/EjnJDAVRp+3nUGUsHZCprYNCf/OZ5pWgCgYIKoZIzj0DAQeh"
              "RANCAAQAJ4aO9/5U7sAoLMnUSzqUlfTpduENrWBnhMtOktVU+GQ1BW9C1Ade+BTFA9DFMuK+O4ZafHD0JsT/cSa0t9r7")

# Packets: clients say nothing while a test gets tokens, and a busy machine takes longer for them than clients may wait.
PATIENT = "idle_timeout: 2m"

# What a listener needs besides its name, which is its contract's. `cp` is carrypigeon over WebSocket, `sealed` the same
# with encryption.
LISTENERS = {
    "im": "    contracts: [im]\n",
    "netherlink": "    contracts: [netherlink]\n",
    "flix": "    contracts: [flix]\n",
    "message_service": "    contracts: [message_service]\n",
    "carrypigeon": f"    transport: {{use: route_packet, {PATIENT}}}\n    contracts: [carrypigeon]\n",
    "cp": "    contracts: [carrypigeon]\n",
    "sealed": f"    transport: {{use: route_packet, encryption: required, {PATIENT}, private_key: {PIGEON_KEY}}}\n"
              "    contracts: [carrypigeon]\n",
}


class HostError(Exception):
    """The host did not do what every test needs of it; the text carries the end of its log."""


class Host:
    def __init__(self, loft, plugins=None, storage="sqlite", threads=2, internal_port=0, extra="", directory=None,
                 arguments=(), contracts=("im", "carrypigeon"), ports=None):
        """`ports`: of listeners, where they are not to be any that are free."""
        self.loft = os.path.abspath(loft)
        plugins = plugins or os.path.join(os.path.dirname(self.loft), "..", "lib", "loft", "plugins")
        folders = [plugins] if isinstance(plugins, str) else plugins
        self._temporary = None
        if directory is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="loft-test-")
            directory = self._temporary.name
        self.directory = directory
        self.data_dir = os.path.join(directory, "data")
        os.makedirs(self.data_dir, mode=0o700, exist_ok=True)
        self.config = os.path.join(directory, "loft.yaml")
        self.log = os.path.join(directory, "stderr.log")
        listeners = "".join(f"  - name: {name}\n    listen: 127.0.0.1:{(ports or {}).get(name, 0)}\n{LISTENERS[name]}"
                            for name in contracts)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(data_dir=self.data_dir, plugins=", ".join(map(os.path.abspath, folders)), storage=storage,
                                     threads=threads, internal_port=internal_port, listeners=listeners, extra=extra))
        self.arguments = list(arguments)  # of `serve`, such as --set
        self.process = None
        self.ports = {}

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if self.process and self.process.poll() is None:
            if kind is None:
                self.stop()
            else:
                self.kill()
        if kind is not None:
            print("---- the end of the host's log\n" + self.tail(), flush=True)
        if self._temporary:
            self._temporary.cleanup()

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self, patience=30.0):
        ports = os.path.join(self.data_dir, "ports.json")
        if os.path.exists(ports):
            os.unlink(ports)  # a killed host leaves the old one behind
        with open(self.log, "ab") as log:
            command = [self.loft, "serve", "--config", self.config, *self.arguments]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + patience
        while True:
            if self.process.poll() is not None:
                raise HostError(f"the host ended with {self.process.returncode} instead of listening\n{self.tail()}")
            try:
                with open(ports, encoding="utf-8") as file:
                    self.ports = json.load(file)
                return self
            except (FileNotFoundError, json.JSONDecodeError):
                pass  # not there, or not written to its end yet
            if time.monotonic() > end:
                self.kill()
                raise HostError(f"the host was not ready after {patience:.0f} s\n{self.tail()}")
            time.sleep(0.005)

    def kill(self):
        """SIGKILL: what a power cut looks like to the host."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, patience=30.0):
        """SIGTERM; the host must drain and end with 0, and no sanitizer may have spoken."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise HostError(f"the host did not end within {patience:.0f} s of SIGTERM\n{self.tail()}") from None
        self.check_log()
        if code != 0:
            raise HostError(f"the host ended with {code} after SIGTERM, expected 0\n{self.tail()}")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    # -- what is said about it ----------------------------------------------------------------------------------------

    def tail(self, characters=6000):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()[-characters:]

    def check_log(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            text = file.read()
        for word in SANITIZER_WORDS:
            at = text.find(word)
            if at >= 0:
                raise HostError(f"a sanitizer reported:\n{text[max(0, at - 200):at + 6000]}")

    # -- addresses ----------------------------------------------------------------------------------------------------

    def port(self, listener):
        if listener not in self.ports:
            raise HostError(f"ports.json names no listener '{listener}', only {sorted(self.ports)}")
        return self.ports[listener]

    def at(self, listener):
        """Where a listener is: a base URL, or host and port where it takes packets."""
        if "transport" in LISTENERS.get(listener, ""):
            return ("127.0.0.1", self.port(listener))
        return f"http://127.0.0.1:{self.port(listener)}"

    @property
    def im(self):
        return self.at("im")

    @property
    def carrypigeon(self):
        return self.at("carrypigeon")

    def metrics(self):
        """The metrics without labels, by name."""
        url = f"http://127.0.0.1:{self.port('internal')}/metrics"
        found = {}
        for line in urllib.request.urlopen(url, timeout=30).read().decode().splitlines():
            name, _, value = line.partition(" ")
            if name and not name.startswith("#") and "{" not in name:
                found[name] = float(value)
        return found

    def readiness(self):
        """Status and parts of /readyz."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port('internal')}/readyz", timeout=30) as answer:
                return answer.status, json.load(answer)["parts"]
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)["parts"]

    # -- users --------------------------------------------------------------------------------------------------------

    def account(self, handle, ttl="24h"):
        """`{"token","handle","uid","uuid"}` of the user, who is made if there is none of that name."""
        return account(self.loft, self.config, handle, ttl)

    def named_account(self, handle, uuid):
        """As `account`, of a user with that UUID."""
        subprocess.run([self.loft, "user", "add", handle, "--uuid", uuid, "--config", self.config],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=30, check=True)
        return self.account(handle)

    @staticmethod
    def free_port():
        """One that was free a moment ago, for hosts that must come back where they were."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]


def account(loft, config, handle, ttl="24h"):
    subprocess.run([loft, "user", "add", handle, "--config", config], stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30, check=False)  # may exist already
    done = subprocess.run([loft, "token", handle, "--ttl", ttl, "--json", "--config", config], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        raise HostError(f"`loft token {handle} --json` ended with {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)
