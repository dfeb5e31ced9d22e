"""Commands of trust on a real log: with rivals, late, at length, and gone past."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from eventstore import Command, Event, EventStore, RecordedEvent
from eventstore.commands import trust
from eventstore.errors import DuplicateEventId, EventStoreError
from eventstore.refusals import SessionEnded
from eventstore.vocabulary import trust as said
from projections.session import open_session
from projections.trust import Trust
from projections.trust.roll_up import AGE, roll_up
from tests.integration.projections.running import Table, catch_up, replayed, stored
from tests.stories.asked_trust import ONE, STORY, TWO

WRITERS = 6
BEGUN = STORY[:7]
"""Two agents, and a session of each; that of bob is over."""
STREAM = f"session-{ONE}"


@pytest.fixture
def stores(database_url: str) -> Iterator[list[EventStore]]:
    """Several stores, each with a connection and a memory of its own; trust has begun."""
    opened = [EventStore.open(database_url) for _ in range(WRITERS)]
    for command in BEGUN:
        opened[0].execute(command)
    yield opened
    for each in opened:
        each.close()


def at_once(stores: list[EventStore], commands: Sequence[Command]) -> list[str]:
    """What became of each: done, or the name of the error."""

    def run(number: int) -> str:
        try:
            stores[number % WRITERS].execute(commands[number])
        except EventStoreError as error:
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(run, range(len(commands))))


def tables(url: str, held: Sequence[tuple[int, str | None]] = ()) -> dict[str, Table]:
    """The tables, which are what a replay makes of the log, but for what is held."""
    assert catch_up(url, Trust()) == {}
    with open_session(url, part="test") as conn:
        query = "SELECT position, split_part(error, ':', 1) FROM projections.failures ORDER BY 1"
        assert conn.execute(query).fetchall() == list(held)
        found = stored(conn, Trust())
        assert found == replayed(conn, Trust())
    return found


def message(content: str = "x", **more: Any) -> trust.SendMessage:
    return trust.SendMessage(session_id=ONE, role="agent", content=content, **more)


def decision(**more: Any) -> trust.MakeDecision:
    about = {"session_id": ONE, "agent_id": "ann", "decision_type": "risk", "rationale": "r"}
    return trust.MakeDecision(**{**about, **more})


def test_whatever_can_be_asked_fills_the_tables(database_url: str) -> None:
    with EventStore.open(database_url) as store:
        for command in STORY:
            store.execute(command, agent="planner")
    found = tables(database_url)
    # Metrics of today are not rolled up, and the only knowledge was forgotten.
    assert {name for name, rows in found.items() if not rows} == {
        "agent_knowledge", "trust_metrics_daily",
    }  # fmt: skip
    (change,) = found["trust_level_changes"].values()
    assert change["decision_ids"] == [str(UUID(int=12))]


def test_one_of_those_who_start_a_session_at_once_has_it(
    stores: list[EventStore], database_url: str
) -> None:
    winners: dict[UUID, str] = {}
    for number in range(10, 16):
        wishes = [
            trust.StartSession(session_id=UUID(int=number), agent_id=["ann", "bob"][n % 2])
            for n in range(WRITERS)
        ]
        outcomes = at_once(stores, wishes)
        assert sorted(outcomes) == ["AlreadyExists"] * (WRITERS - 1) + ["done"]
        winners[UUID(int=number)] = wishes[outcomes.index("done")].agent_id
    rows = tables(database_url)["agent_sessions"]
    assert {key: rows["default", key]["agent_id"] for key in winners} == winners


def test_nothing_is_said_after_the_end_of_a_session_and_decided_after_that_of_an_agent(
    stores: list[EventStore], database_url: str
) -> None:
    """A decision is made on two streams: whichever is quicker, the log is right."""
    other = trust.StartSession(session_id=UUID(int=3), agent_id="ann")
    stores[0].execute(other)
    wishes: list[Command] = []
    for number in range(12):
        wishes.append(message(f"{number}"))
        wishes.append(decision(session_id=other.session_id))
    wishes[12:12] = [
        trust.CompleteSession(session_id=ONE), trust.DeactivateAgent(agent_id="ann"),
    ]  # fmt: skip
    outcomes = at_once(stores, wishes)
    assert outcomes[12:14] == ["done", "done"]
    assert set(outcomes[::2]) <= {"done", "SessionEnded"}
    assert set(outcomes[1::2]) <= {"done", "NotAllowed"}
    log = [type(each.event) for each in stores[0].read_all()]
    for last, wanted in (
        (said.SessionCompleted, said.MessageSent), (said.AgentDeactivated, said.DecisionMade),
    ):  # fmt: skip
        end = len(log) - log[::-1].index(last)
        assert wanted not in log[end:]
    assert outcomes.count("done") == 2 + sum(
        Counter(log)[kind] for kind in (said.MessageSent, said.DecisionMade)
    )
    tables(database_url)


def test_a_session_is_over_when_its_time_is_and_not_when_that_is_said(
    stores: list[EventStore], database_url: str
) -> None:
    begin = datetime(2026, 1, 5, 8, tzinfo=UTC)
    end = begin + timedelta(hours=1)
    store, session = stores[0], UUID(int=4)
    store.execute(trust.StartSession(session_id=session, agent_id="ann", at=begin, expires_at=end))
    late = message("in time", at=end - timedelta(microseconds=1)).model_copy(
        update={"session_id": session}
    )
    receipt = store.execute(late)
    for at in (end, datetime.now(UTC)):
        with pytest.raises(SessionEnded, match="expired since 2026-01-05T09"):
            store.execute(trust.ReportFinding(session_id=session, content="too late", at=at))
    assert store.execute(late) == receipt  # said once, and answered again
    # Past the deciders it can be said, and the tables go on without it.
    raw = said.MessageSent(message_id=uuid4(), session_id=session, role="user", content="raw")
    over = store.append(f"session-{session}", [raw], occurred_at=end)
    waiting = store.execute(trust.ExpireSession(session_id=session))
    held = [(over.positions[0], "RowClosed"), (waiting.positions[0], None)]
    found = tables(database_url, held)
    assert [row["content"] for row in found["conversation_history"].values()] == ["in time"]
    assert found["agent_sessions"]["default", session]["session_state"] == "active"


def test_what_goes_past_the_deciders_is_held_and_leaves_the_tables_right(
    stores: list[EventStore], database_url: str
) -> None:
    store = stores[0]
    made = decision()
    for command in (made, trust.CompleteSession(session_id=ONE)):
        store.execute(command)
    raw: list[Event] = [
        said.SessionResumed(session_id=ONE),
        said.DecisionOutcomeKnown(
            decision_id=made.decision_id, session_id=TWO, agent_id="bob", outcome="failure"
        ),
    ]
    positions = [store.append("raw-1", [event]).positions[0] for event in raw]
    found = tables(
        database_url, [(positions[0], "IllegalTransition"), (positions[1], "Contradiction")]
    )
    assert found["agent_sessions"]["default", ONE]["session_state"] == "completed"
    assert found["agent_decisions"]["default", made.decision_id]["outcome"] is None


def test_a_metric_that_was_rolled_up_is_not_recorded_again(
    stores: list[EventStore], database_url: str
) -> None:
    """Its row is gone, so that the tables could not tell."""
    store, old = stores[0], datetime.now(UTC) - AGE - timedelta(days=2)
    metric = trust.RecordMetric(session_id=ONE, metric_type="accuracy", metric_value=90)
    receipt = store.execute(metric, occurred_at=old)
    tables(database_url)
    assert roll_up(store, database_url).metrics == 1
    assert tables(database_url)["trust_metrics"] == {}
    head = store.watermark()
    assert store.execute(metric) == receipt
    elsewhere = metric.model_copy(update={"session_id": TWO})
    with pytest.raises(DuplicateEventId):
        store.execute(elsewhere)
    assert store.watermark() == head
    (day,) = tables(database_url)["trust_metrics_daily"].values()
    assert day["metric_count"] == 1


def test_a_command_in_a_long_session_reads_what_is_new(
    stores: list[EventStore], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Counter[str] = Counter()
    whole = EventStore.read_stream

    def counted(self: EventStore, stream_id: str, *args: Any, **more: Any) -> Any:
        events = list[RecordedEvent](whole(self, stream_id, *args, **more))
        read[stream_id] += len(events)
        return iter(events)

    monkeypatch.setattr(EventStore, "read_stream", counted)
    said_before: list[Event] = [
        said.MessageSent(message_id=uuid4(), session_id=ONE, role="user", content="x")
        for _ in range(900)
    ]
    stores[0].append(STREAM, said_before)
    question = None
    for _ in range(100):
        command = message(parent_message_id=question)
        stores[0].execute(command)
        question = command.message_id
    # All of it once: the 901 events that were there, and then, each time, the one before.
    assert read == {STREAM: 1_000}
    read.clear()
    for _ in range(2):
        stores[1].execute(message(parent_message_id=question))
    assert read == {STREAM: 1_002}
    assert stores[0].stream_version(STREAM) == 1_003
