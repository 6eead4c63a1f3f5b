#!/usr/bin/python3
"""`loft plugins check`: a good plugin is called good, each kind of bad one is found out, and cases are what their file says."""

import json
import os
import shutil
import tempfile

from lib.cases import case, run
from lib.program import run as program

WORDS = {
    "zoo.empty_gate": "its gate is not filled in",
    "zoo.no_entry": "has no entry 'loft_plugin_gate'",
    "zoo.null_gate": "its entry returns nothing",
    "zoo.other_id": "the plugin in it is 'zoo.someone_else'",
    "zoo.small_gate": "its gate has 8 bytes",
    "zoo.wrong_abi": "it was built for ABI 999",
    "zoo.wrong_toolchain": "it was built by another toolchain",
    "zoo.throws_in_create": "no birth today",
    "zoo.asio_shared": "it exports more than its gate",
    "zoo.hangs": "it did not end within 2000 ms",
}


def check(given, file, *words):
    return program(given.loft, "plugins", "check", file, "--cycles", "100", *words, patience=300)


@case
def good_ones(given):
    """a plugin of each kind that is shipped is good: what is looked at and what is passed over is said, and the exit code is 0"""
    for plugin in ("domain.core", "interceptor.rate_limit", "contract.im", "storage.sqlite", "push.fcm"):
        ran = check(given, os.path.join(given.plugins, plugin + ".so"), "--json")
        report = json.loads(ran.out)
        assert ran.code == 0 and report["good"] is True, ran
        looked_at = {one["check"]: one["result"] for one in report["findings"]}
        assert {check.split(":")[0] for check in looked_at} >= {"gate", "symbols", "options", "configuration", "life cycle", "handlers"}, looked_at
        assert looked_at["gate"] == looked_at["symbols"] == looked_at["life cycle"] == "ok", looked_at
    ran = check(given, os.path.join(given.plugins, "domain.core.so"))
    assert ran.code == 0 and "ok    domains: Core:Location: schema, hostile content, four threads\n" in ran.out, ran


@case
def bad_ones(given):
    """each plugin that is wrong in one way is bad, in words that say what, and the exit code is 1"""
    for plugin, words in WORDS.items():
        ran = check(given, os.path.join(given.options.zoo, plugin + ".so"), "--patience", "2")
        assert ran.code == 1 and words in ran.out and "BAD" in ran.out, (plugin, ran)
    with tempfile.TemporaryDirectory(prefix="loft-test-") as folder:
        file = shutil.copy(os.path.join(given.plugins, "domain.core.so"), folder)
        os.chmod(file, 0o646)
        ran = check(given, file)
        assert ran.code == 1 and "chmod o-w" in ran.out, ran
        ran = check(given, os.path.join(folder, "domain.gone.so"))
        assert ran.code == 1 and "No such file" in ran.out, ran


@case
def cases(given):
    """cases that hold are good; one that does not is bad with what was found instead"""
    file = os.path.join(given.plugins, "domain.core.so")
    held = [{"name": "a text", "domain": "Core:Text", "content": {"text": "hello"}, "preview": {"en": "hello", "zh": "hello"}},
            {"name": "an image", "domain": "Core:Image", "content": {"url": "u"}, "preview": {"en": "[Image]", "zh-CN": "[图片消息]"}},
            {"name": "no text", "domain": "Core:Text", "content": {}, "refused": "text"}]
    broken = [{"name": "taken", "domain": "Core:Text", "content": {"text": "x"}, "refused": "text"},
              {"name": "refused", "domain": "Core:Text", "content": {}},
              {"name": "other words", "domain": "Core:Text", "content": {}, "refused": "banana"},
              {"name": "other line", "domain": "Core:Text", "content": {"text": "x"}, "preview": {"en": "y"}},
              {"name": "other form", "domain": "Core:Text", "content": {"text": "x"}, "normal": {"text": "z"}},
              {"name": "no such domain", "domain": "Acme:Poll", "content": {}},
              {"name": "nothing", "domain": "Core:Text"}]
    with tempfile.TemporaryDirectory(prefix="loft-test-") as folder:
        path = os.path.join(folder, "cases.json")

        def tried(what):
            with open(path, "w", encoding="utf-8") as out:
                json.dump(what, out)
            ran = check(given, file, "--cases", path, "--json")
            found = [one for one in json.loads(ran.out)["findings"] if one["check"].startswith("cases")]
            return ran.code, {one["check"].removeprefix("cases: "): one["result"] for one in found}, ran

        assert tried(held)[:2] == (0, {one["name"]: "ok" for one in held})
        assert tried(broken)[:2] == (1, {one["name"]: "bad" for one in broken})
        assert tried([])[0] == 1 and "has no case" in tried([])[2].out
        assert tried({"name": "x"})[0] == 1
        ran = check(given, file, "--cases", path + ".gone")
        assert ran.code == 1 and "cannot be read" in ran.out, ran


if __name__ == "__main__":
    run(__doc__, zoo="")
