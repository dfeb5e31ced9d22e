"""Commands on a real log: decided on what it says, once, whatever others write meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from uuid import uuid4

import orjson
import psycopg
import pytest

from eventstore import AsyncEventStore, Claim, Event, EventStore
from eventstore.append import Append
from eventstore.command import Command, State
from eventstore.connection.database import Connection
from eventstore.deciding.execute import MAX_TRIES
from eventstore.errors import (
    ConcurrencyConflict,
    DuplicateEventId,
    EventStoreError,
    InvalidEvent,
    ValueTaken,
)
from eventstore.guards import Guards
from eventstore.refusals import AlreadyExists, DoesNotExist, InvalidCommand, NotAllowed
from tests.integration.log.club import (
    CLUBS,
    CloseEmpty,
    ClubOpened,
    Join,
    Joined,
    Member,
    MemberNamed,
    NameMember,
    claim,
)

WRITERS = 8


@pytest.fixture
def store(database_url: str) -> Iterator[EventStore]:
    with EventStore.open(database_url, registry=CLUBS) as opened:
        yield opened


@pytest.fixture
def stores(database_url: str) -> Iterator[list[EventStore]]:
    """Several stores, each with a connection and a cache of its own."""
    opened = [EventStore.open(database_url, registry=CLUBS) for _ in range(WRITERS)]
    yield opened
    for each in opened:
        each.close()


def payloads(store: EventStore, stream_id: str) -> list[dict[str, object]]:
    return [recorded.payload for recorded in store.read_stream(stream_id)]


def outcomes(stores: list[EventStore], commands: list[Command]) -> list[str]:
    """What became of commands that were executed at the same time: done, or the refusal's name."""

    def run(store: EventStore, command: Command) -> str:
        try:
            store.execute(command)
        except EventStoreError as error:
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(len(stores)) as pool:
        return list(pool.map(run, stores, commands))


def test_a_command_is_decided_on_the_state_of_its_streams(store: EventStore) -> None:
    first = store.execute(NameMember(member="1", name="Ann"), agent="clerk")
    assert (first.stream_id, first.stream_version) == ("member-1", 1)
    with pytest.raises(DoesNotExist):
        store.execute(Join(member="1", club="chess"))
    store.append("club-chess", [ClubOpened()])
    store.execute(Join(member="1", club="chess", at_most=1))
    with pytest.raises(NotAllowed, match="at most 1"):
        store.execute(Join(member="1", club="chess", at_most=1))
    assert payloads(store, "member-1") == [{"name": "Ann"}, {"club": "chess"}]


def test_an_event_says_which_command_led_to_it(store: EventStore) -> None:
    command = NameMember(member="1", name="Ann")
    run = uuid4()
    receipt = store.execute(command, agent="clerk", correlation_id=run, metadata={"desk": 4})
    (recorded,) = store.read_stream("member-1")
    assert (recorded.agent, recorded.correlation_id) == ("clerk", run)
    assert orjson.loads(recorded.metadata) == {
        "desk": 4,
        "command": {
            "name": "NameMember",
            "id": str(command.command_id),
            "hash": sha256(command.model_dump_json().encode()).hexdigest(),
        },
    }
    assert receipt.event_ids == (command.event_id(0),)


def test_the_same_command_again_gives_the_first_receipt(store: EventStore) -> None:
    command = NameMember(member="1", name="Ann")
    first = store.execute(command)
    store.execute(NameMember(member="1", name="Bea"))
    store.execute(NameMember(member="2", name="Ann"))
    assert store.execute(command) == first
    assert len(payloads(store, "member-1")) == 2
    with pytest.raises(ValueTaken) as caught:  # the repeat claimed nothing again
        store.execute(NameMember(member="1", name="Ann"))
    assert caught.value.held_by == "member-2"


def test_another_wish_under_the_same_id_is_refused(store: EventStore) -> None:
    command = NameMember(member="1", name="Ann")
    store.execute(command)
    with pytest.raises(DuplicateEventId):
        store.execute(command.model_copy(update={"name": "Bea"}))
    assert payloads(store, "member-1") == [{"name": "Ann"}]


def test_a_decision_locks_streams_in_the_order_of_appends(
    stores: list[EventStore], admin_url: str, wait_for_blocked: Callable[[int], None]
) -> None:
    """While it waits for a stream that it rests on, it holds none that comes after that one."""
    deciding, appending = stores[:2]
    appending.append("club-chess", [ClubOpened()])
    appending.append("member-1", [MemberNamed(name="Ann")])
    lock = "SELECT FROM eventstore.streams WHERE stream_id = 'club-chess' FOR UPDATE"
    with ThreadPoolExecutor(1) as pool:
        with psycopg.connect(admin_url) as holder:
            holder.execute(lock)
            joined = pool.submit(deciding.execute, Join(member="1", club="chess"))
            wait_for_blocked(1)
            appending.append("member-1", [Joined(club="x")])
        assert joined.result().stream_version == 3


def test_another_command_that_asks_for_the_same_is_refused(store: EventStore) -> None:
    store.execute(NameMember(member="1", name="Ann"))
    with pytest.raises(AlreadyExists):
        store.execute(NameMember(member="1", name="Ann"))


def test_a_value_belongs_to_one_stream(store: EventStore) -> None:
    store.execute(NameMember(member="1", name="Ann"))
    with pytest.raises(ValueTaken) as caught:
        store.execute(NameMember(member="2", name="ANN"))
    assert caught.value.facts == {
        "scope": "club.member.name", "value": "ann", "held_by": "member-1",
    }  # fmt: skip
    assert store.stream_version("member-2") == 0
    store.execute(NameMember(member="1", name="Bea"))  # gives the name up
    store.execute(NameMember(member="2", name="Ann"))


