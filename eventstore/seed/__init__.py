"""Made-up data of every context: an endless log, the same for the same seed.

from eventstore.seed import telling
store.append_many(list(islice(tell(["work"]), 1_000)))
"""

from eventstore.seed.telling import CONTEXTS, tell

__all__ = ["CONTEXTS", "tell"]
