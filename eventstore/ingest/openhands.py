"""Reads OpenHands event streams: a JSON array of actions and observations of one session.

| in the file                           | in the log                                            |
|---------------------------------------|-------------------------------------------------------|
| the stream                            | session of the agent `openhands/agent`                |
| first message of the user             | also a work order with one item and one attempt at it |
| action `message` of user or agent     | message                                               |
| any other action of the agent         | decision of that name; `args.thought` its rationale   |
| observation                           | message, caused by the action in its `cause`          |
| its `success`                         | outcome of the action that caused it                  |
| observation `error`                   | error of the attempt                                  |
| agent state awaiting_user_input,      | session paused;                                       |
| paused, and then running              | resumed                                               |
| agent state finished, error, rejected,| session completed, attempt, item and order COMPLETED  |
| stopped                               | or FAILED                                             |

Times have no zone and are taken as UTC. The first event names the run, so that a stream that went
on continues what is recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import Field

from eventstore.append import Append
from eventstore.ingest.form import LocalMoment, Part, checked, digest, document, heading, word
from eventstore.ingest.job import Job
from eventstore.ingest.reader import BrokenFile, Reader, whole
from eventstore.ingest.story import Story, registration

__all__ = ["AGENT", "NAMESPACE", "read", "reader"]

NAMESPACE: Final = uuid5(NAMESPACE_URL, "urn:eventstore:openhands")
AGENT: Final = "openhands/agent"
_WAITING: Final = frozenset({"awaiting_user_input", "awaiting_user_confirmation", "paused"})
_NO_SUBSTANCE: Final = frozenset({"agent_state_changed", "null"})
_OVER: Final = frozenset({"finished", "error", "rejected", "stopped"})


class _Happening(Part):
    id: int = Field(ge=0)
    timestamp: LocalMoment
    source: Literal["user", "agent", "environment"]
    message: str = ""
    cause: int | None = None
    action: str | None = None
    args: dict[str, Any] = Field(default_factory=dict)
    observation: str | None = None
    content: str | None = None
    extras: dict[str, Any] = Field(default_factory=dict)
    success: bool | None = None


def read(file: BinaryIO, name: str) -> Iterator[Append]:
    """The events of one stream; raises BrokenFile or InvalidEvent."""
    given = document(whole(file))
    if not isinstance(given, list) or not given:
        raise BrokenFile("is no array of events")
    happenings = []
    for number, each in enumerate(given):
        try:
            happenings.append(checked(_Happening, each))
        except BrokenFile as error:
            raise BrokenFile(error.reason, path=f"{number}.{error.path}".rstrip(".")) from None
    source = {"format": "openhands", "file": name}
    stream = _Stream(Story(uuid5(NAMESPACE, digest(given[0])), source), _last(happenings))
    begun = happenings[0].timestamp.replace(tzinfo=happenings[0].timestamp.tzinfo or UTC)
    yield registration(NAMESPACE, AGENT, "developer", source, begun)
    stream.begin(begun, happenings[0].timestamp.tzinfo is not None)
    for number, happening in enumerate(happenings):
        stream.tell(number, happening)
    yield from stream.job.story.appends()


reader: Final = Reader(read, names=("*.json",))


def _last(happenings: list[_Happening]) -> int:
    """Which is the last event that is more than a change of the agent's state."""
    numbers = range(len(happenings) - 1, -1, -1)
    return next((n for n in numbers if happenings[n].observation not in _NO_SUBSTANCE), -1)


class _Stream:
    """A stream that is being told; `last` is the number of its last event of substance."""

    def __init__(self, story: Story, last: int) -> None:
        self.job, self._last = Job(story, AGENT), last
        self._told: dict[int, UUID | None] = {}
        """By the event's id what it became, if it became something."""
        self._decisions: dict[int, UUID] = {}
        self._begun = self._waits = self._over = False

    def begin(self, at: datetime, in_a_zone: bool) -> None:
        """The session starts."""
        self.job.marks = [] if in_a_zone else ["time_zone"]
        self.job.join(AGENT, at)

    def tell(self, number: int, given: _Happening) -> None:
        place, at = f"events/{given.id}", given.timestamp
        if given.id in self._told:
            raise BrokenFile(f"the id {given.id} stands twice", path=f"{number}.id")
        if given.cause is not None and given.cause not in self._told:
            raise BrokenFile(f"no event {given.cause} stands before it", path=f"{number}.cause")
        if (given.action is None) == (given.observation is None):
            raise BrokenFile("is neither an action nor an observation", path=str(number))
        self.job.marks = ["time_zone"] if at.tzinfo is None else []
        at = at.replace(tzinfo=at.tzinfo or UTC)
        self._told[given.id] = None
        if given.observation is not None:
            self._observe(given, place, at, number > self._last)
        elif given.action == "message":
            self._message(given, place, at)
        elif given.source == "agent":
            self._act(given, place, at)

    def _message(self, given: _Happening, place: str, at: datetime) -> None:
        text = str(given.args.get("content", given.message))
        other = {"args": {k: v for k, v in given.args.items() if k != "content"}, **given.rest}
        by_user = given.source == "user"
        if by_user and not self._begun:
            self._begun = True
            self.job.begin(heading(text, "a task"), {"task": text}, at)
        self._told[given.id] = self.job.say(
            place, "user" if by_user else "agent", text, at,
            speaker="user" if by_user else AGENT, session_of=AGENT,
            target=AGENT if by_user else "user", other=other,
        )  # fmt: skip

    def _act(self, given: _Happening, place: str, at: datetime) -> None:
        thought = str(given.args.get("thought", ""))
        arguments = {name: value for name, value in given.args.items() if name != "thought"}
        self._decisions[given.id] = self._told[given.id] = self.job.decide(
            place, word(given.action, "action"), arguments, at,
            rationale=thought, agent=AGENT,
            other={"action": given.action, "message": given.message, **given.rest},
        )  # fmt: skip

    def _observe(self, given: _Happening, place: str, at: datetime, at_end: bool) -> None:
        if given.observation == "agent_state_changed":
            self._change(given, place, at, at_end)
            return
        if given.observation == "null":
            return
        cause = None if given.cause is None else self._told[given.cause]
        text = given.content or given.message
        if given.observation == "error" and self._begun:
            details = given.extras | given.rest
            self.job.report(place, text, at, agent="environment", details=details, caused_by=cause)
            return
        self._told[given.id] = self.job.say(
            place, "system", text, at,
            speaker="environment", session_of=AGENT, target=AGENT, cause=cause,
            other={"observation": given.observation, "message": given.message,
                   "extras": given.extras, **given.rest},
        )  # fmt: skip
        decision = None if given.cause is None else self._decisions.get(given.cause)
        if decision is not None and given.success is not None:
            outcome: Any = "success" if given.success else "failure"
            self.job.turned_out(decision, outcome, given.message or None, at, agent="environment")

    def _change(self, given: _Happening, place: str, at: datetime, at_end: bool) -> None:
        """The agent's state, as far as it moves its session."""
        state = str(given.extras.get("agent_state"))
        if self._over:
            return
        if state in _OVER and at_end:
            self._over = True
            reason = str(given.extras.get("reason") or f"agent state: {state}")
            if self._begun:
                self.job.end(None if state == "finished" else reason, at=at, derived=())
            else:
                self.job.leave(at)
        elif state in _WAITING | _OVER and not self._waits:
            # What is finished may be taken up again by the user's next message.
            self._waits = True
            self.job.pause(place, at)
        elif state == "running" and self._waits:
            self._waits = False
            self.job.resume(place, at)
