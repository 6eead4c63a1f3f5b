"""A program in Node; what it prints is read line by line."""

import os
import queue
import re
import subprocess
import threading
import time

# Where Debian puts packages; a Node that is not Debian's does not look there by itself. And what script/setup took from npm.
MODULES = os.pathsep.join(["/usr/share/nodejs",
                           os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "node", "node_modules")])


class Node:
    def __init__(self, script, *arguments):
        self._process = subprocess.Popen(["node", script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, text=True, env=dict(os.environ, NODE_PATH=MODULES))
        self._lines, self.printed = queue.Queue(), ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def prints(self, pattern, patience=30):
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
