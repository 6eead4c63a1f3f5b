#!/usr/bin/python3
"""`loft new` with what is installed alone: a project of each kind is small, builds, passes its tests, and its configuration is one."""

import argparse
import os
import re
import subprocess
import sys

FLAGS = {"address": "-fsanitize=address,undefined", "thread": "-fsanitize=thread"}
KINDS = {"domain": ("Acme:Poll", "acme-poll", "domain.acme_poll"), "interceptor": ("night_mode", "night-mode", "interceptor.night_mode"),
         "push": ("pager", "pager", "push.pager"), "contract": ("postbox", "postbox", "contract.postbox")}
MOST_FILES, MOST_LINES = 8, 60
PLACEHOLDER = re.compile(r"@[A-Z_]+@")


def run(*command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          timeout=1100, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}")
    return done.stdout


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
    parser = argparse.ArgumentParser()
    for name in ("build", "work", "cmake", "generator", "compiler"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--launcher", default="")
    parser.add_argument("--sanitize", default="")
    options = parser.parse_args()
    run(options.cmake, "-E", "rm", "-rf", options.work)
    prefix = os.path.join(options.work, "prefix")
    for component in ("sdk", "host"):
        run(options.cmake, "--install", options.build, "--component", component, "--prefix", prefix)
    loft = os.path.join(prefix, "bin", "loft")
    for kind, (name, place, plugin) in KINDS.items():
        said = run(loft, "new", kind, name, cwd=options.work)
        folder = os.path.join(options.work, place)
        files = sorted(os.listdir(folder))
        assert f"made {place}: {' '.join(files)}\n" in said, said
        is_small(folder, files)

        run(options.cmake, "-S", ".", "-B", "build", "-G", options.generator, f"-DCMAKE_PREFIX_PATH={prefix}",
            f"-DCMAKE_CXX_COMPILER={options.compiler}", "-DCMAKE_BUILD_TYPE=Debug", f"-DCMAKE_CXX_COMPILER_LAUNCHER={options.launcher}",
            f"-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror {FLAGS.get(options.sanitize, '')}", cwd=folder)
        with open(os.path.join(folder, "build", "CMakeCache.txt"), encoding="utf-8") as cache:
            assert f"loft_DIR:PATH={prefix}/" in cache.read(), "another SDK was found"
        run(options.cmake, "--build", "build", "--parallel", "2", cwd=folder)
        said = run("ctest", "--test-dir", "build", "--verbose", cwd=folder)
        assert "100% tests passed, 0 tests failed out of 2" in said, said
        # All of it could be looked at.
        assert re.search(r"^\d+: ok    life cycle", said, re.M) and not re.search(r"^\d+: -", said, re.M), said
        assert " is fine: " in run(loft, "check", "--config", "loft.yaml", cwd=folder)

        # Where the host of that prefix looks for plugins.
        run(options.cmake, "--install", "build", "--prefix", prefix, cwd=folder)
        assert plugin in run(loft, "plugins", "list", "--config", "loft.yaml", "--set", "plugin_path=[]", cwd=folder)
        print(f"{kind}: {' '.join(files)}", flush=True)


if __name__ == "__main__":
    main()
