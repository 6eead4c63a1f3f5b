#!/usr/bin/python3
"""Plugins of the commit in sdk/abi/BASE, built with that commit's SDK, in today's host: it runs them, or says that their ABI is another.

Skipped (77) where the checkout does not have that commit.
"""

import io
import os
import re
import subprocess
import sys
import tarfile

from installed import arguments, build, run

SKIPPED = 77
CONFIG = """\
if(NOT TARGET loft::sdk)
  add_library(loft::sdk INTERFACE IMPORTED)
  target_include_directories(loft::sdk INTERFACE {base}/sdk/include)
  target_compile_features(loft::sdk INTERFACE cxx_std_20)
endif()
set(LOFT_EXECUTABLE {loft})
set(LOFT_PLUGIN_INSTALL_DIR lib/loft/plugins)
include({base}/sdk/cmake/LoftPlugin.cmake)
"""


def abi_of(folder):
    with open(os.path.join(folder, "sdk", "include", "loft", "abi.hpp"), encoding="utf-8") as file:
        return int(re.search(r"^#define LOFT_ABI (\d+)$", file.read(), re.M).group(1))


def sources(checkout, work):
    """The SDK and the examples of that commit; None where the checkout does not have it."""
    with open(os.path.join(checkout, "sdk", "abi", "BASE"), encoding="utf-8") as file:
        commit = file.read().strip()
    assert re.fullmatch("[0-9a-f]{40}", commit), commit
    done = subprocess.run(["git", "-C", checkout, "archive", commit, "sdk"], capture_output=True, check=False)
    if done.returncode != 0:
        print(f"{commit} is not in this checkout: {done.stderr.decode(errors='replace').strip()}")
        return None
    base = os.path.join(work, "base")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(base, filter="data")
    return base


def main():
    options = arguments("checkout")
    run(options.cmake, "-E", "rm", "-rf", options.work)
    base = sources(options.checkout, options.work)
    if base is None:
        sys.exit(SKIPPED)
    config = os.path.join(options.work, "config")
    os.makedirs(config)
    loft = os.path.join(options.build, "bin", "loft")
    with open(os.path.join(config, "loftConfig.cmake"), "w", encoding="utf-8") as file:
        file.write(CONFIG.format(base=base, loft=loft))
    then, now = abi_of(base), abi_of(options.checkout)
    examples = os.path.join(base, "sdk", "examples")
    for name in sorted(os.listdir(examples)):
        folder = os.path.join(examples, name)
        if not os.path.isdir(folder):
            continue
        build(options, folder, f"-Dloft_DIR={config}")
        if then == now:
            said = run("ctest", "--test-dir", "build", "--output-on-failure", cwd=folder)
            assert "100% tests passed" in said, said
        for plugin in (one for one in os.listdir(os.path.join(folder, "build")) if one.endswith(".so")):
            done = subprocess.run([loft, "plugins", "check", os.path.join(folder, "build", plugin), "--cycles", "50"],
                                  capture_output=True, text=True, check=False)
            if then == now:
                assert done.returncode == 0, done.stdout + done.stderr
            else:
                assert done.returncode == 1 and f"ABI {then}" in done.stdout and f"ABI {now}" in done.stdout, done.stdout
            print(f"{name}: {plugin} of ABI {then} in a host of ABI {now}: as it should be", flush=True)


if __name__ == "__main__":
    main()
