"""Made-up data of every context: an endless log, the same for the same seed.

from itertools import islice
from eventstore.seed import tell

store.append_many(list(islice(tell(["work"]), 1_000)))
"""

from eventstore.seed.telling import CONTEXTS, tell

__all__ = ["CONTEXTS", "tell"]
