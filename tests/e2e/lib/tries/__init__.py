"""What a client of each contract can try, and what the host answers: nothing here expects an answer to be a good one.

Where a contract has no word for an act, the plainest message is sent that would name it, so that the refusal is the
host's own.
"""

from .carrypigeon import CarrypigeonTries
from .common import Answer, compact
from .flix import FlixTries
from .im import ImTries
from .message_service import MessageServiceTries
from .netherlink import NetherlinkTries

VIEWS = (NetherlinkTries, FlixTries, MessageServiceTries, ImTries, CarrypigeonTries)

__all__ = ["VIEWS", "Answer", "CarrypigeonTries", "FlixTries", "ImTries", "MessageServiceTries", "NetherlinkTries",
           "compact"]
