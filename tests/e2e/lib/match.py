"""JSON with placeholders: what a dialogue sends and what it expects to hear.

Outside of strings:  $int $number $string $bool $any $null $time $iso   any value of that kind
                     $int:NAME and so on                                the same, kept as NAME
                     $NAME                                              the value kept, as a number
                     ...                                                further keys, or further items
Inside of strings:   $NAME      the value kept (`$alice` is her handle, `$alice.uid` her number)
                     $id:NAME   any text here, kept as NAME
                     $9*x       nine times the letter x; any number and letter
                     $$         a dollar
"""

import json
import re
import time

KINDS = {
    "int": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "string": lambda v: isinstance(v, str),
    "bool": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "any": lambda v: True,
    "id": lambda v: isinstance(v, (int, str)) and not isinstance(v, bool) and v not in ("", 0),
    # Milliseconds since 1970, and of now: seconds would be out by a factor of a thousand.
    "time": lambda v: isinstance(v, int) and abs(v - time.time() * 1000) < 600_000,
    "iso": lambda v: isinstance(v, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", v) is not None,
}
NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*(?:\.[a-z]+)?")
REST = object()


class Hole:
    """A place that any value of a kind fills."""

    def __init__(self, kind, keep):
        self.kind, self.keep = kind, keep

    def __repr__(self):
        return f"${self.kind}" + (f":{self.keep}" if self.keep else "")


class Kept:
    """The value kept under a name, as it stands outside of a string."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"${self.name}"


class TemplateError(Exception):
    pass


class Mismatch(Exception):
    def __init__(self, path, why):
        super().__init__(f"at {path or 'the top'}: {why}")


class Template:
    """Parses one value from the beginning of a text; `end` is where it stopped."""

    def __init__(self, text):
        self._text, self._at = text, 0
        self.value = self._value()
        self.end = self._at

    def _skip(self):
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _take(self, word):
        self._skip()
        if self._text.startswith(word, self._at):
            self._at += len(word)
            return True
        return False

    def _need(self, word):
        if not self._take(word):
            raise TemplateError(f"'{word}' expected at `{self._text[self._at:self._at + 20]}`")

    def _value(self):
        self._skip()
        if self._take("{"):
            return self._object()
        if self._take("["):
            return self._list()
        if self._take("..."):
            return REST
        if self._take("$"):
            return self._hole()
        try:
            value, self._at = json.JSONDecoder().raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            raise TemplateError(f"no JSON at `{self._text[self._at:self._at + 20]}`: {error.msg}") from None
        return value

    def _hole(self):
        name = NAME.match(self._text, self._at)
        if not name:
            raise TemplateError("a `$` stands alone")
        self._at = name.end()
        keep = None
        if self._text.startswith(":", self._at):
            kept = NAME.match(self._text, self._at + 1)
            if kept and name.group() in KINDS:
                self._at, keep = kept.end(), kept.group()
        return Hole(name.group(), keep) if name.group() in KINDS else Kept(name.group())

    def _object(self):
        found = {}
        if self._take("}"):
            return found
        while True:
            if self._take("..."):
                found[REST] = True
            else:
                self._skip()
                key = self._value()
                if not isinstance(key, str):
                    raise TemplateError(f"a key is no text: {key!r}")
                self._need(":")
                found[key] = self._value()
            if self._take("}"):
                return found
            self._need(",")

    def _list(self):
        found = []
        if self._take("]"):
            return found
        while True:
            found.append(self._value())
            if self._take("]"):
                return found
            self._need(",")


def many(text):
    return re.sub(r"\$(\d+)\*([A-Za-z])", lambda m: m.group(2) * int(m.group(1)), text)


def fill(value, kept):
    """The template as plain data, for sending."""
    if isinstance(value, dict):
        return {fill(k, kept): fill(v, kept) for k, v in value.items()}
    if isinstance(value, list):
        return [fill(v, kept) for v in value]
    if isinstance(value, Kept):
        return _number(kept[value.name])
    if isinstance(value, Hole) or value is REST:
        raise TemplateError("placeholders stand for what is heard; this is sent")
    if isinstance(value, str):
        value = many(value)
        return re.sub(r"\$\$|\$([A-Za-z_][A-Za-z_0-9]*(?:\.[a-z]+)?)",
                      lambda m: "$" if m.group() == "$$" else str(kept[m.group(1)]), value)
    return value


def match(want, got, kept, path=""):
    """Raises Mismatch; keeps what the template asks to keep."""
    if isinstance(want, Hole):
        if not KINDS[want.kind](got):
            raise Mismatch(path, f"expected {want}, got {json.dumps(got, ensure_ascii=False)}")
        if want.keep:
            kept[want.keep] = got
    elif isinstance(want, Kept):
        if isinstance(got, bool) or got != _number(kept[want.name]):
            raise Mismatch(path, f"expected {want} which is {kept[want.name]}, got {json.dumps(got)}")
    elif isinstance(want, dict):
        _match_object(want, got, kept, path)
    elif isinstance(want, list):
        _match_list(want, got, kept, path)
    elif isinstance(want, str):
        _match_text(want, got, kept, path)
    elif type(want) is not type(got) or want != got:
        raise Mismatch(path, f"expected {json.dumps(want)}, got {json.dumps(got, ensure_ascii=False)}")


def _match_object(want, got, kept, path):
    if not isinstance(got, dict):
        raise Mismatch(path, f"expected an object, got {json.dumps(got, ensure_ascii=False)}")
    for key, value in want.items():
        if key is REST:
            continue
        if key not in got:
            raise Mismatch(path, f"the key \"{key}\" is missing")
        match(value, got[key], kept, f"{path}.{key}")
    extra = [key for key in got if key not in want]
    if extra and REST not in want:
        raise Mismatch(path, f"unexpected {', '.join(json.dumps(key) for key in extra)}")


def _match_list(want, got, kept, path):
    if not isinstance(got, list):
        raise Mismatch(path, f"expected a list, got {json.dumps(got, ensure_ascii=False)}")
    open_end = bool(want) and want[-1] is REST
    items = want[:-1] if open_end else want
    if len(got) < len(items) or (len(got) > len(items) and not open_end):
        raise Mismatch(path, f"expected {len(items)} items{' or more' if open_end else ''}, got {len(got)}")
    for index, item in enumerate(items):
        match(item, got[index], kept, f"{path}[{index}]")


def _match_text(want, got, kept, path):
    if not isinstance(got, str):
        raise Mismatch(path, f"expected the text \"{want}\", got {json.dumps(got, ensure_ascii=False)}")
    want = many(want)
    pattern, names, at = "", [], 0
    for hole in re.finditer(r"\$\$|\$id:([A-Za-z_][A-Za-z_0-9]*)|\$([A-Za-z_][A-Za-z_0-9]*(?:\.[a-z]+)?)", want):
        pattern += re.escape(want[at:hole.start()])
        if hole.group() == "$$":
            pattern += r"\$"
        elif hole.group(1):
            pattern += "(.+)"
            names.append(hole.group(1))
        elif hole.group(2) in KINDS and hole.group(2) not in kept:
            if not KINDS[hole.group(2)](got):
                raise Mismatch(path, f"expected {want}, got \"{got}\"")
            pattern += ".*"
        else:
            pattern += re.escape(str(kept[hole.group(2)]))
        at = hole.end()
    found = re.fullmatch(pattern + re.escape(want[at:]), got, re.DOTALL)
    if not found:
        raise Mismatch(path, f"expected \"{fill_known(want, kept)}\", got \"{got}\"")
    for name, value in zip(names, found.groups()):
        kept[name] = value


def fill_known(text, kept):
    return re.sub(r"\$([A-Za-z_][A-Za-z_0-9]*)", lambda m: str(kept.get(m.group(1), m.group())), text)


def _number(value):
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?\d+", value) else value
