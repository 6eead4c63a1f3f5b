#!/usr/bin/python3
"""Tokens of other issuers, signed by OpenSSL and Node: whom every contract believes, and whom none does."""

import json
import re
import signal
import subprocess
import urllib.request

from lib.cases import case, run, until
from lib.host import Host, account
from lib.issuer import Issuer, Publisher, soon
from lib.program import SECRET, Place
from lib.session import Http, ImSession, PigeonSession
from lib.tls import certificate
from lib.tokens import claims as read_claims, sign

TOKENS = "contracts: {im: {auth: token}}\n"


def im(host, token):
    """Status and error of a request with this token."""
    status, body = Http(host.im).call("GET", "/api/v1/messages/offline", {"Authorization": f"Bearer {token}"})
    return status, body.get("error")


def login(host, token, user):
    """What the login over a WebSocket is answered with."""
    session = ImSession(host.im)
    session.send_json({"type": "login", "data": {"user_id": user, "token": token, "platform": "test"}, "timestamp": 1})
    answer = session.take()
    session.drop()
    return answer


def packets(host, token):
    session = PigeonSession(host.carrypigeon)
    answer = session.request("/core/user/login/token", {"token": token})
    session.drop()
    return answer["code"]


def believed(host, token, user):
    assert im(host, token) == (200, None), im(host, token)
    answer = login(host, token, user)
    assert answer["type"] == "login" and answer["data"]["success"] is True, answer
    assert packets(host, token) == 200


def refused(host, token, user, text="Invalid token"):
    assert im(host, token) == (401, text), (im(host, token), token)
    answer = login(host, token, user)
    assert answer["type"] != "login" or answer["data"]["success"] is not True, answer
    assert packets(host, token) == 300


def keys(*entries):
    """The option of `serve` that names these keys. Durations and sizes stand without quotes in YAML."""
    return ["--set", "auth.jwt.keys=" + re.sub(r'"(\d+(?:ms|s|h|KiB))"', r"\1", json.dumps(entries))]


