#!/usr/bin/python3
"""Configurations: the ones in the repository start or pass the check, and `loft check` finds what a start would."""

import glob
import json
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import urllib.request

from lib.cases import case, run, until
from lib.database import Server
from lib.host import SANITIZER_WORDS
from lib.program import PLAIN, SECRET, TRUSTING, Place, run as program
from lib.providers import Providers
from lib.tls import certificate

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

PROVING = "".join(line for line in TRUSTING.splitlines(True) if not line.startswith("identity:"))


def sets(given, folder, *more):
    """What an example names outside its own folder, replaced."""
    chosen = [f"data_dir={folder}/data", f"plugin_path=[{os.path.abspath(given.plugins)}]", "internal.listen=127.0.0.1:0",
              *more]
    return [word for one in chosen for word in ("--set", one)]


def serve(given, file, arguments, use):
    """Starts a file with the real program, calls `use(ports)` and stops it in order."""
    folder = next(one.split("=", 1)[1] for one in arguments if one.startswith("data_dir="))
    path = os.path.join(folder, "ports.json")
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen([os.path.abspath(given.loft), "serve", "--config", file, *arguments], stderr=log)

        def said():
            log.seek(0)
            return log.read()

        try:
            until(lambda: os.path.exists(path) or process.poll() is not None, "the host listens")
            assert process.poll() is None, f"{file} does not start:\n{said()}"
            with open(path, encoding="utf-8") as ports:
                use(json.load(ports))
            process.terminate()
            assert process.wait(60) == 0, said()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        assert not any(word in said() for word in SANITIZER_WORDS), said()


@case
def production(given):
    """config/production.yaml starts with nothing replaced but paths, ports and the secret, and serves over TLS"""
    with tempfile.TemporaryDirectory(prefix="loft-test-") as folder:
        chain, key = certificate(folder)
        tls = [f"listeners.{n}.tls.{name}={path}" for n in (0, 1) for name, path in (("certificate", chain), ("key", key))]
        arguments = sets(given, folder, f"auth.jwt.secret={SECRET}", "listeners.0.listen=127.0.0.1:0",
                         "listeners.1.listen=127.0.0.1:0", *tls)
        file = os.path.join(ROOT, "config", "production.yaml")
        ran = program(os.path.abspath(given.loft), "check", "--config", file, *arguments)
        assert ran.code == 0, ran

        def use(ports):
            assert set(ports) == {"web", "packets", "internal"}, ports
            trusted = ssl.create_default_context(cafile=chain)
            with urllib.request.urlopen(f"https://127.0.0.1:{ports['web']}/health", timeout=30, context=trusted) as got:
                assert got.status == 200

        serve(given, file, arguments, use)


@case
def development(given):
    """config/loft.yaml starts with nothing replaced but paths and ports"""
    with tempfile.TemporaryDirectory(prefix="loft-test-") as folder:
        arguments = sets(given, folder, *(f"listeners.{n}.listen=127.0.0.1:0" for n in range(5)))

        def use(ports):
            assert set(ports) == {"web", "netherlink", "flix", "message_service", "packets", "internal"}, ports
            with urllib.request.urlopen(f"http://127.0.0.1:{ports['web']}/health", timeout=30) as got:
                assert got.status == 200

        serve(given, os.path.join(ROOT, "config", "loft.yaml"), arguments, use)


@case
def one_file(given):
    """config/sqlite.yaml starts with nothing replaced but paths and ports, and starts again on what it left"""
    with tempfile.TemporaryDirectory(prefix="loft-test-") as folder:
        arguments = sets(given, folder, "listeners.0.listen=127.0.0.1:0", "listeners.1.listen=127.0.0.1:0")

        def use(ports):
            with urllib.request.urlopen(f"http://127.0.0.1:{ports['web']}/health", timeout=30) as got:
                assert got.status == 200
            assert os.path.exists(os.path.join(folder, "data", "loft.db")), os.listdir(os.path.join(folder, "data"))

        for _ in range(2):
            serve(given, os.path.join(ROOT, "config", "sqlite.yaml"), arguments, use)


