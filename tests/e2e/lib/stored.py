"""A host over each storage; one that needs a server has it to itself."""

import contextlib
import json

from .database import Server
from .host import Host


@contextlib.contextmanager
def host_over(given, storage, arguments=(), **more):
    if storage == "sqlite":
        with Host(given.loft, given.plugins, arguments=list(arguments), **more) as host:
            yield host, None
        return
    with Server({"mysql": "mariadb"}.get(storage, storage)) as server:
        where = ["--set", f"storage.port={server['port']}"]
        for name in ("host", "user", "password", "database"):
            where += ["--set", f"storage.{name}={json.dumps(server[name])}"]
        with Host(given.loft, given.plugins, storage=storage, arguments=[*where, *arguments], **more) as host:
            yield host, server
