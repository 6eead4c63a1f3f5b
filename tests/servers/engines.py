"""The two database servers as private ones: how each is made, started, asked and ended.

Everything of a server lies in one directory: data, socket, log, certificate. It listens on a Unix socket there and on a
loopback port, with fsync as on a real machine."""

import errno
import fcntl
import glob
import hashlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time

USER, PASSWORD, DATABASE = "loft", "a password with 'quotes' and spaces", "loft"
ADMIN, ADMIN_PASSWORD = "keeper", "only the keeper knows"
PATIENCE = 60


class ServerError(Exception):
    """The server did not do what was asked; the text says why, with the end of its log."""


def free_port():
    """Below the range the kernel hands out for connections: nobody takes it while the server is down between two
    starts."""
    for _ in range(200):
        port = random.randint(20000, 31999)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServerError("no free port between 20000 and 31999 on 127.0.0.1")


def family(pid):
    """A process with all that descend from it, the eldest first."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry))
    found = [pid]
    for one in found:
        found.extend(children.get(one, []))
    return found


class Server:
    """What the engines share. `tls`: a certificate of its own; `settings`: further `name=value` for the server."""

    programs, end_signal, stop_signal = (), signal.SIGKILL, signal.SIGTERM
    file_limit = 16 << 20  # where nothing can be mounted, a full disk is that no file may become larger
    disk_settings = []     # what the engine needs to live with that
    pooler = None          # what stands before it

    def __init__(self, directory, tls, settings, preexec, disk=None):
        self.directory, self.settings, self._preexec = directory, settings, preexec
        self.data, self.log = os.path.join(disk or directory, "data"), os.path.join(directory, "log")
        self._filler = os.path.join(disk, "filler") if disk else None
        self.port, self.process = free_port(), None
        self._account = None
        if os.geteuid() == 0:  # both servers refuse root
            self._account = pwd.getpwnam("nobody")
        self.make_folder(self.data)
        self.make_folder(os.path.join(directory, "socket"))
        self.certificate = self._certificate() if tls else None

    def make_folder(self, path):
        os.mkdir(path, 0o755)
        self._give(path)

    def _give(self, path):
        if self._account:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def as_owner(self):
        who = {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []} if self._account else {}
        return {**who, "cwd": self.directory, "env": {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}}

    def _certificate(self):
        """An authority and a certificate for 127.0.0.1 and localhost: the paths of authority, chain and key."""
        at = lambda name: os.path.join(self.directory, name)  # noqa: E731
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-x509"]
        self.command(["openssl", "req", *new_key, "-keyout", at("ca.key"), "-out", at("ca.crt"), "-subj", "/CN=loft test CA"])
        self.command(["openssl", "req", *new_key, "-keyout", at("server.key"), "-out", at("server.crt"), "-CA", at("ca.crt"),
                      "-CAkey", at("ca.key"), "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                      "-addext", "basicConstraints=critical,CA:FALSE"])
        os.chmod(at("server.key"), 0o600)
        self._give(at("server.key"))
        return at("ca.crt"), at("server.crt"), at("server.key")

    # The first one of a build tree makes a template; the others copy it, which saves most of a second of computing.

    def make(self):
        template = self._template()
        if template is None:
            self.make_data()
            self.start()
            return
        with open(template.rpartition("-")[0] + ".lock", "wb") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            if not os.path.isdir(template):
                for old in glob.glob(template.rpartition("-")[0] + "-*[0-9a-f]"):
                    remove(old)
                self.make_data()
                self.stop()
                self._copy(self.data, template + ".new")
                os.rename(template + ".new", template)
        if not os.listdir(self.data):
            os.rmdir(self.data)
            self._copy(template, self.data)
        self.start()

    def _template(self):
        """In the build folder, if there is one: by engine, account, this file and the server's program."""
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        folder = os.path.join(root, "build", "servers")
        if not os.path.isdir(os.path.dirname(folder)) or not os.access(os.path.dirname(folder), os.W_OK):
            return None
        os.makedirs(folder, exist_ok=True)
        with open(__file__, "rb") as file:
            mark = hashlib.sha256(file.read())
        mark.update(f"{self.server_words()[0]} {os.stat(self.server_words()[0]).st_mtime_ns}".encode())
        return os.path.join(folder, f"{self.name}-{os.geteuid()}-{mark.hexdigest()[:16]}")

    def _copy(self, source, target):
        remove(target)
        # What is a hole on a small disk may find no room later, where the server has long taken it for written.
        self.command(["cp", "-a", f"--sparse={'never' if target == self.data and self._filler else 'always'}", source, target])

    @classmethod
    def find(cls, name):
        """Debian keeps servers out of the path."""
        for folder in (*cls.programs, *os.environ.get("PATH", "").split(":"), "/usr/sbin"):
            if os.access(os.path.join(folder, name), os.X_OK):
                return os.path.join(folder, name)
        raise ServerError(f"{name} is not installed: script/setup test")

    @staticmethod
    def command(words, text=None, env=None, **more):
        done = subprocess.run(words, input=text, stdin=None if text else subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, timeout=PATIENCE, env=env, **more)
        if done.returncode != 0:
            raise ServerError(f"{os.path.basename(words[0])} ended with {done.returncode}: {done.stderr.strip()[-2000:]}"
                              f"{done.stdout.strip()[-2000:]}")
        return done.stdout

    # the life of the process

    def running(self):
        return self.process is not None and self.process.poll() is None

    def start(self):
        """Until it answers."""
        if self.running():
            return
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.server_words(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=self._preexec(self.end_signal), **{**self.as_owner(), "env": None})
        deadline = time.monotonic() + PATIENCE
        while not self.ready():
            if not self.running():
                raise ServerError(f"the server ended with {self.process.returncode} while it started:\n{self.log_end()}")
            if time.monotonic() > deadline:
                raise ServerError(f"the server does not answer after {PATIENCE} s:\n{self.log_end()}")
            time.sleep(0.02)

    def stop(self):
        """In order, as an operator would."""
        self.resume()
        self._end(lambda: self.process.send_signal(self.stop_signal))

    def kill(self):
        """All its processes at once, as when the machine loses power, but for what the kernel has taken."""
        self._end(lambda: self._send(signal.SIGKILL))

    def _end(self, act):
        if not self.running():
            return
        everyone = family(self.process.pid)
        act()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise ServerError(f"the server does not end after {PATIENCE} s:\n{self.log_end()}") from None
        deadline = time.monotonic() + PATIENCE
        while any(os.path.exists(f"/proc/{pid}") for pid in everyone) and time.monotonic() < deadline:
            time.sleep(0.005)

    def hang(self):
        """It keeps its connections and answers nothing."""
        self._send(signal.SIGSTOP)

    def resume(self):
        self._send(signal.SIGCONT)

    def fill(self):
        """No file can grow any more, until `make_room`."""
        if self._filler is None:
            return self._limit_files(str(self.file_limit))
        with open(self._filler, "ab", 0) as file:
            try:
                while file.write(bytes(1 << 16)):
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def make_room(self):
        if self._filler is None:
            self._limit_files("unlimited")
        elif os.path.exists(self._filler):
            os.unlink(self._filler)

    def _limit_files(self, size):
        """As the account of the server, because root in a container may not limit the processes of others."""
        for pid in family(self.process.pid) if self.running() else ():
            try:
                self.command(["prlimit", f"--pid={pid}", f"--fsize={size}:"], **self.as_owner())
            except ServerError:
                if os.path.exists(f"/proc/{pid}"):  # else it has ended meanwhile
                    raise

    def _send(self, number):
        if self.running():
            for pid in family(self.process.pid):
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass

    def discard(self):
        """For good; the directory is the caller's to remove."""
        self.kill()

    def log_end(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read()[-3000:]
        except OSError:
            return ""

    def coordinates(self):
        ca = self.certificate[0] if self.certificate else ""
        return {"engine": self.name, "host": "127.0.0.1", "port": self.port, "socket": self.socket(), "user": USER,
                "password": PASSWORD, "database": DATABASE, "ca": ca, "directory": self.directory,
                "pid": self.process.pid if self.running() else 0}


class PostgreSQL(Server):
    name = "postgresql"
    programs = tuple(f"/usr/lib/postgresql/{number}/bin" for number in range(20, 14, -1))
    end_signal = signal.SIGQUIT  # it drops its work, but removes its shared memory
    stop_signal = signal.SIGINT

    def make_data(self):
        secret = os.path.join(self.directory, "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write(ADMIN_PASSWORD + "\n")
        self._give(secret)
        os.chmod(self.data, 0o700)
        self.command([self.find("initdb"), "-D", self.data, "-U", ADMIN, "-A", "scram-sha-256", "--pwfile", secret,
                      "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"], **self.as_owner())
        self.start()
        word = PASSWORD.replace("'", "''")
        self.sql("postgres", f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{word}'")
        self.create_database(DATABASE)

    def socket(self):
        return os.path.join(self.directory, "socket")

    def server_words(self):
        settings = ["listen_addresses=127.0.0.1", f"port={self.port}", f"unix_socket_directories={self.socket()}",
                    "fsync=on", "synchronous_commit=on", "full_page_writes=on", "log_min_messages=warning",
                    "dynamic_shared_memory_type=mmap", "shared_buffers=64MB", "cluster_name=loft-test"]
        if self.certificate:
            settings += ["ssl=on", f"ssl_cert_file={self.certificate[1]}", f"ssl_key_file={self.certificate[2]}"]
        return [self.find("postgres"), "-D", self.data, *(part for one in settings + self.settings for part in ("-c", one))]

    def ready(self):
        """Its own status file says "ready"; asking it would fill its log with refusals."""
        try:
            with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as file:
                lines = file.read().split("\n")
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(self.process.pid) and lines[7].startswith("ready")

    def sql(self, database, text):
        env = {**os.environ, "PGPASSWORD": ADMIN_PASSWORD, "PGCONNECT_TIMEOUT": "10", "PGOPTIONS": ""}
        return self.command([self.find("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.socket(),
                             "-p", str(self.port), "-U", ADMIN, "-d", database or DATABASE], text, env)

    def create_database(self, name):
        self.sql("postgres", f'CREATE DATABASE "{name}" OWNER {USER}')

    def drop_connections(self):
        self.sql("postgres", f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{USER}'")

    def discard(self):
        if self.running():
            self.resume()
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()
        # Who was killed leaves a small piece of System V memory, which only its next start would remove.
        try:
            with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as file:
                identifier = file.read().split("\n")[6].split()[1]
            subprocess.run(["ipcrm", "-m", identifier], capture_output=True, check=False)
        except (OSError, IndexError):
            pass


class MariaDB(Server):
    name = "mariadb"
    disk_settings = ["innodb-log-file-size=8M"]

    def make_data(self):
        self.command([self.find("mariadb-install-db"), "--no-defaults", f"--datadir={self.data}", "--skip-test-db",
                      "--auth-root-authentication-method=normal", "--skip-name-resolve"], **self.as_owner())
        self.start()
        word = PASSWORD.replace("'", "''")
        text = (f"DELETE FROM mysql.global_priv WHERE User = ''; FLUSH PRIVILEGES; "
                f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{word}'; GRANT ALL ON `{USER}%`.* TO '{USER}'@'%'; "
                f"CREATE USER '{ADMIN}'@'localhost' IDENTIFIED BY '{ADMIN_PASSWORD}'; "
                f"GRANT ALL ON *.* TO '{ADMIN}'@'localhost' WITH GRANT OPTION; DROP USER 'root'@'localhost';")
        self._ask("root", "", "mysql", text)
        self.create_database(DATABASE)

    def socket(self):
        return os.path.join(self.directory, "socket", "mariadb")

    def server_words(self):
        tls = []
        if self.certificate:
            tls = [f"--ssl-ca={self.certificate[0]}", f"--ssl-cert={self.certificate[1]}", f"--ssl-key={self.certificate[2]}"]
        return [self.find("mariadbd"), "--no-defaults", f"--datadir={self.data}", f"--socket={self.socket()}",
                f"--port={self.port}", "--bind-address=127.0.0.1", f"--pid-file={self.directory}/socket/pid",
                "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=1", "--max-allowed-packet=64M",
                "--tmpdir=" + self.data, "--plugin-maturity=stable", *tls, *("--" + one for one in self.settings)]

    def ready(self):
        """It listens only when it can answer."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.socket()) == 0

    def _ask(self, user, password, database, text):
        env = {**os.environ, "MYSQL_PWD": password}
        return self.command([self.find("mariadb"), "--no-defaults", "-N", "-B", "-r", "--default-character-set=utf8mb4",
                             "--connect-timeout=10", "-S", self.socket(), "-u", user, "-D", database], text, env)

    def sql(self, database, text):
        return self._ask(ADMIN, ADMIN_PASSWORD, database or DATABASE, text)

    def create_database(self, name):
        self.sql("mysql", f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")

    def drop_connections(self):
        self.sql("mysql", f"KILL USER {USER}")


ENGINES = {"postgresql": PostgreSQL, "mariadb": MariaDB}


def remove(directory):
    shutil.rmtree(directory, ignore_errors=True)
