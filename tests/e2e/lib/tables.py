"""What becomes of messages between the contracts: tables, made of what a host gives back."""

import json

from .people import time_of
from .tries import VIEWS, CarrypigeonTries, compact

# Every member that a domain knows, with values that occur nowhere else, and one member that it does not know.
NOTE = {"note": "not in the schema"}
LINK = {"title": "a title", "text": "a line", "image_urls": ["http://e/7", "http://e/8"], "deep_link": "app://e/9"} | NOTE
CONTENTS = (
    ("Core:Text", {"text": "words"}),
    ("Core:Text", {"text": "words"} | NOTE),
    ("Core:Image", {"url": "http://e/1"}),
    ("Core:Image", {"url": "http://e/1", "thumbnail": "http://e/2", "width": 641, "height": 482, "size": 90203,
                    "text": "a caption"} | NOTE),
    ("Core:Video", {"url": "http://e/1", "thumbnail": "http://e/2", "duration": 12.75, "size": 90203} | NOTE),
    ("Core:Voice", {"url": "http://e/1", "duration": 12.75, "size": 90203} | NOTE),
    ("Core:File", {"url": "http://e/1", "filename": "plan.pdf", "size": 90203, "format": "pdf"} | NOTE),
    ("Core:Location", {"latitude": 39.75, "longitude": 116.25, "name": "the gate", "address": "7 High Street"} | NOTE),
    ("Core:Card", {"title": "a title", "username": "fay", "userId": 90203, "avatar": "http://e/3", "url": "http://e/4",
                   "description": "a friend"} | NOTE),
    ("Core:System", {"text": "a line", "title": "a title"} | NOTE),
    ("Flix:Product", LINK),
    ("Flix:Order", LINK),
    ("Flix:Comment", LINK),
    ("Flix:Like", LINK),
    ("Flix:Favorite", LINK),
)


def leaves(value, path=()):
    """Every value inside, with the name of the member that holds it; JSON inside texts is opened."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            pass
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path[-1] if path else "", value


def missing(content, shown):
    """The members of the content that are not whole in what is shown, under whatever name."""
    given = [(type(value), value) for _, value in leaves(shown)]
    return sorted({name for name, value in leaves(content) if (type(value), value) not in given})


def said(seen):
    """The text of a message, as a client would print it."""
    text = seen.text if isinstance(seen.text, str) else compact(seen.raw["content"])
    return f"“{text}”"


def verdict(content, seen):
    lost = missing(content, seen.raw)
    if not lost:
        return f"lossless as `{seen.kind}`"
    if len(lost) == len({name for name, _ in leaves(content)}):
        return f"lossy: `{seen.kind}` {said(seen)}"
    return f"lossy: `{seen.kind}` {said(seen)}, without " + ", ".join(f"`{name}`" for name in lost)


def shown(world, view, number, content, live):
    """Live and later; one word where they agree."""
    found = {}
    if live is not None:
        heard = live.hear()
        assert heard.id == number, f"{view.contract} heard {heard}"
        found["live"] = verdict(content, heard)
    with view(world.host, world.cas) as cas:
        later = next((seen for seen in cas.listed() if seen.id == number), None)
    found["later"] = "not given" if later is None else verdict(content, later)
    if len(set(found.values())) == 1:
        return found["later"]
    return "; ".join(f"{when} {what}" for when, what in found.items())


def send(world, domain, content):
    """The number, and who had to send it: a user through 004 where that may, else the operator."""
    with CarrypigeonTries(world.host, world.ann) as ann:
        answer = ann.create(world.group, domain, content)
    if not answer.error:
        return answer.number, f"`{domain}`"
    assert domain == "Core:System", f"{domain}: {answer.error}"
    number = world.operator("system_announcement", content)
    return number, f"`{domain}`, by the operator (a user: `{answer.error}`)"


def received(world):
    """Ann sends into a group; Ben hears it live, Cas looks it up later."""
    rows = []
    for domain, content in CONTENTS:
        listeners = {view: view(world.host, world.ben) for view in VIEWS if view.pushes}
        for listener in listeners.values():
            listener.enter()
        number, how = send(world, domain, content)
        cells = [shown(world, view, number, content, listeners.get(view)) for view in VIEWS]
        for listener in listeners.values():
            listener.leave()
        rows.append([f"{how} with " + ", ".join(f"`{name}`" for name in content), *map(world.plain, cells)])
    return ["sent", *(f"`{view.contract}`" for view in VIEWS)], rows


def sendable(world):
    """Every type of a contract, sent by Ann to Ben, and what `carrypigeon`, which shows the store as it is, shows Ben."""
    rows = []
    for view in VIEWS:
        for kind in view.types:
            with view(world.host, world.ann) as ann:
                given, answer = ann.tell_type(world.ben, kind)
            if answer.error:
                cells = ["refused: " + world.plain(f"`{answer.error}`"), ""]
            else:
                with CarrypigeonTries(world.host, world.ben) as ben:
                    row = ben.request("/core/channel/message/get", {"mid": answer.number})
                cells = [f"`{row['domain']}`", f"`{compact(row['data'])}`"]
            rows.append([f"`{view.contract}`", f"`{kind}`", f"`{compact(given)}`", *cells])
    return ["contract", "type", "sent", "domain in the store", "content in the store"], rows


def moment(value, number):
    """A time as it is written."""
    if isinstance(value, int):
        assert value == time_of(number), f"{value} is not the time of {number}"
        return "milliseconds since 1970"
    return f"`{value}`"


# Which members of a message hold its id and its time.
IDS = {"netherlink": "message_id", "flix": "id", "message_service": "messageId", "im": "id", "carrypigeon": "mid"}
TIMES = {"netherlink": "timestamp", "flix": "server_timestamp", "message_service": "timestamp", "im": "timestamp",
         "carrypigeon": "send_time"}


def one_name(names):
    return ", in lists ".join(dict.fromkeys(names))


def names(world):
    """How one message between two, and one in a group, are written; live by Ben, later by Cas."""
    rows = {name: [] for name in ("the user ann", "ann's conversation with ben, seen by ben", "a group", "a message",
                                  "its time")}
    for view in VIEWS:
        found = {name: [] for name in rows}
        listener = view(world.host, world.ben) if view.pushes else None
        if listener:
            listener.enter()
        private = world.say("in private")
        seen = [(private, listener.hear())] if listener else []
        grouped = world.say_to_group("in the group")
        if listener:
            seen.append((grouped, listener.hear()))
            listener.leave()
        extra = world.say("for the list"), world.say_to_group("for the list")
        away = view(world.host, world.ben)
        listed = {one.id: one for one in away.catch_up()}
        away.leave()
        seen += [(number, listed[number]) for number in extra]
        for number, one in seen:
            world.numbers["<message>"] = number
            in_group = number in (grouped, extra[1])
            if view is CarrypigeonTries and not in_group:
                world.numbers["<conversation>"] = one.where
            found["the user ann"].append(f"`{json.dumps(one.sender)}`")
            found["a group" if in_group else "ann's conversation with ben, seen by ben"].append(f"`{json.dumps(one.where)}`")
            found["a message"].append(f"`{json.dumps(one.raw[IDS[view.contract]])}`")
            found["its time"].append(moment(one.raw[TIMES[view.contract]], number))
            for name in found:
                found[name] = [world.plain(text) for text in found[name]]
        for name, texts in found.items():
            rows[name].append(one_name(texts))
    return ["", *(f"`{view.contract}`" for view in VIEWS)], [[name, *cells] for name, cells in rows.items()]
