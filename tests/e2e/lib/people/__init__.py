"""One person seen through one contract: the same few acts in every contract's own words.

What a person hears or reads comes back as `Seen`, translated into the host's terms (ids as numbers, times in
milliseconds), so that five vocabularies can be compared.
"""

from .carrypigeon import Carrypigeon
from .flix import Flix
from .im import Im
from .message_service import MessageService
from .netherlink import Netherlink
from .person import EPOCH, Person, Seen, millis, time_of

CONTRACTS = (Netherlink, Flix, MessageService, Im, Carrypigeon)

__all__ = ["CONTRACTS", "EPOCH", "Carrypigeon", "Flix", "Im", "MessageService", "Netherlink", "Person", "Seen", "millis",
           "time_of"]