@case
def databases(given):
    """config/postgresql.yaml and config/mysql.yaml start on a real server, with nothing replaced but paths, ports and the
    password, and start again on what they left"""
    for name, engine in (("postgresql", "postgresql"), ("mysql", "mariadb")):
        with tempfile.TemporaryDirectory(prefix="loft-test-") as folder, Server(engine) as server:
            arguments = sets(given, folder, "listeners.0.listen=127.0.0.1:0", "listeners.1.listen=127.0.0.1:0",
                             f"storage.port={server['port']}", f"storage.password=${{file:{folder}/password}}")
            with open(os.path.join(folder, "password"), "w", encoding="utf-8") as file:
                file.write(server["password"])
            os.chmod(file.name, 0o600)

            def use(ports):
                with urllib.request.urlopen(f"http://127.0.0.1:{ports['web']}/health", timeout=30) as got:
                    assert got.status == 200

            for _ in range(2):
                serve(given, os.path.join(ROOT, "config", name + ".yaml"), arguments, use)
            assert server.sql("SELECT count(*) FROM schema_migration").strip() == "2", name


WRONG_OPTIONS = (
    ("host=''", "host", "is empty; say which one, or leave the option out"),
    ("port=0", "port", "1", "65535"),
    ("port=70000", "port", "1", "65535"),
    ("port=five", "port", "not a whole number"),
    ("host=one,two", "host", "names several servers; Loft writes to one: name the primary"),
    ("host=one:5433", "host", "say the port in `port`"),
    ("host=postgresql://one/loft", "host", "say the port in `port`, and no scheme"),
    ("user=''", "user", "is empty; say which one, or leave the option out"),
    ("database=''", "database", "is empty; say which one, or leave the option out"),
    ("password=${file:/nowhere/password}", "password", "the file /nowhere/password does not exist"),
    ("password=${env:LOFT_NOT_SET}", "password", "LOFT_NOT_SET"),
    ("tls=always", "tls", "off, prefer, require, verify"),
    ("tls=verify", "tls_ca", "is empty; `tls: verify` needs the file of the certificate"),
    ("tls_ca=/etc/ca.pem", "tls_ca", "is given", "set `tls: verify`, or leave this option out"),
    ("pool=0", "pool", "1", "256"),
    ("auto_migrate=perhaps", "auto_migrate", "true"),
    ("connect_timeout=5", "connect_timeout", "a whole number with a unit"),
    ("connect_timeout=0s", "connect_timeout", "1ms"),
    ("statement_timeout=1ms", "statement_timeout", "s to 1h"),
    ("busy_timeout=2h", "busy_timeout", "10m"),
    ("hots=here", "hots", "did you mean 'host'?"),
)


@case
def storage_options(given):
    """each option of a storage on a server is refused by `loft check` with its name and what it takes, and nobody connects"""
    for name in ("postgresql", "mysql"):
        with Place(given, PLAIN.replace("use: sqlite", f"use: {name}")) as place:
            assert place.run("check").code == 0, place.run("check")
            for setting, option, *words in WRONG_OPTIONS:
                ran = place.run("check", "--set", f"storage.{setting}")
                assert ran.code == 78 and f"storage.{option}: " in ran.err, (setting, ran)
                for word in words:
                    assert word in ran.err, (setting, word, ran)


@case
def storage_lines(given):
    """what is wrong with a storage on a server is said with the line and the column of its option, all at once"""
    for name in ("postgresql", "mysql"):
        for options, line, said in (
                ("tls: require\n  tls_ca: /etc/ca.pem", 3, "storage.tls_ca: option `tls_ca` of storage.{} is given"),
                ("host: one,two\n  user: loft", 2, "storage.host: option `host` of storage.{} names several servers"),
                ("user: ''", 2, "storage.user: option `user` of storage.{} is empty"),
                ("port: 65536", 2, "storage.port: ")):
            with Place(given, PLAIN) as place:
                with open(os.path.join(place.path, "loft.yaml"), encoding="utf-8") as file:
                    text = file.read()
                section = re.search(r"^storage:.*\n(?:  .*\n)*", text, re.M)
                before = text[:section.start()].count("\n")
                place.write("loft.yaml", text.replace(section[0], f"storage:\n  use: {name}\n  {options}\n"))
                ran = place.run("check")
                assert ran.code == 78, ran
                assert f"loft.yaml:{before + 1 + line}:" in ran.err and said.format(name) in ran.err, ran


