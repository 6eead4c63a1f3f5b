"""The words that a cell is made of, and what they are made from."""

from ..cases import until
from ..tries import ImTries

NONE = "not in the contract"
PATIENCE = 5.0


def refused(answer):
    return f"refused: `{answer.error}`"


def lossy(how):
    return f"lossy: {how}"


def witness(world, account, number):
    """A message as `im` shows it to that user, or None."""
    answer = ImTries(world.host, account).ask("GET", f"/api/v1/messages/msg_{number}")
    return None if answer.error else answer.body["message"]


def comes_about(condition):
    try:
        until(condition, "", PATIENCE)
    except AssertionError:
        return False
    return True


def sent(world, answer, reader, text):
    if answer.error:
        return refused(answer)
    seen = witness(world, reader, answer.number)
    assert seen is not None and seen["content"] == text, f"{answer} is {seen} to the reader"
    return "yes"
