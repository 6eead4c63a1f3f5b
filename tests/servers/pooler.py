"""pgbouncer before a private PostgreSQL, for as long as that is there."""

import os
import socket
import subprocess
import time

import engines

SETTINGS = """\
[databases]
* = host={server} port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir = {server}
auth_type = scram-sha-256
auth_file = {users}
pool_mode = {mode}
max_client_conn = 200
default_pool_size = 50
ignore_startup_parameters = extra_float_digits
"""


class Pooler:
    def __init__(self, server, mode, preexec):
        self.port = engines.free_port()
        folder = os.path.join(server.directory, "pooler")
        server.make_folder(folder)
        path, users, log = (os.path.join(folder, name) for name in ("settings", "users", "log"))
        with open(users, "w", encoding="utf-8") as file:
            file.write("".join(f'"{name}" "{word}"\n' for name, word in ((engines.USER, engines.PASSWORD),)))
        with open(path, "w", encoding="utf-8") as file:
            file.write(SETTINGS.format(server=server.socket(), server_port=server.port, port=self.port, users=users, mode=mode))
        with open(log, "wb") as file:
            self._process = subprocess.Popen([server.find("pgbouncer"), path], stdin=subprocess.DEVNULL, stdout=file,
                                             stderr=file, preexec_fn=preexec(9), **server.as_owner())
        deadline = time.monotonic() + engines.PATIENCE
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                with open(log, encoding="utf-8", errors="replace") as file:
                    raise engines.ServerError(f"pgbouncer does not listen:\n{file.read()[-2000:]}")
            time.sleep(0.02)

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def discard(self):
        self._process.kill()
        self._process.wait()
