"""Hooks: what they are told, and that they are told it, at least once and in order."""

from __future__ import annotations

import threading
from urllib.request import urlopen

import psycopg
import pytest

from eventstore import EventStore, RecordedEvent
from eventstore.connection.database import connect
from eventstore.errors import StoreUnavailable
from projections.apply.by_hand import discard
from projections.errors import HookFailed, HookRefused, UnknownHook
from projections.hooks import Changes, Hook
from projections.hooks.place import forget
from projections.live.daemon import run_daemon
from projections.monitor.web import Web
from projections.projection import Rows, on
from projections.session import Connection
from projections.work import Work
from tests.integration.projections.hooking import Gate, Remembering
from tests.integration.projections.running import catch_up, checkpoint, number, running, until
from tests.integration.projections.things import (
    AmountAdded,
    Forbidden,
    Noise,
    Part,
    PartAdded,
    PartRemoved,
    Thing,
    ThingMade,
    Things,
)


def made(n: int) -> ThingMade:
    return ThingMade(thing_id=number(n), name=f"thing {n}")


def rows_of(conn: Connection, hook: str = "remembering") -> list[tuple[int, int, int]]:
    """(position, told, attempts) of a hook."""
    return conn.execute(
        "SELECT position, told, attempts FROM hooks WHERE hook = %s", [hook]
    ).fetchall()


def is_told(conn: Connection, position: int) -> bool:
    """What `wait_for` asks."""
    found = conn.execute("SELECT hooks_told('things', %s)", [position]).fetchone()
    assert found is not None
    return bool(found[0])