@case
def examples(given):
    """every file in config/ passes `loft check`; each storage that keeps something has one, with all of its options at
    their defaults"""
    with tempfile.TemporaryDirectory(prefix="loft-test-") as folder:
        chain, key = certificate(folder)
        with Providers(os.path.abspath(given.loft), os.path.join(folder, "state")) as providers:
            secrets = [f"push.apns.key_path={providers.places['key_path']}", "email.password=secret",
                       f"push.fcm.service_account={providers.places['service_account']}"]
        files = sorted(glob.glob(os.path.join(ROOT, "config", "*.yaml")))
        assert len(files) >= 3, files
        for file in files:
            with open(file, encoding="utf-8") as text:
                content = text.read()
            listeners = re.findall(r"^    tls:", content, re.M)
            more = secrets if "\npush:" in content else []
            more = more + [f"listeners.{n}.tls.{name}={path}" for n in range(len(listeners))
                    for name, path in (("certificate", chain), ("key", key))]
            ran = program(os.path.abspath(given.loft), "check", "--config", file,
                          *sets(given, folder, f"auth.jwt.secret={SECRET}", *more))
            count = 5 if file.endswith("loft.yaml") else 2
            assert ran.code == 0 and ran.out.startswith(f"{file} is fine: {count} listener(s)"), ran
        storages = [name[len("storage."):-len(".so")] for name in os.listdir(given.plugins) if name.startswith("storage.")]
        for name in sorted(set(storages) - {"null"}):
            file = os.path.join(ROOT, "config", name + ".yaml")
            shown = program(os.path.abspath(given.loft), "plugins", "show", "storage." + name, "--config", file,
                            *sets(given, folder))
            options = dict(re.findall(r"^\| `([\w.]+)` \| [^|]+ \| `([^`]+)` \|", shown.out, re.M))
            with open(file, encoding="utf-8") as text:
                section = re.search(r"^storage:\n((?:  .*\n)+)", text.read(), re.M)[1]
            written = dict(re.findall(r"^  (\w+): (\S+)", section, re.M))
            assert written.pop("use") == name and written == options and options, (written, options)


@case
def unit(given):
    """the systemd unit is one, waits longer than the host drains, and gives it the files that its connections need"""
    with open(os.path.join(ROOT, "config", "systemd", "loft.service"), encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(ROOT, "config", "production.yaml"), encoding="utf-8") as file:
        example = file.read()
    seconds = int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.M)[1])
    assert seconds > int(re.search(r"^  grace: (\d+)s", example, re.M)[1]), "it kills a host that still drains"
    files = int(re.search(r"^LimitNOFILE=(\d+)$", text, re.M)[1])
    assert files > int(re.search(r"^  max_connections: (\d+)", example, re.M)[1])
    assert re.search(r"^RestartPreventExitStatus=64 78$", text, re.M) and "\nStateDirectory=loft\n" in text
    if shutil.which("systemd-analyze") is None:
        print("    systemd-analyze is not there (package systemd): the unit's keys were not verified")
        return
    with tempfile.TemporaryDirectory(prefix="loft-test-") as folder:
        path = os.path.join(folder, "loft.service")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("/usr/local/bin/loft", os.path.abspath(given.loft)))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, check=False,
                              timeout=60, env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"})
        said = [line for line in (done.stdout + done.stderr).splitlines() if "loft" in line]
        assert done.returncode == 0 and not said, done


@case
def documents(given):
    """every YAML block of the operator's documents passes `loft check` with the real plugins"""
    blocks = []
    for file in sorted(glob.glob(os.path.join(ROOT, "docs", "operating", "*.md"))):
        with open(file, encoding="utf-8") as text:
            blocks += [(file, block) for block in re.findall(r"^```yaml\n(.*?)^```", text.read(), re.S | re.M)]
    assert len(blocks) >= 3, blocks
    with tempfile.TemporaryDirectory(prefix="loft-test-") as folder:
        chain, key = certificate(folder)
        with Providers(os.path.abspath(given.loft), os.path.join(folder, "state")) as providers:
            places = providers.places
        for file, block in blocks:
            block = re.sub(r"\$\{file:[^}]*\}", SECRET, block)
            for name in ("key_path", "service_account", "ca_file"):
                block = re.sub(name + r": [^\s,}]+", f"{name}: {places[name]}", block)
            block = re.sub(r"certificate: \S+", f"certificate: {chain}", re.sub(r"key: /\S+", f"key: {key}", block))
            path = os.path.join(folder, "block.yaml")
            if "listeners:" not in block:
                block += "listeners: [{name: web, listen: 127.0.0.1:0, contracts: [im]}]\n"
            with open(path, "w", encoding="utf-8") as text:
                text.write(block)
            trusting = () if "identity:" in block else ("identity.trust_header=true",)
            ran = program(os.path.abspath(given.loft), "check", "--config", path, *sets(given, folder, *trusting))
            assert ran.code == 0, f"{file}:\n{block}\n{ran}"


