"""The internal listener, and a strict reader of what it exports."""

import re
import urllib.error
import urllib.request

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL})(?:,{LABEL})*)\}})? ([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)")


def get(host, path, method="GET"):
    """Status, content type and body."""
    request = urllib.request.Request(f"http://127.0.0.1:{host.port('internal')}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def parse(text):
    """Prometheus' text format 0.0.4, and nothing looser: (name, labels) → value."""
    assert text.endswith("\n") and "\r" not in text
    kind, helped, values, closed, family = {}, set(), {}, set(), None
    for line in text[:-1].split("\n"):
        comment = re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line)
        name = comment[2] if comment else None
        if comment and comment[1] == "HELP":
            assert name not in helped, f"two HELP lines of {name}"
            assert re.fullmatch(r"(?:[^\\]|\\[\\n])+", comment[3]), line
            helped.add(name)
        elif comment:
            assert name not in kind and comment[3] in ("counter", "gauge", "histogram", "summary"), line
            kind[name] = comment[3]
        else:
            sample = SAMPLE.fullmatch(line)
            assert sample, f"no sample: {line!r}"
            name = sample[1]
            assert kind.get(name) in ("counter", "gauge") and name in helped, f"no TYPE or HELP before {line!r}"
            labels = tuple(sorted(re.findall(LABEL, sample[2] or "")))
            assert len({label.split("=")[0] for label in labels}) == len(labels), f"a label twice: {line!r}"
            assert (name, labels) not in values, f"the same sample twice: {line!r}"
            values[name, labels] = float(sample[3])
            assert kind[name] == "gauge" or values[name, labels] >= 0, line
        if name != family:
            assert name not in closed, f"the lines of {name} do not stand together"
            closed.add(family)
            family = name
    assert set(kind) == helped == {name for name, _ in values}, "families without samples"
    for name in kind:
        assert name.startswith("loft_"), name
        assert (kind[name] == "counter") == name.endswith("_total"), f"{name} is a {kind[name]}"
    return values
