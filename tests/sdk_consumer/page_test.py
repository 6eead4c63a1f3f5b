#!/usr/bin/python3
"""Does what a page of docs/plugins says, as its reader would: writes its files, runs its commands in order, and compares what they
leave behind. A fenced block with a second word is a file of that name; `sh` blocks are commands, in the folder where the last one
ended; an `sh background` block is a host that runs until the end; a `text` block is what a file must hold by then. What stands
in a `console` block is not run."""

import argparse
import json
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
        self.page, self.folder = options.page, os.path.join(options.work, "project")
        self.hosts = []
        prefix = os.path.join(options.work, "prefix")
        # As if the prefix were /usr.
        self.environment = {**os.environ, "PREFIX": prefix, "CMAKE_PREFIX_PATH": prefix, "CXX": options.compiler,
                            "PATH": os.path.join(prefix, "bin") + os.pathsep + os.environ["PATH"],
                            "CMAKE_GENERATOR": options.generator, "CMAKE_CXX_COMPILER_LAUNCHER": options.launcher,
                            "CMAKE_BUILD_TYPE": "Debug",  # the quickest
                            "CXXFLAGS": FLAGS.get(options.sanitize, "")}
        self.web = options.web  # the port of the page's only listener, where the page names one: here it is any that is free
        self.web_here = options.web
        os.makedirs(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, commands, line):
        if self.web:
            commands = commands.replace(f"127.0.0.1:{self.web}", f"127.0.0.1:{self.web_here}")
        ended_in = os.path.join(self.folder, ".ended-in")
        done = subprocess.run(["sh", "-ec", f"{commands}\npwd > '{ended_in}'"], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1100, check=False)
        print(done.stdout, flush=True)
        if done.returncode != 0:
            self.fail(line, f"the commands ended with {done.returncode}")
        with open(ended_in, encoding="utf-8") as file:
            self.folder = file.read().rstrip("\n")

    def serve(self, commands, line):
        log = self.path("host.log")
        if self.web:
            commands = f"{commands.rstrip()} --set listeners.0.listen=127.0.0.1:0 --set internal.listen=127.0.0.1:0"
        with open(log, "wb") as file:
            host = subprocess.Popen(["sh", "-ec", commands], cwd=self.folder, env=self.environment,
                                    stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        self.hosts.append((host, log, line))
        end = time.monotonic() + 60
        while not os.path.exists(self.path("data/ports.json")):
            if host.poll() is not None or time.monotonic() > end:
                self.fail(line, "the host does not listen")
            time.sleep(0.01)
        if self.web:
            with open(self.path("data/ports.json"), encoding="utf-8") as file:
                self.web_here = json.load(file)["web"]

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
    parser.add_argument("--launcher", default="")
    parser.add_argument("--web", default="")
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
    assert kinds["sh"] and kinds["background"] and kinds["text"], f"the page lost a kind of block: {kinds}"
    print("the page holds:", kinds)


if __name__ == "__main__":
    main()
