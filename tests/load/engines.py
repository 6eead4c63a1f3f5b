"""The three storages for measurements: where each lies, and how its plugin and its raw reference are called."""

import contextlib
import os
import re
import sqlite3
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

from lib.database import Server                          # noqa: E402 - the folder must be known first

# As an operator would set up a server of this size; everything else is as its package has it.
SETTINGS = {"postgresql": ["shared_buffers=512MB", "max_wal_size=2GB"],
            "mysql": ["innodb_buffer_pool_size=512M", "innodb_log_file_size=512M"]}


class Engine:
    """An empty place for a store, as often as asked for; servers are private and end with it."""

    def __init__(self, name, build):
        self.name = name
        self.build = os.path.abspath(build)
        self._server = None
        self._count = 0
        self._place = {}
        self._folder = tempfile.TemporaryDirectory(prefix="loft-load-")

    def __enter__(self):
        if self.name != "sqlite":
            self._server = Server({"mysql": "mariadb"}.get(self.name, self.name), settings=SETTINGS[self.name])
        return self

    def __exit__(self, *_):
        if self._server:
            self._server.close()
        self._folder.cleanup()

    def empty(self):
        """From now on the plugin and the reference find nothing there."""
        self._count += 1
        if self.name == "sqlite":
            self._place = {"path": os.path.join(self._folder.name, f"{self._count}.db")}
            return
        name = f"loft{self._count}"  # which the user of the private server may use
        self._server.create_database(name)
        found = self._server.coordinates()
        self._place = {"host": found["socket"], "user": found["user"], "password": found["password"], "database": name}
        if "port" in found:
            self._place["port"] = int(found["port"])

    def size(self):
        """Bytes that the store takes on disk, without a server's own log."""
        if self.name == "sqlite":
            return sum(os.path.getsize(self._place["path"] + end) for end in ("", "-wal") if os.path.exists(self._place["path"] + end))
        name = self._place["database"]
        if self.name == "postgresql":
            return int(self._server.sql(f"SELECT pg_database_size('{name}')").strip())
        return int(self._server.sql("SELECT sum(file_size) FROM information_schema.innodb_sys_tablespaces "
                                    f"WHERE name LIKE '{name}/%'").strip())

    def rows(self, sql):
        """What a query finds; columns must be numbers or words. Texts, as the servers' clients print them."""
        if self.name == "sqlite":
            with contextlib.closing(sqlite3.connect(f"file:{self._place['path']}?mode=ro", uri=True)) as database:
                return [tuple(map(str, row)) for row in database.execute(sql)]
        found = self._server.sql(sql, self._place["database"])
        return [tuple(re.split(r"[|\t]", line)) for line in found.splitlines() if line]

    def options(self):
        """Of the storage plugin."""
        return dict(self._place)

    def program(self, name):
        return os.path.join(self.build, "bin", name)

    def plugin_words(self):
        words = ["--plugin", os.path.join(self.build, "lib", "loft", "plugins", f"storage.{self.name}.so"), "--data",
                 self._folder.name]
        for option, value in self._place.items():
            words += ["--set", f"{option}={value}"]
        return words

    def raw(self, way=None):
        """The reference's command."""
        at = self._place
        if self.name == "sqlite":
            return [self.program("raw_sqlite"), "--path", at["path"]]
        if self.name == "postgresql":
            words = {"host": at["host"], "port": at["port"], "user": at["user"], "password": at["password"], "dbname": at["database"]}
            to = " ".join(name + "='" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'" for name, value in words.items())
            return [self.program("raw_postgresql"), "--way", way, "--to", to]
        return [self.program("raw_mysql"), "--way", way, "--socket", at["host"], "--user", at["user"], "--password",
                at["password"], "--database", at["database"]]
