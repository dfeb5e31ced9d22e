"""How commands are tested, in memory: given these events, when that is asked, then these say it.

    given(registered).when(ChangeEmail(...)).then(EmailChanged(...))
    given().when(ChangeEmail(...)).refused(DoesNotExist)

A command that reads several streams is given the events of the others by stream:

    given(opened, others={"schema-INVOICE": [published, activated]}).when(QueueWorkItem(...))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from eventstore.command import Command, Decision, decision
from eventstore.errors import CommandRefused
from eventstore.event import Event
from eventstore.guards import Claim

__all__ = ["Given", "When", "given"]

E = TypeVar("E", bound=CommandRefused)


class When:
    """What a command decides."""

    def __init__(self, decided: Decision | CommandRefused) -> None:
        self._decided = decided

    def then(
        self, *events: Event, claims: Sequence[Claim] = (), releases: Sequence[Claim] = ()
    ) -> None:
        """Asserts that exactly these events say it, and which values it claims and gives up."""
        if isinstance(self._decided, CommandRefused):
            raise AssertionError(f"it was refused: {self._decided}") from self._decided
        assert list(self._decided.events) == list(events)
        assert list(self._decided.claims) == list(claims)
        assert list(self._decided.releases) == list(releases)

    def refused(self, error: type[E]) -> E:
        """Asserts that it is refused by that kind of error, and returns it."""
        if not isinstance(self._decided, error):
            raise AssertionError(f"no {error.__name__}, but {self._decided!r}")
        return self._decided


class Given:
    """What the streams hold."""

    def __init__(self, events: Sequence[Event], others: Mapping[str, Sequence[Event]]) -> None:
        self._events, self._others = events, others

    def when(self, command: Command) -> When:
        """What the command decides on that; it decides the same a second time."""
        reads = list(command.reads().items())
        unread = self._others.keys() - {stream_id for stream_id, _ in reads[1:]}
        assert not unread, f"{type(command).__name__} does not read {', '.join(sorted(unread))}"
        states = []
        for number, (stream_id, state) in enumerate(reads):
            for event in self._others.get(stream_id, ()) if number else self._events:
                state = state.after(event)
            states.append(state)
        try:
            first = decision(command.decide(*states))
        except CommandRefused as error:
            return When(error)
        assert decision(command.decide(*states)) == first, "a decision depends on the states only"
        return When(first)


def given(*events: Event, others: Mapping[str, Sequence[Event]] | None = None) -> Given:
    """The events of the stream that it writes to, and those of the others that it reads."""
    return Given(events, others or {})
