"""Private database servers for end-to-end tests, and the network to them: tests/servers/client.py and proxy.py."""

import importlib.util
import os

_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "servers")


def _module(name):
    spec = importlib.util.spec_from_file_location("loft_database_" + name, os.path.join(_FOLDER, name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Server = _module("client").Server
Proxy = _module("proxy").Proxy