def refuses(place, *words):
    """`check` and `serve` both refuse, with the same words; `check` leaves nothing behind."""
    ran = place.run("check")
    assert ran.code == 78, ran
    for word in words:
        assert word in ran.err, f"{word!r} is not in\n{ran}"
    assert not os.path.exists(place.data_dir), "check made the data_dir"
    place.refused(78, *words)
    return ran


@case
def what_setup_refuses(given):
    """`loft check` finds what only a setup sees: who may be believed, routes that clash, contracts nobody can reach"""
    im = "listeners:\n  - {name: web, listen: 127.0.0.1:0, contracts: [im]}\n"
    with Place(given, PROVING + im) as place:
        refuses(place, "auth: trusted_header believes whoever says X-User-ID", "set `auth: token`")
    with Place(given, TRUSTING + im.replace("[im]", "[im, support]") + "contracts: {support: {use: im}}\n") as place:
        refuses(place, "loft.yaml:", "listeners.0.contracts.1: ", "claimed by im and by support")
    with Place(given, TRUSTING + im.replace("contracts", "transport: route_packet, contracts")) as place:
        refuses(place, "loft.yaml:", "listeners.0.contracts.0: ", "none of its contracts speaks over transport.route_packet",
                "which carries packets; name one that takes packets")
    with Place(given, TRUSTING + im.replace("[im]", "[carrypigeon], websocket: false")) as place:
        refuses(place, "listeners.0.contracts.0: ", "none of its contracts speaks over transport.http")


@case
def unreadable_tls(given):
    """`loft check` finds TLS files that are missing or do not belong together, at their listener"""
    with Place(given, TRUSTING) as place:
        chain, key = certificate(place.path)
        _, other = certificate(place.path, "other")
        for files, words in (((chain, key), ()), ((chain, other), ("cannot use the TLS key", other)),
                             (("/nowhere.crt", key), ("cannot use the TLS certificate '/nowhere.crt'", "No such file"))):
            place.write("loft.yaml", f"data_dir: data\nplugin_path: [{os.path.abspath(given.plugins)}]\n" + TRUSTING
                        + "listeners:\n  - {name: im, listen: 127.0.0.1:0, contracts: [im], "
                        f"tls: {{certificate: {files[0]}, key: {files[1]}}}}}\n")
            ran = place.run("check")
            assert ran.code == (78 if words else 0), ran
            assert not words or "listeners.0.tls: " in ran.err, ran
            for word in words:
                assert word in ran.err, f"{word!r} is not in\n{ran}"


@case
def unopenable_files(given):
    """`loft check` finds a log file that cannot be opened and a NUL in a path, at their place, and makes nothing"""
    im = "listeners: [{name: im, listen: 127.0.0.1:0, contracts: [im]}]\n"
    with Place(given, TRUSTING + im) as place:
        for file, words in ((place.path, "is a folder; name a file in it"), ("loft.yaml/log", "loft.yaml' is no folder"),
                            ("new/folder/log", None)):
            ran = place.run("check", "--set", f"log.file={file}")
            assert ran.code == (78 if words else 0), (file, ran)
            assert not words or ("log.file" in ran.err and words in ran.err), (file, ran)
        assert sorted(os.listdir(place.path)) == ["loft.yaml"], os.listdir(place.path)
    with Place(given, TRUSTING + im + 'log: {file: "lo\\0g"}\n') as place:
        refuses(place, "loft.yaml:", "log.file: ", "holds a NUL character")
    with Place(given, TRUSTING + im) as place:
        with open(os.path.join(place.path, "loft.yaml"), encoding="utf-8") as file:
            text = file.read().replace("data_dir: data\n", 'data_dir: "da\\0ta"\n')
        place.write("loft.yaml", text)
        ran = place.run("check")
        assert ran.code == 78 and "loft.yaml:1:11: data_dir: " in ran.err and "holds a NUL character" in ran.err, ran