def test_a_call_that_hangs_is_seen(
    store: EventStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For how long, in the metrics; the process is as healthy as before."""
    webs: list[Web] = []
    enter = Web.__enter__

    def entered(web: Web) -> Web:
        webs.append(web)
        return enter(web)

    def page(name: str) -> tuple[int, str]:
        with urlopen(f"http://{webs[0].address}/{name}", timeout=20) as answer:
            return answer.status, answer.read().decode()

    def call_seconds() -> float:
        (line,) = [each for each in page("metrics")[1].splitlines() if each.startswith(metric)]
        return float(line.split()[-1])

    metric = 'eventstore_hook_call_seconds{hook="remembering",projection="things",shard="0"}'
    monkeypatch.setattr(Web, "__enter__", entered)
    gate = Gate()
    hooks = [Remembering(when_told=gate)]
    with running(url, Things(), hooks=hooks, http="127.0.0.1:0"):
        until(lambda: webs and metric in page("metrics")[1], "it follows")
        assert call_seconds() == 0
        store.append("thing-1", [ThingMade(thing_id=number(1), name="one")])
        assert gate.reached.wait(20)
        first = until(call_seconds, "it is in a call")
        until(lambda: call_seconds() > first, "and still is")
        assert (page("healthz")[0], page("readyz")[0]) == (200, 200)
        gate.opened.set()
        until(lambda: call_seconds() == 0, "it has returned")


def test_it_is_told_events_and_rows(store: EventStore, url: str) -> None:
    hook, a, b = Remembering(), number(1), number(2)
    with running(url, Things(), hooks=[hook]):
        store.append("thing-a", [made(1), PartAdded(thing_id=a, part_no=1, label="p")])
        last = store.append("thing-b", [made(2)]).positions[-1]
        until(lambda: last in hook.told(), "the first events")
        seen = len(hook.calls)
        store.append("noise-1", [Noise()])
        removed = store.append("thing-a", [PartRemoved(thing_id=a, part_no=1)]).positions[0]
        until(lambda: removed in hook.told(), "the last event")
    assert hook.told() == [1, 2, 3, 5]
    (changes,) = hook.calls[seen:]
    assert (changes.projection, changes.shard, changes.late) == ("things", 0, False)
    assert changes.after < removed <= changes.until
    assert [type(recorded.event) for recorded in changes.events] == [PartRemoved]
    # The part is gone, its thing has changed, and the other thing is not spoken of.
    (row,) = changes.rows[Thing].values()
    assert isinstance(row, Thing)
    assert (row.id, row.part_count, row.position) == (a, 0, removed)
    assert changes.rows[Part] == {("default", a, 1): None}
    assert ("default", b) in hook.calls[seen - 1].rows[Thing]


def test_a_row_that_is_named_and_not_touched_is_not_among_the_changed(
    store: EventStore, url: str
) -> None:
    class Quiet(Things, name="things", tables=Things.tables):
        @on(AmountAdded)
        def amount_added(self, event: AmountAdded, recorded: RecordedEvent, rows: Rows) -> None:
            rows.see(Thing)

    hook = Remembering()
    store.append("thing-1", [made(1)])
    assert catch_up(url, Quiet(), hooks=[hook]) == {}
    store.append("thing-1", [AmountAdded(thing_id=number(1), amount=1)])
    assert catch_up(url, Quiet(), hooks=[hook]) == {}
    assert hook.told() == [1, 2]
    assert [list(changes.rows[Thing]) for changes in hook.calls] == [[("default", number(1))], []]


def test_nothing_escapes_a_hook_that_could_not_begin(
    store: EventStore, url: str, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its place is there before the first event is applied, whatever becomes of its thread."""

    def away(*words: object, **more: object) -> Connection:
        raise StoreUnavailable("not for hooks")

    with monkeypatch.context() as broken:
        broken.setattr("projections.hooks.runner.open_session", away)
        with running(url, Things(), hooks=[Remembering()]):
            store.append("thing-1", [made(1)])
            until(lambda: (checkpoint(conn, "things") or {}).get("position") == 1, "the projection")
    hook = Remembering()
    assert catch_up(url, Things(), hooks=[hook]) == {}
    assert hook.told() == [1]


def test_one_seen_first_hears_of_what_comes(store: EventStore, url: str, conn: Connection) -> None:
    store.append("thing-1", [made(1)])
    catch_up(url, Things())
    store.append("thing-2", [made(2)])
    late, early = Remembering("late"), Remembering("early", from_start=True)
    assert catch_up(url, Things(), hooks=[late, early]) == {}
    assert late.told() == [2]
    assert early.told() == [1, 2]
    assert rows_of(conn, "late") == [(2, 1, 0)]
    assert rows_of(conn, "early") == [(2, 2, 0)]
    # From then on both are known, and go on from where they were.
    store.append("thing-3", [made(3)])
    catch_up(url, Things())
    assert catch_up(url, Things(), hooks=[late, early]) == {}
    assert (late.told(), early.told()) == ([2, 3], [1, 2, 3])


def test_a_long_log_is_told_in_steps(
    store: EventStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.hooks.stretch.PAGE", 4)
    for n in range(1, 11):
        store.append(f"thing-{n}", [made(n), Noise()])
    hook = Remembering(from_start=True)
    assert catch_up(url, Things(), hooks=[hook]) == {}
    assert hook.told() == list(range(1, 20, 2))
    assert [len(changes.events) for changes in hook.calls] == [4, 4, 2]
    assert hook.calls[0].until == hook.calls[1].after == 7


def test_one_that_fails_is_told_again_and_the_others_go_on(
    store: EventStore, url: str, conn: Connection
) -> None:
    cured = threading.Event()

    def refuse(changes: Changes) -> None:
        if not cured.is_set():
            raise RuntimeError("the cache is away")

    failing, fine = Remembering("failing", when_told=refuse), Remembering("fine")
    with running(url, Things(), hooks=[failing, fine]):
        for n in range(1, 4):
            store.append(f"thing-{n}", [made(n)])
            until(lambda n=n: n in fine.told(), "the other hook")  # type: ignore[misc]
        until(lambda: rows_of(conn, "failing")[0][2] > 1, "it is tried again")
        position, told, _ = rows_of(conn, "failing")[0]
        assert (position, told) == (0, 0)
        said = conn.execute(
            "SELECT last_error, retry_at > updated_at FROM hooks WHERE hook = 'failing'"
        ).fetchone()
        assert said is not None
        assert said[0]["error"] == "RuntimeError: the cache is away"
        assert "refuse" in said[0]["traceback"]
        assert said[1]
        assert not is_told(conn, 1)
        assert conn.execute("SELECT count(*) FROM things").fetchone() == (3,)
        cured.set()
        until(lambda: failing.told() == [1, 2, 3], "all of them, once it can")
        until(lambda: rows_of(conn, "failing") == [(3, 3, 0)], "the error is gone")
        assert is_told(conn, 3)
    assert fine.times() == {1: 1, 2: 1, 3: 1}


def test_one_that_ends_its_thread_is_a_failure_too(
    store: EventStore, url: str, conn: Connection
) -> None:
    def leave(changes: Changes) -> None:
        raise SystemExit("enough")

    store.append("thing-1", [made(1)])
    failures = catch_up(url, Things(), hooks=[Remembering(when_told=leave)])
    (error,) = failures.values()
    assert list(failures) == ["things/0 hook remembering"]
    assert isinstance(error, HookFailed)
    assert (error.hook, error.projection, error.position) == ("remembering", "things", 0)
    assert error.reason == "SystemExit: enough"
    assert rows_of(conn)[0][:2] == (0, 0)
    # The projection is as it would be without it.
    there = checkpoint(conn, "things")
    assert there is not None
    assert (there["position"], there["state"]) == (1, "stopped")


def test_a_slow_one_does_not_slow_the_projection(
    store: EventStore, url: str, conn: Connection
) -> None:
    gate = Gate()
    slow, quick = Remembering("slow", when_told=gate), Remembering("quick")
    with running(url, Things(), hooks=[slow, quick]):
        store.append("thing-1", [made(1)])
        assert gate.reached.wait(20)
        for n in range(2, 30):
            store.append(f"thing-{n}", [made(n)])
        until(lambda: (checkpoint(conn, "things") or {}).get("position") == 29, "the projection")
        until(lambda: quick.told() == list(range(1, 30)), "the other hook")
        assert slow.calls == []
        assert not is_told(conn, 1)
        gate.opened.set()
        until(lambda: slow.told() == list(range(1, 30)), "the slow hook")
        # While it was busy the rest has gathered, and is one call.
        assert len(slow.calls) == 2


def test_a_call_that_does_not_end_does_not_keep_the_lease(
    store: EventStore, url: str, conn: Connection
) -> None:
    """The next holder tells it again; what the first one is still busy with counts no more."""
    gate, second = Gate(), Remembering()
    with running(url, Things(), hooks=[Remembering(when_told=gate)], lease_seconds=0.5) as daemon:
        store.append("thing-1", [made(1)])
        assert gate.reached.wait(20)
        daemon.stop.set()
        until(lambda: (checkpoint(conn, "things") or {})["holder"] is None, "it let go")
        assert catch_up(url, Things(), hooks=[second]) == {}
        assert second.told() == [1]
        token = conn.execute("SELECT fencing_token FROM hooks").fetchall()
        store.append("thing-2", [made(2)])
        gate.opened.set()
    assert conn.execute("SELECT fencing_token FROM hooks").fetchall() == token
    assert rows_of(conn) == [(1, 1, 0)]
    catch_up(url, Things(), hooks=[second])
    assert second.told() == [1, 2]


def test_what_was_applied_late_before_its_turn_is_told_once(
    store: EventStore, url: str, conn: Connection
) -> None:
    store.append("thing-1", [made(1)])
    catch_up(url, Things(), hooks=[Remembering()])
    store.append("thing-2", [made(2)])
    catch_up(url, Things())
    conn.execute("INSERT INTO hook_backlog VALUES ('things', 'remembering', 2)")
    hook = Remembering()
    assert catch_up(url, Things(), hooks=[hook]) == {}
    assert hook.told() == [2]
    assert conn.execute("SELECT FROM hook_backlog").fetchall() == []


def test_a_discarded_event_that_cannot_be_read_is_passed_over(
    store: EventStore, url: str, admin_url: str
) -> None:
    """It was never applied, so there is nothing to tell."""
    store.append("thing-1", [made(1)])
    catch_up(url, Things(), hooks=[Remembering()])
    store.append("thing-2", [made(2)])
    store.append("thing-3", [made(3)])
    catch_up(url, Things())
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("ALTER TABLE eventstore.events DISABLE TRIGGER USER")
        found = admin.execute(
            "SELECT tableoid::regclass::text FROM eventstore.events WHERE position = 2"
        ).fetchone()
        assert found is not None
        admin.execute(f"ALTER TABLE {found[0]} DISABLE TRIGGER USER".encode())
        admin.execute(
            "UPDATE eventstore.events SET schema_version = 1, data = '{\"thing_id\": 7}' "
            "WHERE position = 2"
        )
    hook = Remembering()
    assert catch_up(url, Things(), hooks=[hook]) == {}
    assert hook.told() == [3]


def test_it_comes_back_after_its_connections_were_cut(
    store: EventStore, url: str, conn: Connection, admin_url: str
) -> None:
    hook = Remembering()
    with running(url, Things(), hooks=[hook]), psycopg.connect(admin_url, autocommit=True) as admin:
        for n in range(1, 6):
            store.append(f"thing-{n}", [made(n)])
            until(lambda n=n: n in hook.told(), "the hook")  # type: ignore[misc]
            cut = admin.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE application_name ~ '^eventstore (things|hook)'"
            ).fetchone()
            assert cut is not None
            assert cut[0] > 0
        store.append("thing-9", [made(9)])
        until(lambda: 6 in hook.told(), "the hook after the last cut")
    assert set(hook.told()) == set(range(1, 7))


def test_of_two_holders_one_moves_it(store: EventStore, url: str, conn: Connection) -> None:
    """The first one's lease is taken over in the middle of its call."""
    gate, second = Gate(), Remembering()
    first = Remembering(when_told=gate)
    # With something else to do, the first leaves to the second what is free.
    with running(url, Things(), Work(), hooks=[first], lease_seconds=60):
        until(lambda: (checkpoint(conn, "work") or {}).get("holder"), "it holds the other")
        store.append("thing-1", [made(1)])
        assert gate.reached.wait(20)
        conn.execute(
            "UPDATE checkpoints SET holder = NULL, state = 'stopped' WHERE projection = 'things'"
        )
        with running(url, Things(), hooks=[second]):
            until(lambda: second.told() == [1], "the next holder tells it again")
            until(lambda: rows_of(conn) == [(1, 1, 0)], "and moves it")
            gate.opened.set()
            until(lambda: first.calls, "the first call ends")
            store.append("thing-2", [made(2)])
            until(lambda: second.told() == [1, 2], "the next event")
            until(lambda: rows_of(conn) == [(2, 2, 0)], "it goes on")
    assert first.told() == [1]


def test_other_projections_have_nothing_to_do_with_it(
    store: EventStore, url: str, conn: Connection
) -> None:
    hook = Remembering()
    with running(url, Things(), hooks=[hook]):
        store.append("noise-1", [Noise()])
        moved = [(store.watermark(), 0, 0)]
        until(lambda: rows_of(conn) == moved, "it moves on without a call")
    assert hook.calls == []


@pytest.mark.parametrize("roles", ["projector", "auditor"])
def test_who_may_ask_whether_all_were_told(url: str, roles: str) -> None:
    with connect(url, role=roles) as asking:  # type: ignore[arg-type]
        assert asking.execute("SELECT projections.hooks_told('things', 1)").fetchone() == (True,)


def test_one_that_is_gone_can_be_forgotten(store: EventStore, url: str, conn: Connection) -> None:
    store.append("thing-1", [made(1)])
    catch_up(url, Things(), hooks=[Remembering()])
    store.append("thing-2", [made(2)])
    catch_up(url, Things())
    assert not is_told(conn, 2)
    forget(conn, "things", "remembering")
    assert is_told(conn, 2)
    with pytest.raises(UnknownHook):
        forget(conn, "things", "remembering")


class Nameless(Hook):
    projection = "things"

    def after_commit(self, changes: Changes) -> None:
        raise NotImplementedError


class Elsewhere(Nameless):
    name, projection = "elsewhere", "nothing"


class Loud(Nameless):
    name = "LOUD"


@pytest.mark.parametrize(
    ("hooks", "reason"),
    [
        ([Nameless()], "no name"),
        ([Loud()], "no name"),
        ([Elsewhere()], "no projection 'nothing'"),
        ([Remembering(), Remembering()], "called remembering too"),
    ],
)
def test_what_cannot_be_run_is_refused_at_once(url: str, hooks: list[Hook], reason: str) -> None:
    with pytest.raises(HookRefused, match=reason):
        run_daemon(url, [Things()], threading.Event(), hooks=hooks)


def test_what_could_not_be_applied_is_told_when_it_can(store: EventStore, url: str) -> None:
    hook = Remembering()
    store.append("thing-1", [made(1), made(2), Forbidden(thing_id=number(1)), made(3)])
    catch_up(url, Things(), hooks=[hook])
    assert 3 not in hook.told()

    class Cured(Things, name="things", tables=Things.tables):
        @on(Forbidden)
        def forbidden(self, event: Forbidden, recorded: RecordedEvent, rows: Rows) -> None:
            pass

    assert catch_up(url, Cured(), hooks=[hook]) == {}
    assert set(hook.told()) == {1, 2, 3, 4}


def test_a_retry_tells_and_a_discard_does_not(
    store: EventStore, url: str, conn: Connection
) -> None:
    """With the engine that holds events: three fail, one is cured and one is left out."""
    hook = Remembering()
    store.append("thing-1", [made(1), Forbidden(thing_id=number(1))])
    store.append(
        "thing-2",
        [made(2), Forbidden(thing_id=number(2)), AmountAdded(thing_id=number(2), amount=1)],
    )
    catch_up(url, Things(), hooks=[hook])
    assert hook.told() == [1, 3]
    discard(url, Things(), 4, "nobody needs it", agent="test")
    catch_up(url, Things(), hooks=[hook])
    assert sorted(hook.told()) == [1, 3, 5]

    class Cured(Things, name="things", tables=Things.tables):
        @on(Forbidden)
        def forbidden(self, event: Forbidden, recorded: RecordedEvent, rows: Rows) -> None:
            pass

    assert catch_up(url, Cured(), hooks=[hook]) == {}
    assert sorted(hook.told()) == [1, 2, 3, 5]
    late = [changes for changes in hook.calls if changes.late]
    assert [[r.position for r in changes.events] for changes in late] == [[5], [2]]
    fresh = Remembering("fresh", from_start=True)
    catch_up(url, Cured(), hooks=[fresh])
    assert fresh.told() == [1, 2, 3, 5]
