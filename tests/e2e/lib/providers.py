"""Apple's and Google's push services as `loft push simulate` plays them."""

import json
import os
import signal
import subprocess


class Providers:
    """`loft push simulate` with a folder of its own."""

    def __init__(self, loft, folder, *words):
        self.process = subprocess.Popen([loft, "push", "simulate", "--state", folder, *words], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line, "the simulation did not start"
        self.places = json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) in (0, -signal.SIGTERM)
        self.process.stdout.close()

    def accepted(self):
        """Device tokens and what they were sent, in the order of their coming."""
        if not os.path.exists(self.places["pushes"]):
            return []
        with open(self.places["pushes"], encoding="utf-8") as file:
            return [json.loads(line) for line in file.read().split("\n")[:-1]]