@case
def files(given):
    """tokens of an issuer whose keys lie in files are believed in every contract; what is forged, swapped, late or early is refused in each"""
    with Issuer() as issuer:
        issuer.make("rsa", "rsa")
        issuer.make("p256", "p256")
        issuer.make("stranger", "rsa")
        with open(issuer.file("set.json"), "w", encoding="utf-8") as file:
            file.write(issuer.jwks(p256="ES256"))
        arguments = keys({"algorithm": "RS256", "public_key_file": issuer.file("rsa.pub"), "kid": "one",
                          "issuer": "https://id.example", "audience": "chat"},
                         {"jwks_file": issuer.file("set.json")})
        with Host(given.loft, given.plugins, extra=TOKENS, arguments=arguments) as host:
            ann = host.account("ann")
            good = {"iss": "https://id.example", "aud": "chat", "uid": "ann", "exp": soon()}
            plain = {"uid": "ann", "exp": soon()}
            with open(issuer.file("secret"), "w", encoding="utf-8") as file:
                file.write(SECRET)
            signed = issuer.tokens(
                ("RS256", "rsa.pem", good, {"kid": "one"}), ("RS256", "rsa.pem", good, {}),
                ("ES256", "p256.pem", plain, {"kid": "p256"}), ("ES256", "p256.pem", plain, {}),
                ("HS256", "secret", {**plain, "iss": "loft"}, {}))
            for token in [ann["token"], *signed]:
                believed(host, token, "ann")

            bad = issuer.tokens(
                ("none", "", good, {}), ("none", "", good, {"kid": "one"}), ("HS256", "rsa.pub", good, {"kid": "one"}),
                ("HS384", "rsa.pub", good, {"kid": "one"}), ("HS512", "rsa.pub", good, {}),
                ("HS256", "p256.pub", plain, {"kid": "p256"}), ("RS256", "stranger.pem", good, {"kid": "one"}),
                ("RS384", "rsa.pem", good, {"kid": "one"}), ("RS256", "rsa.pem", good, {"kid": "two"}),
                ("RS256", "rsa.pem", good, {"kid": "../../../../dev/null"}), ("RS256", "rsa.pem", plain, {}),
                ("RS256", "rsa.pem", {**good, "iss": "https://evil.example"}, {}),
                ("RS256", "rsa.pem", {**good, "aud": "mail"}, {}), ("HS256", "secret", plain, {}),
                ("RS256", "rsa.pem", {**good, "nbf": soon()}, {}),
                ("RS256", "rsa.pem", {key: value for key, value in good.items() if key != "exp"}, {}),
                ("ES256", "p256.pem", {"exp": soon()}, {}))
            for token in bad:
                refused(host, token, "ann")
            refused(host, issuer.token("RS256", "rsa.pem", {**good, "exp": soon(-3600)}), "ann", "Token expired")
            token = signed[0]
            for cut in (1, 20, len(token) // 2, token.rfind("."), len(token) - 1):
                refused(host, token[:cut], "ann")
            refused(host, token[:-4] + "AAAA", "ann")
            nobody = issuer.token("RS256", "rsa.pem", {**good, "uid": "nobody"})
            assert im(host, nobody) == (404, "User not found") and packets(host, nobody) == 300
            assert login(host, nobody, "nobody")["type"] == "error"
            assert im(host, token + "A" * 5000)[0] == 401
            assert im(host, "A" * 7000) == (401, "Invalid token")
            believed(host, token, "ann")


@case
def files_again(given):
    """SIGHUP reads the files of keys again: new keys count, old ones no longer; a file that makes no sense changes nothing"""
    with Issuer() as issuer:
        for name in ("rsa", "second", "p256", "p256b"):
            issuer.make(name, name[:4] if name.startswith("p256") else "rsa")

        def write(name, text):
            with open(issuer.file(name), "w", encoding="utf-8") as file:
                file.write(text)

        def copy(name):
            with open(issuer.file(name), encoding="utf-8") as file:
                write("current.pub", file.read())

        copy("rsa.pub")
        write("set.json", issuer.jwks(p256="ES256"))
        arguments = keys({"algorithm": "RS256", "public_key_file": issuer.file("current.pub")},
                         {"jwks_file": issuer.file("set.json")})
        with Host(given.loft, given.plugins, extra=TOKENS, arguments=arguments) as host:
            host.account("ann")
            claims = {"uid": "ann", "exp": soon()}
            old, new = issuer.token("RS256", "rsa.pem", claims), issuer.token("RS256", "second.pem", claims)
            first, further = issuer.token("ES256", "p256.pem", claims), issuer.token("ES256", "p256b.pem", claims)
            statuses = lambda: [im(host, token)[0] for token in (old, new, first, further)]  # noqa: E731
            assert statuses() == [200, 401, 200, 401]

            def hang_up(text, count):
                host.process.send_signal(signal.SIGHUP)
                until(lambda: host.tail(20000).count(text) == count, text)

            copy("second.pub")
            write("set.json", issuer.jwks(p256="ES256", p256b="ES256"))
            hang_up("keys were read again", 2)
            assert statuses() == [401, 200, 200, 200]
            write("current.pub", "no key")
            write("set.json", '{"keys":[]}')
            hang_up("those from before stay in use", 2)
            assert statuses() == [401, 200, 200, 200]
            write("set.json", issuer.jwks(p256b="ES256"))
            hang_up("keys were read again", 3)
            assert statuses() == [401, 200, 401, 200]


@case
def claims_of_contracts(given):
    """each contract can have a claim and algorithms of its own"""
    with Issuer() as issuer:
        issuer.make("p256", "p256")
        arguments = keys({"algorithm": "ES256", "public_key_file": issuer.file("p256.pub")})
        extra = "contracts:\n  im: {auth: token, token: {claim: name, claim_is: handle, algorithms: [ES256]}}\n" \
                "  carrypigeon: {token: {claim: sub, claim_is: uuid}}\n"
        with Host(given.loft, given.plugins, extra=extra, arguments=arguments) as host:
            ann, bob = host.account("ann"), host.account("bob")
            token = issuer.token("ES256", "p256.pem", {"name": "ann", "sub": bob["uuid"], "exp": soon()})
            assert im(host, token) == (200, None)
            assert login(host, token, "ann")["data"]["success"] is True
            assert login(host, token, "bob")["type"] == "error"
            session = PigeonSession(host.carrypigeon)
            session.log_in(token, bob["uid"])
            session.drop()
            assert im(host, ann["token"])[0] == 401, "HS256 is not one of its algorithms"
            assert packets(host, ann["token"]) == 200
            assert packets(host, issuer.token("ES256", "p256.pem", {"sub": "bob", "exp": soon()})) == 300


@case
def published(given):
    """keys at a URL are fetched, changed keys are found, and the last good ones stay while the issuer is down, slow or strange"""
    with Issuer() as issuer, Publisher() as publisher:
        for name in ("old", "new"):
            issuer.make(name, "p256")
        claims = {"iss": "https://id.example", "uid": "ann", "exp": soon()}
        old, new = issuer.tokens(("ES256", "old.pem", claims, {"kid": "old"}), ("ES256", "new.pem", claims, {"kid": "new"}))
        publisher.say = publisher.document(issuer.jwks(old="ES256"))
        arguments = keys({"jwks_url": publisher.url, "issuer": "https://id.example", "refresh": "1h",
                          "refresh_unknown": "100ms", "timeout": "500ms", "max_bytes": "64KiB"})
        with Host(given.loft, given.plugins, extra=TOKENS, arguments=arguments) as host:
            host.account("ann")
            until(lambda: host.readiness() == (200, {"host": "ok", "storage": "ok", "keys": "ok"}), "the keys are there")
            believed(host, old, "ann")
            assert publisher.asked == 1
            assert im(host, new)[0] == 401

            publisher.say = publisher.document(issuer.jwks(old="ES256", new="ES256"))
            until(lambda: im(host, new)[0] == 200, "the new key is believed")
            believed(host, old, "ann")
            publisher.say = publisher.document(issuer.jwks(new="ES256"))
            unknown = issuer.token("ES256", "old.pem", claims, kid="none")
            until(lambda: im(host, unknown)[0] == 401 and im(host, old)[0] == 401, "the old key is gone")

            moods = ((publisher.status(500), "the status 500"), (publisher.silence(), "timed out"),
                     (publisher.flood(), "longer than 65536 bytes"), (publisher.document("<html>"), "is not JSON"),
                     (publisher.document('{"keys":[]}'), "has no keys"),
                     (publisher.status(302, publisher.url + "2"), "the status 302"))
            for mood, said in moods:
                publisher.say = mood

                def complains():
                    im(host, unknown)
                    status, parts = host.readiness()
                    assert status == 200, parts
                    return said.lower() in parts["keys"].lower() and "its last keys are in use" in parts["keys"]
                until(complains, f"readyz says: {said}")
                believed(host, new, "ann")
            publisher.stop()
            until(lambda: im(host, unknown) and "connect" in host.readiness()[1]["keys"].lower(), "nobody answers")
            believed(host, new, "ann")
            assert host.metrics()["loft_jwks_keys"] == 1
            url = f"http://127.0.0.1:{host.port('internal')}/metrics"
            text = urllib.request.urlopen(url, timeout=30).read().decode()
            failed = next(line for line in text.splitlines() if line.startswith('loft_jwks_fetches_total{result="failed"}'))
            assert int(failed.split()[1]) >= len(moods), failed

            with Publisher(port=publisher.port) as again:
                again.say = again.document(issuer.jwks(new="ES256", old="ES256"))
                until(lambda: im(host, old)[0] == 200, "the issuer is back")
                assert host.readiness()[1]["keys"] == "ok"


@case
def storm(given):
    """tokens with unknown keys do not make the host ask the issuer more often than it may"""
    with Issuer() as issuer, Publisher() as publisher:
        issuer.make("key", "p256")
        publisher.say = publisher.document(issuer.jwks(key="ES256"))
        arguments = keys({"jwks_url": publisher.url, "issuer": "", "refresh_unknown": "1h"})
        with Host(given.loft, given.plugins, extra=TOKENS, arguments=arguments) as host:
            host.account("ann")
            until(lambda: host.readiness()[1]["keys"] == "ok", "the keys are there")
            claims = {"uid": "ann", "exp": soon()}
            for token in issuer.tokens(*[("ES256", "key.pem", claims, {"kid": str(i)}) for i in range(50)]):
                assert im(host, token)[0] == 401
            believed(host, issuer.token("ES256", "key.pem", claims), "ann")
            assert publisher.asked == 1, publisher.asked


@case
def absent(given):
    """an issuer that has never answered keeps the host from being ready, but not the host's own tokens from being believed; a stop does not wait for it"""
    with Issuer() as issuer, Publisher() as publisher:
        issuer.make("key", "p256")
        publisher.say = publisher.silence()
        arguments = keys({"jwks_url": publisher.url, "issuer": "", "timeout": "60s"})
        with Host(given.loft, given.plugins, extra=TOKENS, arguments=arguments) as host:
            ann = host.account("ann")
            status, parts = host.readiness()
            assert status == 503 and "not asked yet" in parts["keys"], parts
            believed(host, ann["token"], "ann")
            token = issuer.token("ES256", "key.pem", {"uid": "ann", "exp": soon()})
            assert im(host, token)[0] == 503
            until(lambda: publisher.asked == 1, "the host asks")
            host.stop(patience=20)


@case
def tls(given):
    """keys over https need a certificate that the named authorities vouch for"""
    with Issuer() as issuer:
        issuer.make("key", "p256")
        good = certificate(issuer.path, "server")
        certificate(issuer.path, "other")
        with Publisher(tls=good) as publisher:
            publisher.say = publisher.document(issuer.jwks(key="ES256"))
            entry = {"jwks_url": publisher.url, "issuer": "", "refresh_unknown": "100ms"}
            for ca, is_good in (("server.crt", True), ("other.crt", False), (None, False)):
                arguments = keys({**entry, **({"ca_file": issuer.file(ca)} if ca else {})})
                with Host(given.loft, given.plugins, extra=TOKENS, arguments=arguments) as host:
                    if is_good:
                        until(lambda: host.readiness()[1]["keys"] == "ok", "the keys are there")
                    else:
                        until(lambda: "certificate" in host.readiness()[1]["keys"].lower(), "the certificate is refused")
                        assert host.readiness()[0] == 503


@case
def check(given):
    """`loft check` and `loft serve` name every key that cannot serve, with its place"""
    with Issuer() as issuer:
        for kind in ("rsa", "rsa1024", "p256"):
            issuer.make(kind, kind)
        with open(issuer.file("empty.json"), "w", encoding="utf-8") as file:
            file.write('{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}')
        text = f"""\
auth:
  jwt:
    secret: "{SECRET}"
    keys:
      - {{algorithm: RS256, public_key_file: {issuer.file("rsa1024.pub")}}}
      - {{algorithm: RS256, public_key_file: {issuer.file("rsa.pem")}}}
      - {{algorithm: ES256, public_key_file: {issuer.file("rsa.pub")}}}
      - {{algorithm: RS256, public_key_file: {issuer.file("gone.pub")}}}
      - {{jwks_file: {issuer.file("empty.json")}}}
      - {{algorithm: RS256, public_key_file: {issuer.path}}}
      - {{jwks_url: "https://127.0.0.1:1/", issuer: x, ca_file: {issuer.file("gone.crt")}}}
internal: {{listen: 127.0.0.1:0}}
listeners:
  - {{name: im, listen: 127.0.0.1:0, contracts: [im]}}
contracts: {{im: {{auth: token}}}}
"""
        said = ("loft.yaml:7:45: auth.jwt.keys.0.public_key_file: is an RSA key of 1024 bits; tokens need 2048 or more",
                "auth.jwt.keys.1.public_key_file: holds a private key, which belongs to the issuer alone",
                "auth.jwt.keys.2.public_key_file: is no key on the curve P-256, which ES256 needs",
                "auth.jwt.keys.3.public_key_file: cannot be read: No such file or directory",
                "auth.jwt.keys.4.jwks_file: has no usable key; key 1: it is an RSA key of",
                "auth.jwt.keys.5.public_key_file: cannot be read: ",
                "auth.jwt.keys.6.ca_file: cannot be read: No such file or directory")
        with Place(given, text) as place:
            ran = place.run("check")
            assert ran.code == 78, ran
            for words in said:
                assert words in ran.err, f"{words!r} is not in\n{ran}"
            assert "7 problems" in ran.err, ran
            place.refused(78, *said)


@case
def services(given):
    """a service's token is made for a name that becomes a user, and only the host's own key or one that may says so"""
    with Host(given.loft, given.plugins, extra=TOKENS) as host:
        place = [given.loft, "token", "billing", "--service", "--ttl", "365d", "--json", "--config", host.config]
        done = subprocess.run(place, capture_output=True, text=True, timeout=60, check=True)
        answer = json.loads(done.stdout)
        assert answer["handle"] == "billing", answer
        assert read_claims(answer["token"])["loft_service"] is True
        assert "loft_service" not in read_claims(account(given.loft, host.config, "billing")["token"])
        believed(host, answer["token"], "billing")


@case
def house(given):
    """announcements and notices are written through the running host, once per client id, and what no domain takes is refused"""
    with Host(given.loft, given.plugins) as host:
        host.account("ann")

        def loft(*words):
            return subprocess.run([given.loft, *words, "--config", host.config], capture_output=True, text=True, timeout=60,
                                  stdin=subprocess.DEVNULL, check=False)
        done = loft("announce", "news", "--text", "We are back")
        assert done.returncode == 0 and done.stdout.startswith("sent as message "), done
        words = ("notify", "ann", "--topic", "orders", "--domain", "Core:Text", "--content", '{"text":"On its way"}', "--as",
                 "shop", "--client-id", "order-1", "--json")
        first = json.loads(loft(*words).stdout)
        again = json.loads(loft(*words).stdout)
        assert (first["repeated"], again["repeated"]) == (False, True), (first, again)
        assert first["message"] == again["message"] and first["conversation"] == again["conversation"]
        other = json.loads(loft("announce", "orders", "--text", "x", "--json").stdout)
        assert other["conversation"] != first["conversation"]
        names = loft("user", "list").stdout
        assert "shop" in names and "system" in names, names
        for words, said in ((("announce", "news", "--domain", "No:Such", "--content", "{}"), "unknown message domain"),
                            (("announce", "news", "--domain", "Core:Text", "--content", "{}"), "text"),
                            (("notify", "eve", "--topic", "orders", "--text", "x"), "there is no user eve")):
            done = loft(*words)
            assert done.returncode == 1 and said in done.stderr, done
        host.stop()
        done = loft("announce", "news", "--text", "x")
        assert done.returncode == 69 and "no host runs" in done.stderr, done
        host.start()
        words = ("notify", "ann", "--topic", "orders", "--domain", "Core:Text", "--content", '{"text":"On its way"}', "--as",
                 "shop", "--client-id", "order-1", "--json")
        assert json.loads(loft(*words).stdout)["message"] == first["message"]


@case
def rotation(given):
    """the host's own secret can be changed while tokens made with the old one stay good"""
    old = "an older secret, which is of 32 bytes or more as well"
    arguments = keys({"algorithm": "HS256", "secret": old, "issuer": "loft"})
    with Host(given.loft, given.plugins, extra=TOKENS, arguments=arguments) as host:
        ann = host.account("ann")
        believed(host, ann["token"], "ann")
        believed(host, sign({"iss": "loft", "uid": "ann", "exp": soon()}, old), "ann")
        refused(host, sign({"iss": "loft", "uid": "ann", "exp": soon()}, "some other secret, 32 bytes and more"), "ann")


if __name__ == "__main__":
    run(__doc__)
