"""Test cases that are plain functions: each promises what its docstring says, all are tried, all failures are shown."""

import argparse
import os
import sys
import time
import traceback

_cases = []


def case(function):
    """Marks a case; its docstring is the promise."""
    _cases.append(function)
    return function


def until(condition, what, patience=30.0):
    """Asks again and again until the answer is true, and returns it."""
    end = time.monotonic() + patience
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"it did not come about within {patience:.0f} s: {what}")
        time.sleep(0.01)


class Given:
    """What a case gets: the program, the folder of the plugins, and whatever the file added to its command line."""

    def __init__(self, options):
        self.options = options
        self.loft, self.plugins = os.path.abspath(options.loft), os.path.abspath(options.plugins)


def run(description, **more):
    """Runs the cases of a file; `--only WORD` takes those whose promise holds the word."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--loft", required=True)
    parser.add_argument("--plugins", required=True)
    parser.add_argument("--only", default="")
    for name, default in more.items():
        flag = "--" + name.replace("_", "-")
        if default is False:
            parser.add_argument(flag, action="store_true")
        else:
            parser.add_argument(flag, default=default)
    options = parser.parse_args()
    failed = 0
    chosen = [one for one in _cases if options.only in one.__doc__]
    for one in chosen:
        promise = " ".join(one.__doc__.split()).rstrip(".")
        begin = time.monotonic()
        try:
            one(Given(options))
        except Exception:  # noqa: BLE001 - every failure is shown, and the next case tried
            failed += 1
            print(f"FAILED  {promise}\n{traceback.format_exc()}", flush=True)
        else:
            print(f"ok  {promise} ({time.monotonic() - begin:.1f} s)", flush=True)
    if not chosen:
        sys.exit(f"no case holds '{options.only}'")
    if failed:
        sys.exit(f"{failed} of {len(chosen)} cases failed")
