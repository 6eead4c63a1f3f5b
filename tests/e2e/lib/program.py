"""The program as somebody at a terminal sees it."""

import os
import subprocess
import tempfile

from .host import SANITIZER_WORDS

SECRET = "a secret that only this test knows, 32 bytes and more"

# Whoever says X-User-ID is believed; without a listener, which a test adds, and with the one that most need.
TRUSTING = f"""\
auth: {{jwt: {{secret: "{SECRET}"}}}}
identity: {{auto_create: true, trust_header: true}}
storage: {{use: sqlite}}
internal: {{listen: 127.0.0.1:0}}
"""
PLAIN = TRUSTING + """\
listeners:
  - {name: im, listen: 127.0.0.1:0, contracts: [im]}
"""


class Ran:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return f"exit code {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def run(loft, *arguments, cwd=None, env=None, patience=60):
    """Until it ends. No sanitizer may speak."""
    done = subprocess.run([loft, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience,
                          errors="replace", check=False, cwd=cwd, env={**os.environ, **env} if env else None)
    for word in SANITIZER_WORDS:
        assert word not in done.stderr, done.stderr
    return Ran(done)


class Place:
    """A folder with a configuration, for commands without a host or with one that refuses to start."""

    def __init__(self, given, text):
        self._folder = tempfile.TemporaryDirectory(prefix="loft-test-")
        self.path, self.loft = self._folder.name, os.path.abspath(given.loft)
        self.data_dir = os.path.join(self.path, "data")
        self.write("loft.yaml", f"data_dir: data\nplugin_path: [{os.path.abspath(given.plugins)}]\n" + text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def write(self, name, text):
        path = os.path.join(self.path, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run(self, *arguments, env=None):
        """With this configuration, in this folder."""
        return run(self.loft, *arguments, "--config", "loft.yaml", cwd=self.path, env=env)

    def refused(self, code, *words):
        """`serve` ends by itself with this code and says these words; nothing is left behind that says a host runs."""
        ran = self.run("serve")
        assert ran.code == code, ran
        for word in words:
            assert word in ran.err, f"{word!r} is not in\n{ran}"
        assert not os.path.exists(os.path.join(self.data_dir, "ports.json")), "ports.json of a host that does not run"
        return ran
