"""Projects that are built against something outside of the tree, such as what is installed alone."""

import argparse
import os
import subprocess
import sys

FLAGS = {"address": "-fsanitize=address,undefined", "thread": "-fsanitize=thread"}


def run(*command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          timeout=1100, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}")
    return done.stdout


def arguments(*more):
    """How the tree was built, so that projects are built alike; `--work` is a folder for the test alone."""
    parser = argparse.ArgumentParser()
    for name in ("build", "work", "cmake", "generator", "compiler", *more):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--launcher", default="")
    parser.add_argument("--sanitize", default="")
    return parser.parse_args()


def build(options, folder, *words):
    """The project there, into its folder `build`."""
    run(options.cmake, "-S", ".", "-B", "build", "-G", options.generator, f"-DCMAKE_CXX_COMPILER={options.compiler}",
        "-DCMAKE_BUILD_TYPE=Debug", f"-DCMAKE_CXX_COMPILER_LAUNCHER={options.launcher}",
        f"-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror {FLAGS.get(options.sanitize, '')}", *words, cwd=folder)
    run(options.cmake, "--build", "build", "--parallel", "2", cwd=folder)


class Installed:
    """Host and SDK of `--build`, installed below `--work`, which is emptied."""

    def __init__(self):
        self.options = arguments()
        self.work = self.options.work
        run(self.options.cmake, "-E", "rm", "-rf", self.work)
        self.prefix = os.path.join(self.work, "prefix")
        for component in ("sdk", "host"):
            run(self.options.cmake, "--install", self.options.build, "--component", component, "--prefix", self.prefix)
        self.loft = os.path.join(self.prefix, "bin", "loft")

    def make(self, folder):
        """Builds the project there, runs its tests, and returns what these say."""
        build(self.options, folder, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        with open(os.path.join(folder, "build", "CMakeCache.txt"), encoding="utf-8") as cache:
            assert f"loft_DIR:PATH={self.prefix}/" in cache.read(), "another SDK was found"
        return run("ctest", "--test-dir", "build", "--verbose", cwd=folder)