def test_one_of_many_gets_the_value(stores: list[EventStore]) -> None:
    for number in range(20):
        asked: list[Command] = [
            NameMember(member=f"{number}-{n}", name=f"Ann {number}") for n in range(WRITERS)
        ]
        assert sorted(outcomes(stores, asked)) == ["ValueTaken"] * (WRITERS - 1) + ["done"]


def test_a_limit_holds_for_writers_at_the_same_time(stores: list[EventStore]) -> None:
    stores[0].append("club-chess", [ClubOpened()])
    for number in range(10):
        asked: list[Command] = [
            Join(member=f"{number}", club="chess", at_most=3) for _ in range(WRITERS)
        ]
        found = sorted(outcomes(stores, asked))
        assert found == ["NotAllowed"] * (WRITERS - 3) + ["done"] * 3
        assert stores[0].stream_version(f"member-{number}") == 3


def test_two_decisions_that_rest_on_each_other_are_not_both_made(stores: list[EventStore]) -> None:
    """Write skew: each reads what the other writes. In any order, only the first is right."""
    for number in range(20):
        stores[0].append(f"club-{number}", [ClubOpened()])
        asked: list[Command] = [
            Join(member=f"m{number}", club=f"{number}"),
            CloseEmpty(club=f"{number}", member=f"m{number}"),
        ]
        found = outcomes(stores[:2], asked)
        assert sorted(found) != ["done", "done"], "a member sits in a closed club"
        assert "done" in found


def test_a_stream_that_was_not_there_may_not_come_into_being(
    store: EventStore, database_url: str
) -> None:
    guards = Guards({"club-new": 0})
    append = Append("member-1", [Joined(club="new")])
    with EventStore.open(database_url, registry=CLUBS) as other:
        other.append("club-new", [ClubOpened()])
    with pytest.raises(ConcurrencyConflict) as caught:
        store.writer.append(store.prepare([append], guards))
    assert (caught.value.stream_id, caught.value.expected, caught.value.actual) == (
        "club-new", 0, 1,
    )  # fmt: skip
    assert store.stream_version("member-1") == 0


def test_nothing_of_a_refused_append_stays(store: EventStore, admin: Connection) -> None:
    store.append("member-1", [MemberNamed(name="Ann")])
    guards = Guards({"club-x": 0}, claims=(claim("Zoe"),))
    append = Append("member-1", [MemberNamed(name="Zoe")], expected_version=7)
    with pytest.raises(ConcurrencyConflict):
        store.writer.append(store.prepare([append], guards))
    assert admin.execute("SELECT count(*) FROM eventstore.claims").fetchone() == (0,)
    assert store.stream_version("club-x") == 0


def test_a_writer_that_always_loses_says_so(store: EventStore) -> None:
    tries = 0

    class Unlucky(Command):
        def reads(self) -> dict[str, State]:
            return {"member-1": Member()}

        def decide(self, member: Member) -> Event:
            nonlocal tries
            tries += 1
            store.append("member-1", [Joined(club=f"{tries}")])  # somebody is quicker, each time
            return Joined(club="late")

    with pytest.raises(ConcurrencyConflict):
        store.execute(Unlucky())
    assert tries == MAX_TRIES
    assert {"club": "late"} not in payloads(store, "member-1")


def test_the_state_that_was_kept_is_brought_up_to_date(stores: list[EventStore]) -> None:
    stores[0].append("club-chess", [ClubOpened()])
    for number in range(1, 6):
        for store in stores[:3]:
            store.execute(Join(member="1", club="chess", at_most=15))
        assert stores[0].stream_version("member-1") == 3 * number
    with pytest.raises(NotAllowed):
        stores[1].execute(Join(member="1", club="chess", at_most=15))


@pytest.mark.parametrize(
    ("fields", "path"), [({"member": 4, "name": "x"}, "member"), ({"member": "4"}, "name")]
)
def test_a_command_is_checked_before_anything_is_read(fields: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidCommand) as caught:
        NameMember(**fields)  # type: ignore[arg-type]
    assert (caught.value.path, caught.value.command) == (path, "NameMember")


@pytest.mark.parametrize("value", ["", "x" * 513, "line\nbreak"])
def test_a_claim_is_a_name(value: str) -> None:
    with pytest.raises(InvalidEvent):
        Claim("club.member.name", value)


def test_a_longest_value_can_be_claimed(store: EventStore) -> None:
    store.execute(NameMember(member="1", name="\N{GRINNING FACE}" * 512))


def test_tasks_execute_too(database_url: str) -> None:
    async def run() -> list[int]:
        async with await AsyncEventStore.open(database_url, registry=CLUBS) as store:
            await store.append("club-chess", [ClubOpened()])
            with store.context(agent="clerk"):
                joins = [store.execute(Join(member="1", club="chess")) for _ in range(5)]
                receipts = await asyncio.gather(*joins)
            assert {e.agent for e in await store.read_stream("member-1")} == {"clerk"}
            return sorted(receipt.stream_version for receipt in receipts)

    assert asyncio.run(run()) == [1, 2, 3, 4, 5]


def test_a_tenant_claims_for_itself_only(
    store: EventStore, database_url: str, appender: Connection
) -> None:
    store.execute(NameMember(member="1", name="Ann"))
    with EventStore.open(database_url, tenant="other", registry=CLUBS) as other:
        other.execute(NameMember(member="1", name="Ann"))
    with store.database.reading() as auditor:
        assert auditor.execute("SELECT value FROM claims").fetchall() == [("ann",)]
    for statement in ("DELETE FROM eventstore.claims", "SELECT * FROM eventstore.claims"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            appender.execute(statement)
