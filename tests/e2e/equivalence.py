#!/usr/bin/python3
"""docs/equivalence.md says what a real host does: what each contract shows, takes and can do.

`--write` writes the page's tables anew from what the host answers; without it they are compared.
"""

import difflib
import os

from lib.cases import case, run
from lib.features import FEATURES
from lib.tables import names, received, sendable
from lib.tries import VIEWS
from lib.world import World

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "equivalence.md")
BEGIN, END = "<!-- {}: made by tests/e2e/equivalence.py -->", "<!-- end of {} -->"
AGAIN = ("docs/equivalence.md does not say what the host does. If the host is right, write the page anew:\n"
         "  tests/e2e/equivalence.py --loft build/debug/bin/loft --plugins build/debug/lib/loft/plugins --write")


def row(cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def table(head, rows):
    return "\n".join([row(head), row(["---"] * len(head)), *map(row, rows)])


def features(world):
    world.prepare_features()
    parts = []
    for title, entries in FEATURES:
        rows = []
        for name, probe in entries:
            cells = []
            for view in VIEWS:
                try:
                    cells.append(world.plain(probe(world, view)))
                except Exception as error:
                    raise AssertionError(f"{title}, {name}, {view.contract}: {error}") from error
            rows.append([name, *cells])
        parts.append(table([title, *(f"`{view.contract}`" for view in VIEWS)], rows))
    return "\n\n".join(parts)


SECTIONS = {
    "received": lambda world: table(*received(world)),
    "sendable": lambda world: table(*sendable(world)),
    "names": lambda world: table(*names(world)),
    "features": features,
}


def section(page, name):
    """Where the tables of a section stand in the page."""
    begin, end = BEGIN.format(name) + "\n\n", "\n\n" + END.format(name)
    assert page.count(begin) == page.count(end) == 1, f"{PAGE} has no place for '{name}': {begin.strip()} … {end.strip()}"
    return page.index(begin) + len(begin), page.index(end)


@case
def what_the_page_says(given):
    """The page says what every contract shows, takes, can do, and how it writes names."""
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    made = page
    with World(given) as world:
        for name, make in SECTIONS.items():
            begin, end = section(made, name)
            made = made[:begin] + make(world) + made[end:]
    if given.options.write:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(made)
    elif page != made:
        raise AssertionError(AGAIN + "\n" + "\n".join(difflib.unified_diff(
            page.splitlines(), made.splitlines(), "the page", "the host", lineterm="", n=0)))


if __name__ == "__main__":
    run(__doc__, write=False)
