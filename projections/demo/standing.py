"""How far each agent is trusted at this moment, folded from its own stream by the ladder's rules.

The table trust_levels says the same a moment later: the projector runs in another process, and a
decision should not depend on how fast that is.
"""

from __future__ import annotations

from typing import Final

from eventstore import EventStore
from projections.demo.team import agent_stream
from projections.trust import Trust, TrustLevel
from projections.trust.settings import ladder_rules

__all__ = ["Standings"]

_RULES: Final = Trust(ladder_rules())


class Standings:
    """Remembers what it has read, and reads on from there; for one thread."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._state = _RULES.empty()
        self._read: dict[str, int] = {}

    def level(self, agent_id: str) -> int:
        """The level, 0 to 4, that the agent's record up to now gives it."""
        after = self._read.get(agent_id, 0)
        for recorded in self._store.read_stream(agent_stream(agent_id), after + 1):
            _RULES.apply(self._state, recorded)
            after = recorded.stream_version
        self._read[agent_id] = after
        row = self._state[TrustLevel].get((self._store.tenant, agent_id))
        return row.level if isinstance(row, TrustLevel) else 0
