"""A headless Chromium, told what to do through its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/)."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request

from .wire import WebSocket


class BrowserError(Exception):
    pass


class Chromium:
    """One page. `evaluate` runs JavaScript in it, as if the page had said it."""

    def __init__(self):
        program = shutil.which("chromium")
        if program is None:
            raise BrowserError("chromium is missing; script/setup test installs it")
        self._folder = tempfile.mkdtemp(prefix="loft-chromium-")
        self._process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
             "--remote-allow-origins=*", f"--user-data-dir={self._folder}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self._numbers = itertools.count(1)
        self._socket = None

    def __enter__(self):
        self._socket = WebSocket(self._page())
        self._call("Page.enable")
        self._call("Runtime.enable")
        return self

    def __exit__(self, kind, value, trace):
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _page(self, patience=60.0):
        """The DevTools address of the first page, once the browser says on which port it listens."""
        path, end = os.path.join(self._folder, "DevToolsActivePort"), time.monotonic() + patience
        while True:
            if self._process.poll() is not None:
                raise BrowserError(f"chromium ended with {self._process.returncode}")
            try:
                with open(path, encoding="utf-8") as file:
                    port = int(file.readline())
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
                    pages = [one for one in json.load(answer) if one["type"] == "page"]
                if pages:
                    return pages[0]["webSocketDebuggerUrl"]
            except (OSError, ValueError):
                pass  # not there yet, or not written to its end
            if time.monotonic() > end:
                raise BrowserError(f"chromium did not open a page within {patience:.0f} s")
            time.sleep(0.05)

    def _call(self, method, **parameters):
        number = next(self._numbers)
        self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:  # events come in between
            answer = self._socket.receive_json(patience=60)
            if answer.get("id") == number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                return answer["result"]

    def open(self, url):
        """Waits until the page at that address is there, whatever its status is."""
        result = self._call("Page.navigate", url=url)
        if "errorText" in result:
            raise BrowserError(f"{url}: {result['errorText']}")
        self.evaluate("new Promise(done => document.readyState === 'complete' ? done() : "
                      "addEventListener('load', () => done()))")

    def evaluate(self, script):
        """The script's value; of a promise what it comes to. An exception of the page is one here."""
        return self._run(script, awaitPromise=True, returnByValue=True).get("value")

    def load(self, script):
        """Runs a script as a page's own, whatever its last expression is."""
        self._run(script)

    def _run(self, script, **how):
        result = self._call("Runtime.evaluate", expression=script, **how)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description", details["text"]))
        return result["result"]
