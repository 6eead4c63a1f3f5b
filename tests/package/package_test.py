#!/usr/bin/python3
"""The packages that cpack writes: what they say of themselves, where their files are and with which rights, and that a plugin's project
is configured against them once they are unpacked."""

import argparse
import os
import re
import subprocess
import sys

# Where a package of ours may have files.
PLACES = {"loft": ("usr/bin/", "usr/lib/loft/plugins/", "usr/lib/systemd/system/", "usr/share/loft/", "usr/share/doc/loft/"),
          "loft-sdk": ("usr/include/loft/", "usr/lib/cmake/loft/", "usr/share/loft/template/", "usr/share/loft/examples/", "usr/share/doc/loft-sdk/")}
FILES = {"loft": ("usr/bin/loft", "usr/lib/loft/plugins/storage.sqlite.so", "usr/lib/systemd/system/loft.service",
                  "usr/share/loft/config/production.yaml", "usr/share/doc/loft/copyright", "usr/share/doc/loft/docs/README.md"),
         "loft-sdk": ("usr/include/loft/plugin.hpp", "usr/include/loft/testing/host.hpp", "usr/include/loft/testing/storage_suite.hpp",
                      "usr/lib/cmake/loft/loftConfig.cmake", "usr/lib/cmake/loft/LoftPlugin.cmake",
                      "usr/share/loft/template/domain/CMakeLists.txt.in", "usr/share/doc/loft-sdk/copyright",
                      "usr/share/doc/loft-sdk/plugins/writing-a-plugin.md")}
FIELDS = {"loft": {"Architecture": r"(?!all).+", "Depends": r".*\blibc6 \(>= .*\blibssl3\b.*", "Section": "net"},
          "loft-sdk": {"Architecture": "all", "Depends": r"loft \(= {version}\), g\+\+, make, cmake \(>= 3\.25\)", "Section": "devel"}}


def run(*command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          timeout=1100, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}")
    return done.stdout


def says(deb, package, version):
    wanted = {"Package": re.escape(package), "Version": re.escape(version), "Maintainer": r".+ <.+@.+>", **FIELDS[package]}
    for field, form in wanted.items():
        value = run("dpkg-deb", "-f", deb, field).strip()
        assert re.fullmatch(form.replace("{version}", re.escape(version)), value), f"{package}: {field}: {value}"
    summary, *text = run("dpkg-deb", "-f", deb, "Description").splitlines()
    assert 0 < len(summary) <= 80 and not summary.endswith("."), summary
    assert text and all(re.fullmatch(r" \S.*", line) and len(line) <= 80 for line in text), text


def holds(deb, package):
    """Nothing is in a wrong place, of a wrong owner, or may be written or not be read by the wrong ones."""
    there = set()
    for line in run("dpkg-deb", "-c", deb).splitlines():
        rights, owner, _, _, _, name = line.split(maxsplit=5)
        name = name.removeprefix("./")
        assert owner == "root/root", line
        if rights.startswith("d"):
            assert rights == "drwxr-xr-x", line
            assert not name or any(place.startswith(name) or name.startswith(place) for place in PLACES[package]), line
            continue
        there.add(name)
        assert rights == ("-rwxr-xr-x" if name.startswith("usr/bin/") else "-rw-r--r--"), line
        assert name.startswith(PLACES[package]), line
    lacking = set(FILES[package]) - there
    assert not lacking, lacking
    return there


def main():
    parser = argparse.ArgumentParser()
    for name in ("build", "work", "version", "cmake", "cpack", "generator", "compiler"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    run(options.cmake, "-E", "rm", "-rf", options.work)
    os.makedirs(options.work)
    # gzip: this is about what is in them, and the build with sanitizers is large.
    run(options.cpack, "--config", os.path.join(options.build, "CPackConfig.cmake"), "-B", options.work,
        "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=gzip", cwd=options.work, umask=0o077)
    root, files = os.path.join(options.work, "root"), {}
    for package in PLACES:
        (deb,) = [name for name in os.listdir(options.work) if name.startswith(package + "_") and name.endswith(".deb")]
        deb = os.path.join(options.work, deb)
        says(deb, package, options.version)
        files[package] = holds(deb, package)
        run("dpkg-deb", "-x", deb, root)
    assert not files["loft"] & files["loft-sdk"], files["loft"] & files["loft-sdk"]
    with open(os.path.join(root, "usr/lib/systemd/system/loft.service"), encoding="utf-8") as unit:
        assert "\nExecStart=/usr/bin/loft serve" in unit.read(), "the unit starts another program"

    loft = os.path.join(root, "usr/bin/loft")
    assert options.version in run(loft, "version")
    run(loft, "new", "domain", "Acme:Poll", cwd=options.work)
    said = run(options.cmake, "-S", "acme-poll", "-B", "acme-poll/build", "-G", options.generator,
               f"-DCMAKE_PREFIX_PATH={root}/usr", f"-DCMAKE_CXX_COMPILER={options.compiler}", cwd=options.work)
    assert "there is no loft" not in said, said
    with open(os.path.join(options.work, "acme-poll/build/CMakeCache.txt"), encoding="utf-8") as cache:
        assert f"loft_DIR:PATH={root}/usr/lib/cmake/loft\n" in cache.read(), "another SDK was found"
    print({package: len(there) for package, there in files.items()})


if __name__ == "__main__":
    main()
