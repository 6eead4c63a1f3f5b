#!/usr/bin/python3
"""keeper.py ENGINE [--tls] [--disk KIND] [--set NAME=VALUE …]: one private database server, for as long as somebody holds our input.

ENGINE is postgresql or mariadb. The server is made in a temporary directory, started, and described on standard output.
Then commands come on standard input. When that ends, whatever the reason (the test is done, crashed or was killed), the
server is ended and the directory removed. To be out of reach for whoever kills a test with all its children, the keeper
leaves its parent at once.

An answer is `ok LENGTH` or `error LENGTH`, a line feed, and that many bytes. The first one, without a command, has a line
`name=value` for each coordinate. A command is `WORD LENGTH`, a line feed, and that many bytes:

  start stop kill hang resume    the server: the data and the port stay the same
  drop_connections               the users' connections are cut, the server runs on
  fill make_room                 with --disk: it is full, and is not any more
  create_database                NAME, owned by the user
  sql                            DATABASE, a line feed, statements; as administrator. Answers with the rows as text
  coordinates                    as the first answer
"""

import argparse
import ctypes
import fcntl
import glob
import os
import signal
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import engines  # noqa: E402
from pooler import Pooler  # noqa: E402

PREFIX = "loft-server-"


def leave_parent():
    """In a session of our own, with init for a parent."""
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
    if os.fork() != 0:
        os._exit(0)


def dies_with_us(number):
    """For a server: the kernel sends it this signal should the keeper be killed."""
    libc = ctypes.CDLL(None)
    keeper = os.getpid()

    def ask():
        libc.prctl(1, number)  # PR_SET_PDEATHSIG
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file that may not grow is an error, not the end
        if os.getppid() != keeper:
            os._exit(1)
        os.setsid()

    return ask


def small_disk(directory):
    """A file system of a few megabytes that only we and the server see, and that ends with us. None where nobody may
    mount: then `fill` limits the size of files."""
    libc, disk = ctypes.CDLL(None), os.path.join(directory, "disk")
    os.mkdir(disk, 0o711)
    new_namespace, private = 0x20000, 0x44000  # CLONE_NEWNS; MS_REC | MS_PRIVATE
    if (libc.unshare(new_namespace) == 0 and libc.mount(b"none", b"/", None, private, None) == 0
            and libc.mount(b"tmpfs", disk.encode(), b"tmpfs", 0, b"size=224m,mode=777") == 0):
        return disk
    return None


def lock(directory):
    """Held as long as the keeper lives: who gets it finds a directory that nobody keeps."""
    handle = os.open(os.path.join(directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def remove_abandoned():
    """What killed keepers have left. Young directories may be in the making."""
    for directory in glob.glob(os.path.join(tempfile.gettempdir(), PREFIX + "*")):
        try:
            if os.stat(directory).st_uid != os.geteuid() or time.time() - os.stat(directory).st_mtime < 600:
                continue
            handle = lock(directory)
        except OSError:
            continue
        if handle is not None:
            engines.remove(directory)
            os.close(handle)


def answer(word, text):
    data = text.encode()
    sys.stdout.buffer.write(f"{word} {len(data)}\n".encode() + data)
    sys.stdout.buffer.flush()


def coordinates(server):
    found = server.coordinates()
    if server.pooler is not None:
        found["port"] = server.pooler.port
    return "".join(f"{name}={value}\n" for name, value in found.items())


def obey(server, word, text):
    if word in ("start", "stop", "kill", "hang", "resume", "drop_connections", "fill", "make_room"):
        getattr(server, word)()
        return ""
    if word == "create_database":
        server.create_database(text)
        return ""
    if word == "sql":
        database, _, statements = text.partition("\n")
        return server.sql(database, statements)
    if word == "coordinates":
        return coordinates(server)
    raise engines.ServerError(f"no such command: {word}")


def keep(server):
    """Until the input ends."""
    while True:
        line = sys.stdin.buffer.readline().split()
        if len(line) != 2:
            return
        text = sys.stdin.buffer.read(int(line[1])).decode()
        try:
            answer("ok", obey(server, line[0].decode(), text))
        except BrokenPipeError:
            return
        except Exception as error:  # pylint: disable=broad-except
            answer("error", str(error) if isinstance(error, engines.ServerError) else traceback.format_exc())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=engines.ENGINES)
    parser.add_argument("--tls", action="store_true", help="with a certificate for 127.0.0.1 and localhost")
    parser.add_argument("--disk", choices=("small", "limited"), help="it can be filled: a small file system where one can "
                        "be mounted, else, or always with `limited`, files that may not grow")
    parser.add_argument("--pooler", choices=("session", "transaction"), help="its clients come through a pgbouncer")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the server")
    given = parser.parse_args()
    leave_parent()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    remove_abandoned()
    directory = tempfile.mkdtemp(prefix=PREFIX)
    server = handle = None
    try:
        os.chmod(directory, 0o711)  # the server's account must get through
        handle = lock(directory)
        engine = engines.ENGINES[given.engine]
        settings = given.set + (engine.disk_settings if given.disk else [])
        disk = small_disk(directory) if given.disk == "small" else None
        server = engine(directory, given.tls, settings, dies_with_us, disk)
        server.make()
        if given.pooler:
            server.pooler = Pooler(server, given.pooler, dies_with_us)
        answer("ok", coordinates(server))
        # Nobody who waits for the test's output waits for us.
        os.dup2(os.open(os.path.join(directory, "keeper"), os.O_WRONLY | os.O_CREAT, 0o600), 2)
        keep(server)
    except BrokenPipeError:
        pass
    except Exception as error:  # pylint: disable=broad-except
        answer("error", str(error) if isinstance(error, engines.ServerError) else traceback.format_exc())
    finally:
        if server is not None:
            if server.pooler is not None:
                server.pooler.discard()
            server.discard()
        engines.remove(directory)
        if handle is not None:
            os.close(handle)


if __name__ == "__main__":
    main()
