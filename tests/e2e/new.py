#!/usr/bin/python3
"""`loft new` where it cannot do what is asked: it says why and how to mend it, and leaves nothing behind."""

import os
import tempfile

from lib.cases import case, run
from lib.program import run as program


class Folder:
    """Where projects are made."""

    def __init__(self, given):
        self.given = given
        self._folder = tempfile.TemporaryDirectory(prefix="loft-test-")
        self.path = self._folder.name

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def new(self, *words, templates=None):
        return program(self.given.loft, "new", *words, cwd=self.path, env={"LOFT_TEMPLATES": templates or self.given.options.templates})

    def refused(self, code, said, *words, **more):
        before = sorted(os.listdir(self.path))
        ran = self.new(*words, **more)
        assert ran.code == code and said in ran.err and ran.out == "", (words, ran)
        assert sorted(os.listdir(self.path)) == before, os.listdir(self.path)


@case
def made(given):
    """a project is named after the plugin in its folder, its files and what is in them; --into takes another place"""
    with Folder(given) as folder:
        ran = folder.new("domain", "Acme:LunchPoll")
        assert ran.code == 0 and ran.out.startswith("made acme-lunch-poll: ") and "cd acme-lunch-poll && cmake" in ran.out, ran
        project = os.path.join(folder.path, "acme-lunch-poll")
        assert "acme_lunch_poll.cpp" in os.listdir(project), os.listdir(project)
        with open(os.path.join(project, "acme_lunch_poll.cpp"), encoding="utf-8") as file:
            source = file.read()
        assert 'LOFT_PLUGIN(AcmeLunchPoll, "domain.acme_lunch_poll"' in source and '"[LunchPoll] "' in source, source
        os.mkdir(os.path.join(folder.path, "plugins"))
        ran = folder.new("push", "pager", "--into", "plugins")
        assert ran.code == 0 and ran.out.startswith("made plugins/pager: "), ran
        assert sorted(os.listdir(folder.path)) == ["acme-lunch-poll", "plugins"]


@case
def names(given):
    """a name that cannot be one is refused with the form that it must have"""
    with Folder(given) as folder:
        for name in ("Poll", "Acme:", ":Poll", "Acme:Poll:Two", "Acme:1st", "Acme:Poll!", "../x:y", ""):
            folder.refused(64, "such as Acme:Poll", "domain", name)
        for kind, name, near in (("push", "Pager", "such as pager"), ("interceptor", "night-mode", "such as night_mode"),
                                 ("contract", "NightMode", "such as night_mode"), ("push", "../pager", "such as pager"),
                                 ("push", "1st", "such as night_mode"), ("push", "鸟", "such as night_mode")):
            folder.refused(64, near, kind, name)
        folder.refused(64, "is too long", "push", "p" * 70)


@case
def kinds(given):
    """an unknown kind is refused with the one that is meant, or with all that there are"""
    with Folder(given) as folder:
        folder.refused(64, "did you mean 'domain'?", "domian", "Acme:Poll")
        folder.refused(64, "there are contract, domain, interceptor and push", "storage", "acme")
        folder.refused(64, "name", "domain")


@case
def places(given):
    """what is there already is not touched, and a place that is none or that may not be written is named"""
    with Folder(given) as folder:
        os.mkdir(os.path.join(folder.path, "acme-poll"))
        folder.refused(1, "acme-poll is there already", "domain", "Acme:Poll")
        assert os.listdir(os.path.join(folder.path, "acme-poll")) == []
        os.symlink("nowhere", os.path.join(folder.path, "pager"))
        folder.refused(1, "pager is there already", "push", "pager")
        folder.refused(1, "gone is no folder", "domain", "Acme:Poll", "--into", "gone")
        folder.refused(64, "--into", "domain", "Acme:Poll", "--into", "")
        # Nobody may make a folder there, root neither.
        folder.refused(1, "cannot be written", "domain", "Acme:Poll", "--into", "/proc/self")


@case
def no_room(given):
    """where no file can be written to its end, nothing of the project is left"""
    with Folder(given) as folder:
        ran = program("/bin/sh", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh", given.loft, "new", "domain", "Acme:Poll",
                      "--templates", given.options.templates, cwd=folder.path)
        assert ran.code == 1 and "acme-poll cannot be written: .gitignore: File too large" in ran.err, ran
        assert os.listdir(folder.path) == []


@case
def without_sdk(given):
    """without the SDK's templates it says which package has them, and where it looked"""
    with Folder(given) as folder:
        folder.refused(1, "install the package loft-sdk", "domain", "Acme:Poll", templates=os.path.join(folder.path, "gone"))
        folder.refused(1, f"no templates in {folder.path}/domain", "domain", "Acme:Poll", "--templates", folder.path)
        ran = program(given.loft, "new", "domain", "Acme:Poll", cwd=folder.path, env={"LOFT_TEMPLATES": ""})
        assert ran.code == 1 and "/share/loft/template/domain" in ran.err, ran
        assert os.listdir(folder.path) == []


if __name__ == "__main__":
    run(__doc__, templates="")
