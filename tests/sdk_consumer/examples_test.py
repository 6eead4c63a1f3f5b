#!/usr/bin/python3
"""The worked examples, as they are installed: each builds against what is installed alone, and its own tests pass."""

import os
import shutil

from installed import Installed

EXAMPLES = {"hello-domain": 1, "acme-poll": 1, "webhook": 1, "word-filter": 2}  # and how many tests it has


def main():
    installed = Installed()
    examples = os.path.join(installed.prefix, "share", "loft", "examples")
    folders = sorted(name for name in os.listdir(examples) if os.path.isdir(os.path.join(examples, name)))
    assert folders == sorted(EXAMPLES), folders
    for name, tests in EXAMPLES.items():
        folder = os.path.join(installed.work, name)
        shutil.copytree(os.path.join(examples, name), folder)
        said = installed.make(folder)
        assert f"100% tests passed, 0 tests failed out of {tests}" in said, said
        print(f"{name}: {tests} passed", flush=True)


if __name__ == "__main__":
    main()
