"""Samples that documents print name a port. Where it is free the host takes it; where not, the test runs again in a
network of its own (util-linux' unshare); where that is not allowed either, it ends and says what to do."""

import os
import shutil
import socket
import subprocess
import sys

UNSHARE = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-r", "-n"]


def _listener(port):
    """The address at which somebody listens who would be in the way; None when there is nobody."""
    for family, _, _, _, address in socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(address) == 0:
                return address[0]
    return None


def find_the_port(port):
    """Returns where localhost:port is free, or does not return."""
    if os.environ.get("LOFT_OWN_NETWORK"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return "in a network of its own"
    taken = _listener(port)
    if taken is None:
        return f"on port {port} of this machine"
    reason = "`unshare` or `ip` is not there (packages util-linux and iproute2)"
    if shutil.which("unshare") and shutil.which("ip"):
        tried = subprocess.run([*UNSHARE, "--", "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            os.environ["LOFT_OWN_NETWORK"] = "1"
            os.execvp("unshare", [*UNSHARE, "--", sys.executable, *sys.argv])
        reason = f"`{' '.join(UNSHARE)}` is not allowed ({tried.stderr.strip()})"
    sys.exit(f"The document's clients connect to localhost:{port}. Somebody listens there ({taken}), and a network of the "
             f"test's own cannot be made: {reason}.\nEnd the program on port {port} (`ss -ltnp sport = :{port}` names it), or "
             "let the test make a network: as root outside a container or with CAP_SYS_ADMIN in it, else with\n"
             "`sysctl kernel.unprivileged_userns_clone=1`.")
