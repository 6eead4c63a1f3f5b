#!/usr/bin/env python3
"""The simulated push providers, against clients from npm; and what they wrote down."""

import argparse
import json
import os
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = os.path.join(HERE, "..", "node", "node_modules")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--simulate", required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loft-push-") as state:
        command = [arguments.simulate, "--state", state, "--slow", "50"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as simulation:
            try:
                line = simulation.stdout.readline()
                there = json.loads(line)
                environment = dict(os.environ, NODE_PATH=MODULES, NODE_EXTRA_CA_CERTS=there["ca_file"])
                subprocess.run(["node", os.path.join(HERE, "clients.js"), line], env=environment, check=True, timeout=200)
                check(there)
            finally:
                simulation.terminate()
        refuses_nonsense(arguments.simulate, state)


def check(there):
    with open(there["pushes"], encoding="utf-8") as file:
        pushes = [json.loads(line) for line in file]
    assert [push["service"] for push in pushes] == ["apns", "apns", "fcm"], pushes
    first, slow, message = pushes
    assert first["payload"]["aps"]["alert"] == {"title": "Ada", "body": "from node-apn"}, first
    assert (first["push_type"], first["collapse_id"], slow["token"]) == ("alert", "one", "slow-one"), pushes
    assert message["message"]["notification"]["body"] == "from google-auth-library", message
    for path in (there["key_path"], there["service_account"], os.path.join(os.path.dirname(there["ca_file"]), "certificate.key")):
        assert os.stat(path).st_mode & 0o077 == 0, path


def refuses_nonsense(simulate, state):
    done = subprocess.run([simulate, "--state", state, "--fault", "whatever=200"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "NAME=PERCENT" in done.stderr, done


if __name__ == "__main__":
    main()
