"""Events that can't be applied: what is held, what goes on, and what comes of it in the end."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event as Signal
from typing import Any

import psycopg
import pytest

from eventstore import EventStore, RecordedEvent
from eventstore.connection.database import connect
from projections.apply.by_hand import discard, retry_now
from projections.apply.failures import failures, held_event
from projections.audit.replay import row_as_of
from projections.audit.verify import verify
from projections.builds.rebuild import rebuild
from projections.errors import NotHeld, NotTried, ProjectionPaused, WaitsForAnother
from projections.projection import Rows, on
from projections.session import Connection
from tests.integration.projections.running import (
    Running,
    catch_up,
    checkpoint,
    number,
    replayed,
    running,
    stored,
    until,
)
from tests.integration.projections.sharded import Sharded, divide
from tests.integration.projections.things import (
    ELSEWHERE,
    LEGIBLE,
    AmountAdded,
    Cured,
    Forbidden,
    OddlyNoted,
    Overdrawn,
    PartAdded,
    Thing,
    ThingMade,
    ThingRenamed,
    ThingRetired,
    Things,
)


def made(n: int, name: str | None = None) -> ThingMade:
    return ThingMade(thing_id=number(n), name=name or f"thing {n}")


def added(n: int, amount: float = 1) -> AmountAdded:
    return AmountAdded(thing_id=number(n), amount=amount)


def say(store: EventStore, *events: Any) -> list[int]:
    """Each in the stream of its own thing; the positions."""
    return [store.append(f"thing-{each.thing_id}", [each]).position for each in events]


def held(conn: Connection, name: str = "things") -> dict[int, int | None]:
    """What is held of the live tables, and for what it waits."""
    query = (
        "SELECT position, behind FROM projections.failures "
        "WHERE projection = %s AND build = 'live' ORDER BY position"
    )
    return dict(conn.execute(query, [name]).fetchall())


def assert_live_is_replay(url: str, conn: Connection, projection: Things) -> None:
    assert stored(conn, projection) == replayed(conn, projection)
    assert verify(url, projection).wrong == 0


def position_of(conn: Connection) -> int:
    return int((checkpoint(conn, "things") or {}).get("position", 0))


# What is held -----------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 3, 2_000])
def test_others_go_on(store: EventStore, url: str, conn: Connection, batch: int) -> None:
    """Poison in the middle of many things: one thing stands still, all others go on."""
    say(store, *(made(n) for n in range(1, 30)))
    bad = Forbidden(thing_id=number(7))
    (poison,) = say(store, bad)
    (follower,) = say(store, added(7, 5))
    say(store, *(added(n) for n in range(1, 30) if n != 7))
    (second,) = say(store, PartAdded(thing_id=number(7), part_no=1, label="p"))
    assert catch_up(url, Things(), batch=batch) == {}
    assert held(conn) == {poison: None, follower: poison, second: poison}
    amounts = conn.execute("SELECT DISTINCT amount FROM things WHERE id <> %s", [number(7)])
    assert amounts.fetchall() == [(1,)]
    there = checkpoint(conn, "things")
    assert there is not None
    assert (there["state"], there["position"]) == ("stopped", store.watermark())
    assert there["applied"] == 29 + 28
    found = held_event(conn, Things(), poison)
    assert (found.event_id, found.origin, found.attempts) == (bad.event_id, "rules", 1)
    assert "this rule refuses every event" in (found.error or "")
    assert "in forbidden" in (found.traceback or "")
    assert found.retry_at is None
    assert found.keys == [["things", "default", str(number(7))]]
    assert [each.position for each in found.waiting] == [follower, second]
    assert_live_is_replay(url, conn, Things())


def test_nothing_held_costs_no_statement(
    store: EventStore, url: str, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the lease's beginning looks for what is held."""
    said: list[str] = []
    execute = type(conn).execute

    def listened(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        said.append(str(query))
        return execute(self, query, *args, **kwargs)

    say(store, *(made(n) for n in range(1, 11)))
    with monkeypatch.context() as patch:
        patch.setattr(type(conn), "execute", listened)
        assert catch_up(url, Things(), batch=2) == {}
    assert sum("projections.failures" in each for each in said) == 1
    assert sum("stream_id" in each and "RECURSIVE" in each for each in said) == 1


def test_what_the_table_refuses_is_found_among_many(
    store: EventStore, url: str, conn: Connection
) -> None:
    say(store, *(made(n) for n in range(1, 20)))
    (refused,) = say(store, Overdrawn(thing_id=number(7)))
    say(store, *(made(n) for n in range(20, 40)))
    (follower,) = say(store, added(7))
    assert catch_up(url, Things()) == {}
    assert held(conn) == {refused: None, follower: refused}
    (failure,) = failures(conn, [Things()])
    assert failure.origin == "database"
    assert "things_big_check" in failure.error
    assert failure.retry_at is not None
    assert failure.waiting == 1
    assert conn.execute("SELECT count(*) FROM things").fetchone() == (39,)
    assert_live_is_replay(url, conn, Things())


def test_a_value_that_has_no_form_in_the_database(
    store: EventStore, url: str, conn: Connection
) -> None:
    class Careless(Things, name="things", tables=Things.tables):
        @on(Forbidden)
        def forbidden(self, event: Forbidden, recorded: RecordedEvent, rows: Rows) -> None:
            rows.get(Thing).info = {"x": object()}

    say(store, made(1), made(2))
    (bad,) = say(store, Forbidden(thing_id=number(1)))
    say(store, added(2))
    assert catch_up(url, Careless()) == {}
    assert held(conn) == {bad: None}
    assert position_of(conn) == store.watermark()


@pytest.fixture
def illegible() -> Iterator[None]:
    LEGIBLE.clear()
    yield
    LEGIBLE.clear()


def note_oddly(url: str, n: int, stream: str = "notes-1") -> int:
    with EventStore.open(url, registry=ELSEWHERE) as odd:
        return odd.append(stream, [OddlyNoted(ref=number(n))]).position


@pytest.mark.usefixtures("illegible")
def test_a_payload_that_cannot_be_read_holds_its_stream(
    store: EventStore, url: str, conn: Connection
) -> None:
    say(store, made(1), made(2))
    odd = note_oddly(url, 1)
    behind = store.append("notes-1", [added(2)]).position
    say(store, added(2, 10))
    assert catch_up(url, Things()) == {}
    # The event before it in the stream names thing 2, and so the one after it waits, too.
    last = store.watermark()
    assert held(conn) == {odd: None, behind: odd, last: odd}
    assert held_event(conn, Things(), odd).origin == "payload"
    assert_live_is_replay(url, conn, Things())
    LEGIBLE.set()
    assert catch_up(url, Things()) == {}
    assert held(conn) == {}
    assert conn.execute("SELECT note FROM things WHERE id = %s", [number(1)]).fetchone() == (
        f"noted at {odd}",
    )
    assert_live_is_replay(url, conn, Things())


@pytest.mark.usefixtures("illegible")
def test_an_event_that_missed_its_turn_stays(store: EventStore, url: str, conn: Connection) -> None:
    """Read at last, it names a thing that did not wait for it: a rebuild alone can tell."""
    say(store, made(1), made(2))
    odd, fine = note_oddly(url, 1, "notes-1"), note_oddly(url, 2, "notes-2")
    say(store, added(1))
    catch_up(url, Things())
    LEGIBLE.set()
    catch_up(url, Things())
    assert held(conn) == {odd: None}
    assert "projections rebuild things" in (held_event(conn, Things(), odd).error or "")
    assert fine not in held(conn)
    before = stored(conn, Things())
    # Not by waiting, nor by trying again.
    assert [each.error is None for each in retry_now(url, Things())] == [False]
    assert stored(conn, Things()) == before
    rebuild(url, Things())
    assert held(conn) == {}
    assert_live_is_replay(url, conn, Things())
    notes = conn.execute("SELECT note FROM things ORDER BY id").fetchall()
    assert notes == [(f"noted at {odd}",), (f"noted at {fine}",)]


# Trying again -----------------------------------------------------------------------------------


def test_new_code_applies_what_is_held(store: EventStore, url: str, conn: Connection) -> None:
    say(store, made(1), made(2), added(1, 3), Forbidden(thing_id=number(1)), added(1, 4))
    say(store, Overdrawn(thing_id=number(2)), added(2, 1), Forbidden(thing_id=number(1)))
    assert catch_up(url, Things()) == {}
    assert len(held(conn)) == 5
    assert catch_up(url, Cured()) == {}
    assert held(conn) == {}
    assert_live_is_replay(url, conn, Cured())
    amounts = conn.execute("SELECT amount FROM things ORDER BY id").fetchall()
    assert amounts == [(-1,), (1,)]
    there = checkpoint(conn, "things")
    assert there is not None
    assert there["applied"] == 8


def test_more_than_one_chunk_is_applied_in_order(
    store: EventStore, url: str, conn: Connection
) -> None:
    say(store, made(1), Forbidden(thing_id=number(1)))
    for _ in range(6):
        store.append("thing-1", [added(1, 0.1) for _ in range(100)])
    catch_up(url, Things(), batch=50)
    assert len(held(conn)) == 601
    assert conn.execute("SELECT amount FROM things").fetchone() == (0,)
    assert catch_up(url, Cured()) == {}
    assert held(conn) == {}
    assert_live_is_replay(url, conn, Cured())


def test_the_same_code_fails_again(store: EventStore, url: str, conn: Connection) -> None:
    say(store, made(1), made(2), Forbidden(thing_id=number(1)), added(1))
    catch_up(url, Things())
    before = held(conn)
    say(store, added(2))
    catch_up(url, Things())
    assert held(conn) == before
    (failure,) = failures(conn, [Things()])
    assert failure.attempts == 2
    assert failure.held_at < failure.tried_at
    assert_live_is_replay(url, conn, Things())


def test_a_name_that_another_event_gives_up(store: EventStore, url: str, conn: Connection) -> None:
    """The constraint passes later: it is tried again by itself."""
    with running(url, Things()):
        _, second, _ = say(store, made(1, "a"), made(2, "a"), added(2, 7))
        until(lambda: second in held(conn), "it is held")
        assert_live_is_replay(url, conn, Things())
        until(lambda: failures(conn, [Things()])[0].attempts > 1, "it is tried again")
        say(store, ThingRetired(thing_id=number(1)))
        until(lambda: not held(conn), "it is applied")
        assert_live_is_replay(url, conn, Things())
    rows = conn.execute("SELECT name, amount, retired FROM things ORDER BY id").fetchall()
    assert rows == [("a", 0, True), ("a", 7, False)]


def test_a_held_event_that_gives_up_a_name_makes_way_at_once(
    store: EventStore, url: str, conn: Connection
) -> None:
    say(store, made(1, "a"), Forbidden(thing_id=number(1)))
    say(store, ThingRenamed(thing_id=number(1), name="b"), made(2, "a"))
    catch_up(url, Things())
    assert len(held(conn)) == 3
    conn.execute("UPDATE projections.failures SET retry_at = 'infinity' WHERE behind IS NULL")
    assert catch_up(url, Cured()) == {}
    assert held(conn) == {}
    assert_live_is_replay(url, conn, Cured())


class Moody(Things, name="things", tables=Things.tables):
    """Its rule refuses while it is in the mood."""

    calm = Signal()

    @on(Forbidden)
    def forbidden(self, event: Forbidden, recorded: RecordedEvent, rows: Rows) -> None:
        if not self.calm.is_set():
            raise ValueError("not now")
        rows.get(Thing).note = "calm"


def test_by_hand_while_a_daemon_runs(store: EventStore, url: str, conn: Connection) -> None:
    Moody.calm.clear()
    _, first, second, waiting = say(
        store, made(1), Forbidden(thing_id=number(1)), Forbidden(thing_id=number(2)), added(1)
    )
    with running(url, Moody()) as daemon:
        until(lambda: len(held(conn)) == 3, "they are held")
        token = (checkpoint(conn, "things") or {})["fencing_token"]
        (tried,) = retry_now(url, Moody(), [first])
        assert "not now" in (tried.error or "")
        with pytest.raises(WaitsForAnother):
            retry_now(url, Moody(), [waiting])
        with pytest.raises(NotHeld):
            retry_now(url, Moody(), [first, 10**6])
        Moody.calm.set()
        assert [each.error for each in retry_now(url, Moody(), [first])] == [None]
        # The other one names a thing that was never made.
        (tried,) = retry_now(url, Moody())
        assert "MissingRow" in (tried.error or "")
        assert held(conn) == {second: None}
        assert_live_is_replay(url, conn, Moody())
        # It was the daemon that did it.
        assert (checkpoint(conn, "things") or {})["fencing_token"] == token
    assert daemon.failures == {}


def test_by_hand_while_nobody_runs(store: EventStore, url: str, conn: Connection) -> None:
    say(store, made(1), Forbidden(thing_id=number(1)), added(1))
    catch_up(url, Things())
    assert [each.error is None for each in retry_now(url, Things())] == [False]
    assert [each.error for each in retry_now(url, Cured())] == [None]
    assert held(conn) == {}
    assert_live_is_replay(url, conn, Cured())
    assert retry_now(url, Cured()) == []
    there = checkpoint(conn, "things")
    assert there is not None
    assert (there["state"], there["holder"]) == ("stopped", None)


def test_a_holder_that_does_not_answer(store: EventStore, url: str, conn: Connection) -> None:
    _, poison = say(store, made(1), Forbidden(thing_id=number(1)))
    catch_up(url, Things())
    conn.execute(
        "UPDATE projections.checkpoints SET holder = 'deaf', state = 'running', "
        "heartbeat_at = clock_timestamp(), lease_seconds = 60"
    )
    with pytest.raises(NotTried, match="deaf") as caught:
        retry_now(url, Things(), seconds=0.3)
    assert caught.value.positions == [poison]


def test_by_hand_on_every_shard(store: EventStore, url: str, conn: Connection) -> None:
    """Some shards are held, by somebody who is away; all others are tried at once."""

    class CuredShards(Cured, name="things", tables=Things.tables, shard_by="thing_id"):
        pass

    say(store, *(made(n) for n in range(1, 9)))
    bad = say(store, *(Forbidden(thing_id=number(n)) for n in range(1, 9)))
    say(store, *(added(n) for n in range(1, 9)))
    assert catch_up(url, Sharded()) == {}
    divide(url, 3)
    shards: dict[int, int] = dict(
        conn.execute(
            "SELECT position, eventstore.shard_of(shard_key, 3) FROM projections.failures "
            "WHERE behind IS NULL"
        ).fetchall()
    )
    assert set(shards.values()) == {0, 1, 2}
    assert [each.error is None for each in retry_now(url, Sharded(), seconds=5)] == [False] * 8
    conn.execute(
        "UPDATE projections.checkpoints SET holder = 'deaf', state = 'running', "
        "heartbeat_at = clock_timestamp(), lease_seconds = 60 WHERE shard = 1"
    )
    with pytest.raises(NotTried, match="deaf") as caught:
        retry_now(url, CuredShards(), seconds=0.3)
    assert caught.value.positions == [each for each in bad if shards[each] == 1]
    assert {shards[each] for each in bad if each in held(conn)} == {1}
    conn.execute("UPDATE projections.checkpoints SET holder = NULL, state = 'stopped'")
    assert {each.error for each in retry_now(url, CuredShards(), seconds=5)} == {None}
    assert held(conn) == {}
    assert_live_is_replay(url, conn, CuredShards())


# Discarding -------------------------------------------------------------------------------------


@pytest.mark.parametrize("live", [True, False])
def test_a_discard(store: EventStore, url: str, conn: Connection, live: bool) -> None:
    say(store, made(1), made(2))
    bad = Forbidden(thing_id=number(1))
    (poison,) = say(store, bad)
    (follower,) = say(store, added(1, 2))
    # One that depends on what was discarded fails in its turn.
    say(store, added(2))
    with running(url, Things()) if live else running(url):
        if not live:
            catch_up(url, Things())
        until(lambda: held(conn) == {poison: None, follower: poison}, "they are held")
        with pytest.raises(WaitsForAnother):
            discard(url, Things(), follower, "because", agent="me")
        with pytest.raises(NotHeld):
            discard(url, Things(), 1, "because", agent="me")
        assert discard(url, Things(), poison, "sent by mistake", agent="me").error is None
        assert held(conn) == {}
        assert_live_is_replay(url, conn, Things())
    assert conn.execute("SELECT amount FROM things ORDER BY id").fetchall() == [(2,), (1,)]
    (fact,) = store.read_stream("projection_things-discards")
    assert (fact.agent, fact.causation_id) == ("me", bad.event_id)
    assert fact.payload == {
        "projection": "things",
        "position": poison,
        "discarded_id": str(bad.event_id),
        "discarded_type": "things.forbidden",
        "reason": "sent by mistake",
    }
    with pytest.raises(NotHeld):
        discard(url, Things(), poison, "once more", agent="me")
    # Every replay leaves it out, even of rules that could apply it.
    rebuild(url, Things())
    assert_live_is_replay(url, conn, Things())
    assert held(conn) == {}
    rebuild(url, Cured())
    assert conn.execute("SELECT amount FROM things ORDER BY id").fetchall() == [(2,), (1,)]
    assert_live_is_replay(url, conn, Cured())


def test_a_discard_that_was_broken_off_is_finished(
    store: EventStore, url: str, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has it, the tables not yet."""
    _, poison, _ = say(store, made(1), Forbidden(thing_id=number(1)), added(1))
    catch_up(url, Things())
    with monkeypatch.context() as patch:
        patch.setattr("projections.apply.by_hand._have_tried", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            discard(url, Things(), poison, "first", agent="me")
    assert poison in held(conn)
    assert_live_is_replay(url, conn, Things())
    discard(url, Things(), poison, "second", agent="you")
    assert held(conn) == {}
    assert_live_is_replay(url, conn, Things())
    facts = [each.payload["reason"] for each in store.read_stream("projection_things-discards")]
    assert facts == ["first"]


def test_a_tenant_discards_for_itself_only(store: EventStore, url: str, conn: Connection) -> None:
    """A fact in another tenant's log does not touch an event of ours; nor does rubbish."""
    _, poison = say(store, made(1), Forbidden(thing_id=number(1)))
    with EventStore.open(url, tenant="other") as others:
        theirs = say(others, made(1), Forbidden(thing_id=number(1)), added(1))
    catch_up(url, Things())
    discard(url, Things(), theirs[1], "ours to decide", agent="me")
    assert held(conn) == {poison: None}
    from projections.vocabulary import EventDiscarded

    with EventStore.open(url, tenant="other") as others:
        others.append(
            "projection_things-discards",
            [
                EventDiscarded(
                    projection="things",
                    position=poison,
                    discarded_id=number(1),
                    discarded_type="things.forbidden",
                    reason="not ours",
                ),
                added(1),
            ],
        )
    catch_up(url, Things())
    assert poison in held(conn)
    assert_live_is_replay(url, conn, Things())


# Too much ---------------------------------------------------------------------------------------


def test_it_pauses_and_goes_on(store: EventStore, url: str, conn: Connection) -> None:
    Moody.calm.clear()
    say(store, *(made(n) for n in range(1, 9)))
    bad = say(store, *(Forbidden(thing_id=number(n)) for n in range(1, 6)))
    say(store, *(added(n) for n in range(1, 9)))
    with running(url, Moody(), max_failures=2, lease_seconds=1.0) as daemon:

        def paused() -> bool:
            return (checkpoint(conn, "things") or {}).get("state") == "paused"

        until(paused, "it pauses")
        there = checkpoint(conn, "things")
        assert there is not None
        assert there["position"] == bad[2]  # the third was too much
        assert there["holder"] is not None
        assert "failures list things" in there["last_error"]["error"]
        assert list(held(conn)) == bad[:3]
        # The lease is kept, and nothing moves.
        beat = there["heartbeat_at"]
        until(lambda: (checkpoint(conn, "things") or {})["heartbeat_at"] > beat, "a heartbeat")
        assert position_of(conn) == bad[2]
        assert paused()
        # One less, and it goes on, to the next one that is too much.
        discard(url, Moody(), bad[0], "in the way", agent="me")
        until(lambda: bad[3] in held(conn) and paused(), "it pauses again")
        Moody.calm.set()
        retry_now(url, Moody())
        until(lambda: position_of(conn) == store.watermark(), "it has caught up")
        there = checkpoint(conn, "things")
        assert there is not None
        assert (there["state"], there["last_error"]) == ("running", None)
        assert held(conn) == {}
        assert_live_is_replay(url, conn, Moody())
    assert daemon.failures == {}


def test_a_pause_ends_over_a_new_connection(
    store: EventStore, url: str, conn: Connection, admin_url: str
) -> None:
    Moody.calm.clear()
    say(store, made(1), made(2), *(Forbidden(thing_id=number(n)) for n in (1, 2)), made(3))
    with running(url, Moody(), max_failures=1), psycopg.connect(admin_url) as admin:

        def state() -> str:
            return str((checkpoint(conn, "things") or {}).get("state"))

        until(lambda: state() == "paused", "it pauses")
        Moody.calm.set()
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name ~ '^eventstore things'"
        )
        until(lambda: position_of(conn) == store.watermark(), "it goes on")
        assert (state(), held(conn)) == ("running", {})


def test_who_has_to_catch_up_says_that_it_is_paused(
    store: EventStore, url: str, conn: Connection
) -> None:
    say(store, *(made(n) for n in range(1, 5)))
    say(store, *(Forbidden(thing_id=number(n)) for n in range(1, 4)), made(5))
    error = catch_up(url, Things(), max_failures=1)["things"]
    assert isinstance(error, ProjectionPaused)
    assert (error.failed, error.held) == (2, 2)
    there = checkpoint(conn, "things")
    assert there is not None
    assert there["holder"] is None
    assert "retry things --all" in there["last_error"]["error"]
    assert catch_up(url, Cured(), max_failures=1) == {}
    assert_live_is_replay(url, conn, Cured())


def test_who_has_to_catch_up_does_not_wait_for_one_that_is_paused_elsewhere(
    store: EventStore, url: str, conn: Connection
) -> None:
    say(store, *(made(n) for n in range(1, 5)))
    say(store, *(Forbidden(thing_id=number(n)) for n in range(1, 4)), added(1), made(5))
    with running(url, Things(), max_failures=1) as daemon:
        until(lambda: (checkpoint(conn, "things") or {}).get("state") == "paused", "it pauses")
        once = Running(url, (Things(),), {"until_caught_up": True})
        try:
            until(lambda: once.failures is not None, "it ends")
        finally:
            once.stop.set()
            once.thread.join()
        assert once.failures is not None
        error = once.failures["things"]
        assert isinstance(error, ProjectionPaused)
        assert (error.failed, error.held) == (2, 2)
        assert daemon.failures is None


# Causes that pass -------------------------------------------------------------------------------


def test_an_event_that_is_too_much_work_is_held(
    store: EventStore, url: str, conn: Connection
) -> None:
    """What the server says no to again and again, for want of memory, holds up nobody else."""
    with connect(url, role="owner") as owner:
        owner.execute(
            "CREATE FUNCTION projections.too_big() RETURNS trigger LANGUAGE plpgsql AS $$"
            "BEGIN RAISE EXCEPTION 'out of memory' USING ERRCODE = '53200'; END $$"
        )
        owner.execute(
            "CREATE TRIGGER too_big BEFORE INSERT ON projections.things FOR EACH ROW "
            "WHEN (new.name = 'huge') EXECUTE FUNCTION projections.too_big()"
        )
    say(store, *(made(n) for n in range(1, 20)))
    (huge,) = say(store, made(20, "huge"))
    (follower,) = say(store, added(20))
    say(store, *(made(n) for n in range(21, 40)))
    with running(url, Things()):
        until(lambda: position_of(conn) == store.watermark(), "the others went on")
        assert held(conn) == {huge: None, follower: huge}
        (failure,) = failures(conn, [Things()])
        assert failure.origin == "database"
        assert failure.retry_at is not None
        assert_live_is_replay(url, conn, Things())
        with connect(url, role="owner") as owner:
            owner.execute("DROP TRIGGER too_big ON projections.things")
        until(lambda: not held(conn), "it is tried again by itself")
    assert_live_is_replay(url, conn, Things())


def test_an_event_that_takes_too_long_is_held(
    store: EventStore, url: str, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be tried for ever, were it the end of its transaction that cut it off."""
    monkeypatch.setattr("projections.checkpoint._STATEMENT", 0.03)
    with connect(url, role="owner") as owner:
        owner.execute(
            "CREATE FUNCTION projections.too_long() RETURNS trigger LANGUAGE plpgsql AS $$"
            "BEGIN PERFORM pg_sleep(60); RETURN new; END $$"
        )
        owner.execute(
            "CREATE TRIGGER too_long BEFORE INSERT ON projections.things FOR EACH ROW "
            "WHEN (new.name = 'huge') EXECUTE FUNCTION projections.too_long()"
        )
    say(store, made(1))
    (huge,) = say(store, made(2, "huge"))
    say(store, made(3))
    with running(url, Things()):
        until(lambda: position_of(conn) == store.watermark(), "the others went on")
        assert held(conn) == {huge: None}
        until(lambda: failures(conn, [Things()])[0].attempts > 1, "it is tried again")
        say(store, made(4))
        until(lambda: position_of(conn) == store.watermark(), "and holds up nobody")
        with connect(url, role="owner") as owner:
            owner.execute("DROP TRIGGER too_long ON projections.things")
        until(lambda: not held(conn), "it is applied in the end")
    assert_live_is_replay(url, conn, Things())


# The past ---------------------------------------------------------------------------------------


def test_as_of_shows_what_is_held(store: EventStore, url: str, conn: Connection) -> None:
    _, poison, follower = say(store, made(1), Forbidden(thing_id=number(1)), added(1))
    then = row_as_of(
        conn, "things", (number(1),), follower, tenant="default", projections=(Things(),)
    )
    assert isinstance(then.row, Thing)
    assert then.row.amount == 0
    assert [(each.recorded.position, each.behind) for each in then.held] == [
        (poison, None),
        (follower, poison),
    ]
    assert len(then.events) == 1
