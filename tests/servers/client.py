"""A private database server for a Python test: see keeper.py.

    with Server("postgresql") as server:
        server["host"], server["port"], server["user"], server["password"], server["database"]
        server.kill(); server.start()
"""

import os
import subprocess

KEEPER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "keeper.py")


class Server:
    def __init__(self, engine, tls=False, settings=(), disk=None, pooler=None):
        words = ["/usr/bin/python3", KEEPER, engine, *(["--tls"] if tls else []), *(["--disk", disk] if disk else []),
                 *(["--pooler", pooler] if pooler else [])]
        words += [part for one in settings for part in ("--set", one)]
        # The process ends as soon as the keeper has left it.
        self._link = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # pylint: disable=consider-using-with
        self._link.wait()
        self._coordinates = {}
        try:
            self._learn(self._answer())
        except RuntimeError:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __getitem__(self, name):
        return self._coordinates[name]

    def coordinates(self):
        return dict(self._coordinates)

    def close(self):
        """Returns when the server is gone and its directory removed."""
        self._link.stdin.close()
        self._link.stdout.read()
        self._link.stdout.close()

    def start(self):
        """After `stop` or `kill`: the same data, the same port."""
        self._ask("start")
        self._learn(self._ask("coordinates"))

    def stop(self):
        """In order."""
        self._ask("stop")

    def kill(self):
        """SIGKILL, all its processes."""
        self._ask("kill")

    def hang(self):
        """It keeps its connections and answers nothing, until `resume`."""
        self._ask("hang")

    def resume(self):
        self._ask("resume")

    def drop_connections(self):
        """The user's, not the server's administrator's."""
        self._ask("drop_connections")

    def fill(self):
        """No file of its data can grow any more; needs `disk="small"`."""
        self._ask("fill")

    def make_room(self):
        self._ask("make_room")

    def create_database(self, name):
        self._ask("create_database", name)

    def sql(self, text, database=""):
        """As administrator. The rows, a line each."""
        return self._ask("sql", f"{database}\n{text}")

    def _learn(self, text):
        self._coordinates = dict(line.split("=", 1) for line in text.splitlines())

    def _ask(self, word, text=""):
        data = text.encode()
        self._link.stdin.write(f"{word} {len(data)}\n".encode() + data)
        self._link.stdin.flush()
        return self._answer()

    def _answer(self):
        head = self._link.stdout.readline().split()
        if len(head) != 2:
            raise RuntimeError("the keeper of the database server is gone")
        text = self._link.stdout.read(int(head[1])).decode()
        if head[0] != b"ok":
            raise RuntimeError(text)
        return text
