#!/usr/bin/python3
"""How fast the push channels hand notifications over, and what one costs: against a simulated provider on this machine.

    tests/load/push.py [--build build/bench] [--rounds 5] [--count 20000] [--connections 1,4,16] [--window 500] [CHANNEL …]

Channels are apns and fcm. For each number of connections the plugin and the reference, libcurl alone with the same
requests, take turns. Medians of pushes a second and of CPU microseconds of the sending process, and their ratio to the
reference of the same run. The provider has one thread: `provider` is how busy it was, and near 100 % it, not the sender,
sets the rate; what a push costs the sender is told all the same.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(options, provider, line, channel, connections, plugin):
    command = [os.path.join(options.build, "bin", "push_rate"), "--simulation", line, "--channel", channel, "--count",
               str(options.count), "--connections", str(connections), "--window", str(options.window)]
    if plugin:
        command += ["--plugin", os.path.join(options.build, "lib/loft/plugins", f"push.{channel}.so")]
    before = cpu_of(provider.pid)
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    if found["accepted"] != options.count:
        raise SystemExit(f"{channel}: {found['refused']} of {options.count} were not accepted")
    found["provider"] = 100 * (cpu_of(provider.pid) - before) / (found["accepted"] / found["per_second"])
    return found


def middle(runs, key):
    return statistics.median(run[key] for run in runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("channels", nargs="*", default=["apns", "fcm"])
    parser.add_argument("--build", default="build/bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--connections", default="1,4,16")
    parser.add_argument("--window", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loft-push-") as state:
        command = [os.path.join(options.build, "bin", "loft-push-simulate"), "--state", state, "--pushes", "/dev/null"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as provider:
            try:
                line = provider.stdout.readline()
                for channel in options.channels:
                    for connections in map(int, options.connections.split(",")):
                        runs = {True: [], False: []}
                        for _ in range(options.rounds):
                            for plugin in (False, True):
                                runs[plugin].append(measure(options, provider, line, channel, connections, plugin))
                        for plugin, name in ((False, "libcurl alone"), (True, f"push.{channel}")):
                            rate, cpu = middle(runs[plugin], "per_second"), middle(runs[plugin], "cpu_us")
                            print(f"{channel:5} {connections:3} connection(s)  {name:14} {rate:8.0f} pushes/s  "
                                  f"x {rate / middle(runs[False], 'per_second'):.2f}  {cpu:7.1f} us CPU a push  "
                                  f"x {cpu / middle(runs[False], 'cpu_us'):.2f}  provider {middle(runs[plugin], 'provider'):3.0f} %",
                                  flush=True)
            finally:
                provider.terminate()


if __name__ == "__main__":
    main()
