#!/usr/bin/python3
"""`loft new` with what is installed alone: a project of each kind is small, builds, passes its tests, and its configuration is one."""

import os
import re

from installed import Installed, run

KINDS = {"domain": ("Acme:Poll", "acme-poll", "domain.acme_poll"), "interceptor": ("night_mode", "night-mode", "interceptor.night_mode"),
         "push": ("pager", "pager", "push.pager"), "contract": ("postbox", "postbox", "contract.postbox")}
MOST_FILES, MOST_LINES = 8, 60
PLACEHOLDER = re.compile(r"@[A-Z_]+@")


def is_small(folder, files):
    """And nothing of the template is left in it."""
    assert len(files) <= MOST_FILES, files
    for name in files:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            text = file.read()
        assert not PLACEHOLDER.search(name + text) and text, f"{name}:\n{text}"
        if name.endswith((".cpp", ".hpp")) and not name.endswith("_test.cpp"):
            assert text.count("\n") <= MOST_LINES, f"{name} has {text.count(chr(10))} lines"
    for wanted in ("CMakeLists.txt", "README.md", "loft.yaml"):
        assert wanted in files, files


def main():
    installed = Installed()
    loft = installed.loft
    for kind, (name, place, plugin) in KINDS.items():
        said = run(loft, "new", kind, name, cwd=installed.work)
        folder = os.path.join(installed.work, place)
        files = sorted(os.listdir(folder))
        assert f"made {place}: {' '.join(files)}\n" in said, said
        is_small(folder, files)

        said = installed.make(folder)
        assert "100% tests passed, 0 tests failed out of 2" in said, said
        # All of it could be looked at.
        assert re.search(r"^\d+: ok    life cycle", said, re.M) and not re.search(r"^\d+: -", said, re.M), said
        assert " is fine: " in run(loft, "check", "--config", "loft.yaml", cwd=folder)

        # Where the host of that prefix looks for plugins.
        run(installed.options.cmake, "--install", "build", "--prefix", installed.prefix, cwd=folder)
        assert plugin in run(loft, "plugins", "list", "--config", "loft.yaml", "--set", "plugin_path=[]", cwd=folder)
        print(f"{kind}: {' '.join(files)}", flush=True)


if __name__ == "__main__":
    main()
