"""The crew at work: a thread an agent, and the log between them.

An agent acts only on messages that are recorded: one subscription follows the log, and puts each
message into the inbox of the agent that it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Event as Signal
from threading import Thread
from types import TracebackType
from typing import Final, Self

from eventstore import EventStore, RecordedEvent
from eventstore.errors import InvalidEvent
from eventstore.vocabulary.trust import MessageSent
from projections.demo.agents.analyst import analyst
from projections.demo.agents.approver import Approver
from projections.demo.agents.inspector import inspector
from projections.demo.agents.policy_writer import policy_writer
from projections.demo.agents.script_writer import script_writer
from projections.demo.agents.tester import tester
from projections.demo.desk import Answer, Desk
from projections.demo.distributions import Unreadable
from projections.demo.giving_up import give_up
from projections.demo.package import PackageTaken
from projections.demo.team import Agent, Team

__all__ = ["Crew"]

_Letter = RecordedEvent | BaseException | None
"""A message; or why a thread ended; or None: go home."""

_CAN_BE_SAID: Final = (InvalidEvent, PackageTaken, Unreadable)
"""What keeps one package from going on, and no other."""


class Crew:
    """Works from `with` until the block ends; `watch` sees every message that is delivered."""

    def __init__(
        self, store: EventStore, team: Team, watch: Callable[[RecordedEvent], None]
    ) -> None:
        self.store, self.team, self._watch = store, team, watch
        self._sessions = {agent.session_id for agent in team.agents.values()}
        self._inboxes: dict[str, SimpleQueue[_Letter]] = {
            name: SimpleQueue() for name in team.agents
        }
        self._going_home = Signal()
        self._post = store.subscribe(store.watermark(), event_types=[MessageSent.event_type])
        self._threads = [Thread(target=self._guarded, args=(self._deliver,), name="post")]
        self._threads += [
            Thread(target=self._guarded, args=(self._work, agent, answer), name=agent.agent_id)
            for agent, answer in self._duties()
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._going_home.set()
        self._post.close()
        for inbox in self._inboxes.values():
            inbox.put(None)
        for thread in self._threads:
            thread.join()

    def letters(self) -> Iterator[RecordedEvent]:
        """What the planner is told, as it comes, without end; raises what broke an agent."""
        inbox = self._inboxes[self.team.planner.agent_id]
        while (letter := inbox.get()) is not None:
            if isinstance(letter, BaseException):
                raise letter
            yield letter

    def _duties(self) -> list[tuple[Agent, Answer]]:
        team = self.team
        return [
            *((each, analyst) for each in team.analysts),
            (team.script_writer, script_writer),
            (team.policy_writer, policy_writer),
            *((each, tester) for each in team.testers),
            (team.inspector, inspector),
            (team.approver, Approver()),
        ]

    def _deliver(self) -> None:
        for recorded in self._post:
            said = recorded.event
            # Another run on the same store has agents of the same names, in other sessions.
            if isinstance(said, MessageSent) and said.session_id in self._sessions:
                self._watch(recorded)
                self._inboxes[recorded.target_agent or ""].put(recorded)

    def _work(self, agent: Agent, answer: Answer) -> None:
        desk = Desk(self.store, agent, self.team)
        inbox = self._inboxes[agent.agent_id]
        while isinstance(asked := inbox.get(), RecordedEvent) and not self._going_home.is_set():
            try:
                answer(desk, desk.case(asked.correlation_id), asked)
            except _CAN_BE_SAID as error:
                give_up(desk, desk.case(asked.correlation_id), asked, error)

    def _guarded(self, work: Callable[..., None], *arguments: object) -> None:
        """A thread can't raise to anybody, so the planner is told."""
        try:
            work(*arguments)
        except BaseException as error:  # noqa: BLE001
            self._inboxes[self.team.planner.agent_id].put(error)
