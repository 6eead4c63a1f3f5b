#!/usr/bin/python3
"""Does what docs/plugins/writing-a-contract.md says, as its reader would: writes its files, runs its commands in order, and compares
what they leave behind. A fenced block with a second word is a file of that name; `sh` blocks are commands; an `sh background` block
is a host that runs until the end; a `text` block is what a file must hold by then."""

import argparse
import os
import re
import signal
import subprocess
import sys
import time

SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:")
FLAGS = {"address": "-fsanitize=address,undefined", "thread": "-fsanitize=thread"}


def blocks(page):
    """(language, second word, text, line) of each fenced block."""
    found, fence, body, began = [], None, [], 0
    for number, line in enumerate(open(page, encoding="utf-8"), 1):
        mark = re.fullmatch(r"```(\w*) ?(\S*)\n", line)
        if fence is None and mark:
            fence, body, began = mark.groups(), [], number
        elif line == "```\n":
            found.append((*fence, "".join(body), began))
            fence = None
        elif fence is not None:
            body.append(line)
    assert fence is None, f"{page}:{began}: the block is not closed"
    return found


class Reader:
    def __init__(self, options):
        self.page, self.folder = options.page, os.path.join(options.work, "postcard")
        self.hosts = []
        self.environment = {**os.environ, "PREFIX": os.path.join(options.work, "prefix"), "CXX": options.compiler,
                            "CMAKE_GENERATOR": options.generator, "CXXFLAGS": FLAGS.get(options.sanitize, "")}
        os.makedirs(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, commands, line):
        done = subprocess.run(["sh", "-ec", commands], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False)
        print(done.stdout, flush=True)
        if done.returncode != 0:
            self.fail(line, f"the commands ended with {done.returncode}")

    def serve(self, commands, line):
        log = self.path("host.log")
        with open(log, "wb") as file:
            host = subprocess.Popen(["sh", "-ec", commands], cwd=self.folder, env=self.environment,
                                    stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        self.hosts.append((host, log, line))
        end = time.monotonic() + 60
        while not os.path.exists(self.path("data/ports.json")):
            if host.poll() is not None or time.monotonic() > end:
                self.fail(line, "the host does not listen")
            time.sleep(0.01)

    def holds(self, name, expected, line):
        with open(self.path(name), encoding="utf-8") as file:
            found = file.read()
        if found != expected:
            self.fail(line, f"{name} should hold\n{expected}and holds\n{found}")

    def stop(self):
        for host, log, line in self.hosts:
            host.send_signal(signal.SIGTERM)
            code = host.wait(60)
            with open(log, encoding="utf-8", errors="replace") as file:
                text = file.read()
            if code != 0 or any(word in text for word in SANITIZER_WORDS):
                sys.exit(f"{self.page}:{line}: the host ended with {code}\n{text}")
        self.hosts = []

    def fail(self, line, why):
        for host, log, _ in self.hosts:
            host.kill()
            with open(log, encoding="utf-8", errors="replace") as file:
                print(file.read())
        sys.exit(f"{self.page}:{line}: {why}")


def main():
    parser = argparse.ArgumentParser()
    for name in ("build", "page", "work", "cmake", "generator", "compiler"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--sanitize", default="")
    options = parser.parse_args()
    subprocess.run([options.cmake, "-E", "rm", "-rf", options.work], check=True)
    reader = Reader(options)
    for component in ("sdk", "host"):
        subprocess.run([options.cmake, "--install", options.build, "--component", component, "--prefix",
                        reader.environment["PREFIX"]], check=True, stdout=subprocess.DEVNULL)
    kinds = {"file": 0, "sh": 0, "background": 0, "text": 0}
    for language, word, text, line in blocks(options.page):
        if language == "sh":
            kinds[word or "sh"] += 1
            (reader.serve if word else reader.run)(text, line)
        elif language == "text" and word:
            kinds["text"] += 1
            reader.holds(word, text, line)
        elif word:
            kinds["file"] += 1
            with open(reader.path(word), "w", encoding="utf-8") as file:
                file.write(text)
    reader.stop()
    assert all(kinds.values()), f"the page lost a kind of block: {kinds}"
    print("the page holds:", kinds)


if __name__ == "__main__":
    main()