@case
def once(given):
    """a plugin of the wrong kind, an empty data_dir and an exposed internal listener are one problem each, with place"""
    with Place(given, TRUSTING + "broker: {use: storage.sqlite}\n") as place:
        ran = refuses(place, "broker.use: must name a plugin of kind broker", "loft: 1 problem")
        assert "instance of this name" not in ran.err, ran
    with Place(given, TRUSTING) as place:
        for command in ("check", "serve"):
            ran = place.run(command, "--set", "data_dir=''")
            assert ran.code == 78 and "data_dir: must name a folder, such as ./data" in ran.err, ran
            assert "filesystem error" not in ran.err, ran
    with Place(given, TRUSTING.replace("listen: 127.0.0.1:0", "listen: 0.0.0.0:0")) as place:
        refuses(place, "internal.listen: is reachable from other machines (0.0.0.0:0)", "not authenticated")


@case
def contract_log_level(given):
    """log.levels names a contract by kind and instance; a name that nothing has is refused with the nearest"""
    im = "listeners:\n  - {name: web, listen: 127.0.0.1:0, contracts: [im]}\n"
    with Place(given, TRUSTING + im + "log: {levels: {contract.im: debug}}\n") as place:
        assert place.run("check").code == 0, place.run("check")
    with Place(given, TRUSTING + im + "log: {levels: {contract.mi: debug}}\n") as place:
        refuses(place, "log.levels.contract.mi: is neither a plugin", "did you mean 'contract.im'?")


@case
def nobody_could_connect(given):
    """a file without listeners is refused, also where an unclosed quote has swallowed them"""
    with Place(given, TRUSTING) as place:
        refuses(place, "listeners: is missing: nobody could connect; name at least one", "[im]")
    with Place(given, TRUSTING + "listeners: []\n") as place:
        refuses(place, "listeners: is empty: nobody could connect")
    swallowing = TRUSTING + "log: {format: text}\nx-note: 'it is\nlisteners:\n  - {listen: 127.0.0.1:0, contracts: [im]}\n#'\n"
    with Place(given, swallowing) as place:
        refuses(place, "listeners: is missing", "look above them for a quote or a bracket that is not closed")


@case
def one_more_folder(given):
    """plugin_path adds to the folder installed with the host, and what is found nowhere is said with all folders"""
    with Place(given, PLAIN) as place:
        ran = place.run("check", "--set", "plugin_path=[/nowhere/mine]")
        assert ran.code == 0, ran
        ran = place.run("check", "--set", "plugin_path=[/nowhere/mine]", "--set", "storage.use=sqlit")
        assert ran.code == 78 and "there is no storage.sqlit.so in /nowhere/mine, /" in ran.err, ran
        assert "did you mean 'storage.sqlite'?" in ran.err, ran


@case
def unknown_option_of_a_plugin(given):
    """an option that a plugin does not have is refused with the plugin's name, the place and the nearest one"""
    zoo = f"plugin_path=[{os.path.abspath(given.plugins)}, {os.path.abspath(given.options.zoo)}]"
    for name, said in (("", "plugin 'zoo.healthy'"), ("name: bear, ", "plugin 'zoo.healthy' (named 'bear')")):
        with Place(given, PLAIN + f"plugins: [{{use: zoo.healthy, {name}options: {{greting: hi, wings: 2}}}}]\n") as place:
            for command in ("check", "serve"):
                ran = place.run(command, "--set", zoo)
                assert ran.code == 78 and ran.err.count("is not a known option") == 2, ran
                assert f"plugins.0.options.greting: is not a known option of {said}; did you mean 'greeting'?" in ran.err, ran
                assert f"plugins.0.options.wings: is not a known option of {said}; known here: greeting, lives" in ran.err, ran
    with Place(given, PLAIN + "contracts: {im: {colour: red}}\n") as place:
        refuses(place, "contracts.im.colour: is not a known option of plugin 'contract.im'; known here:")


if __name__ == "__main__":
    run(__doc__, zoo="")
