"""A log in memory that decides commands as the store does, and folds what was decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from functools import reduce

from eventstore import Claim, Command, Event
from eventstore.command import State, Timed, decision
from eventstore.errors import ValueTaken
from projections.projection import Projection
from projections.testing import FIRST_MOMENT, recorded

__all__ = ["Log"]


class Log:
    """What was decided so far, by stream, and the tables that a projection makes of it."""

    def __init__(self, projection: Projection, begin: Sequence[Command] = ()) -> None:
        self.projection, self.tables = projection, projection.empty()
        self.streams: dict[str, list[Event]] = defaultdict(list)
        self.claims: dict[Claim, str] = {}
        self.position = 0
        for command in begin:
            self.execute(command)

    def execute(self, command: Command) -> Sequence[Event]:
        """The events that say what was decided; raises CommandRefused or ValueTaken.

        Raises EventNotApplied when the projection refuses what was decided.
        """
        if isinstance(command, Timed):  # its events occur a second after the one before
            moment = FIRST_MOMENT + timedelta(seconds=self.position + 1)
            command = command.model_copy(update={"at": moment})
        states = [self._state(*read) for read in command.reads().items()]
        decided = decision(command.decide(*states))
        own = next(iter(command.reads()))
        for claim in decided.claims:
            if self.claims.get(claim, own) != own:
                raise ValueTaken(claim.scope, claim.value, self.claims[claim])
        for claim in decided.releases:
            del self.claims[claim]
        self.claims |= dict.fromkeys(decided.claims, own)
        for event in decided.events:
            self.apply(event)
        self.streams[own].extend(decided.events)
        return decided.events

    def apply(self, event: Event) -> None:
        """Folds a fact; raises EventNotApplied when the rules refuse it, and changes nothing."""
        self.projection.apply(self.tables, recorded(event, self.position + 1))
        self.position += 1

    def _state(self, stream_id: str, initial: State) -> State:
        return reduce(lambda state, event: state.after(event), self.streams[stream_id], initial)
