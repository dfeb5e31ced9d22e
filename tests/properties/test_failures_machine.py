"""Poison, retries, discards, rebuilds, new code and restarts: the tables equal a replay."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Literal

import hypothesis.strategies as st
import psycopg
import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from eventstore import Event, EventStore
from eventstore.connection.database import connect
from eventstore.connection.session import Session
from eventstore.embedded import EmbeddedServer
from projections.apply.by_hand import discard, retry_now
from projections.apply.failures import failures
from projections.audit.verify import verify
from projections.builds.old_build import switch_back
from projections.builds.rebuild import rebuild
from projections.errors import NoOldBuild
from projections.session import open_session
from tests.integration.projections.running import catch_up, number
from tests.integration.projections.things import (
    DDL,
    ELSEWHERE,
    LEGIBLE,
    AmountAdded,
    Cured,
    Forbidden,
    OddlyNoted,
    Overdrawn,
    PartAdded,
    ThingMade,
    ThingRenamed,
    ThingRetired,
    Things,
)

things = st.integers(1, 4).map(number)
names = st.sampled_from(["a", "b", "c"])
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(ThingMade, thing_id=things, name=names),
    st.builds(ThingRenamed, thing_id=things, name=names),
    st.builds(ThingRetired, thing_id=things),
    st.builds(AmountAdded, thing_id=things, amount=st.just(1.0)),
    st.builds(AmountAdded, thing_id=things, amount=st.just(1.0)),
    st.builds(PartAdded, thing_id=things, part_no=st.integers(1, 2), label=st.just("p")),
    st.builds(Forbidden, thing_id=things),
    st.builds(Overdrawn, thing_id=things),
    st.builds(OddlyNoted, ref=things),
    st.builds(OddlyNoted, ref=things),
)
STORIES = st.lists(EVENTS, min_size=1, max_size=12)


TAKE_OVER = """
UPDATE projections.checkpoints AS c
   SET fencing_token = fencing_token + 1, holder = NULL, state = 'stopped'
  FROM (SELECT ctid FROM projections.checkpoints
         WHERE projection = 'things' AND build = 'live' FOR UPDATE SKIP LOCKED) AS free
 WHERE c.ctid = free.ctid
"""
"""As another holder does that has gone again. Like that one, it passes a row by that is locked."""


@contextmanager
def accident(
    admin_url: str, statement: int, kind: Literal["backend lost", "lease lost"]
) -> Iterator[None]:
    """Befalls the projector before that statement of its own, if it comes so far."""
    statements, execute = count(1), Session.execute

    def counted(self: Session, *arguments: Any, **options: Any) -> Any:
        if threading.current_thread().name == "things/0" and next(statements) == statement:
            with psycopg.connect(admin_url, autocommit=True) as admin:
                if kind == "backend lost":
                    pid = self.info.backend_pid
                    admin.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
                else:
                    admin.execute(TAKE_OVER)
        return execute(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "execute", counted)
        yield


class Machine(RuleBasedStateMachine):
    """A log that things go wrong in, and an operator who does this and that about it."""

    def __init__(self, url: str, admin_url: str) -> None:
        super().__init__()
        self.url, self.admin_url = url, admin_url
        LEGIBLE.clear()
        with connect(url, role="owner") as conn, conn.transaction():
            conn.execute(DDL)
        self.code: Things = Things()
        self.store = EventStore.open(url)
        self.odd = EventStore.open(url, registry=ELSEWHERE)
        self.conn = open_session(url, part="test")
        self.append([ThingMade(thing_id=number(n), name=str(n)) for n in (1, 2, 3)], False)

    def teardown(self) -> None:
        if type(self.code) is Things:
            self.deploy()
        self.run(2_000)
        self.build_anew()
        LEGIBLE.clear()
        for each in (self.store, self.odd, self.conn):
            each.close()

    @rule(said=STORIES, astray=st.booleans(), batch=st.sampled_from([1, 3, 2_000]))
    def tell(self, said: list[Event], astray: bool, batch: int) -> None:
        """Something happens, and is applied at once."""
        self.append(said, astray)
        self.run(batch)

    @rule(
        said=STORIES,
        batch=st.sampled_from([1, 3, 2_000]),
        statement=st.integers(1, 40),
        kind=st.sampled_from(["backend lost", "lease lost"]),
    )
    def tell_a_projector_that_has_an_accident(
        self,
        said: list[Event],
        batch: int,
        statement: int,
        kind: Literal["backend lost", "lease lost"],
    ) -> None:
        """In the middle of a batch, or while it tries again what is held."""
        self.append(said, astray=False)
        with accident(self.admin_url, statement, kind):
            self.run(batch)

    @rule(said=STORIES)
    def tell_more(self, said: list[Event]) -> None:
        """Something happens while no projector runs."""
        self.append(said, astray=False)

    def append(self, said: list[Event], astray: bool) -> None:
        """Each in the stream of its thing, and notes apart, or all in one."""
        for event in said:
            if isinstance(event, OddlyNoted):
                self.odd.append("astray-1" if astray else f"note-{event.ref}", [event])
            else:
                thing = event.thing_id  # type: ignore[attr-defined]
                self.store.append("astray-1" if astray else f"thing-{thing}", [event])

    def run(self, batch: int) -> None:
        assert catch_up(self.url, self.code, batch=batch) == {}
        self.check()

    @precondition(lambda self: type(self.code) is Things)
    @rule()
    def deploy(self) -> None:
        """New code: two rules are mended, and what was odd can be read."""
        self.run(2_000)
        LEGIBLE.set()
        self.code = Cured()
        self.run(2_000)

    @rule()
    def retry(self) -> None:
        retry_now(self.url, self.code)
        self.check()

    @rule(which=st.integers(0, 20))
    def discard(self, which: int) -> None:
        failed = failures(self.conn, [self.code])
        if failed:
            chosen = failed[which % len(failed)]
            note(f"discard {chosen.position}: {chosen.error}")
            tried = discard(self.url, self.code, chosen.position, "why not", agent="operator")
            assert tried.error is None
            self.check()

    @rule()
    def build_anew(self) -> None:
        self.run(2_000)
        rebuild(self.url, self.code)
        assert not self.missed_turns()
        self.check()

    @rule()
    def go_back(self) -> None:
        """The tables that the last rebuild, or the last way back, has replaced."""
        try:
            switch_back(self.url, self.code)
        except NoOldBuild:
            return
        self.check()

    def missed_turns(self) -> bool:
        return any("projections rebuild" in each.error for each in failures(self.conn, [self.code]))

    def check(self) -> None:
        """What has missed its turn is said to differ from a replay; nothing else may."""
        if not self.missed_turns():
            found = verify(self.url, self.code)
            assert found.wrong == 0, found.differences


def run_machine(
    server: EmbeddedServer, make_database: Callable[[], str], examples: int, steps: int
) -> None:
    def machine() -> Machine:
        name = make_database()
        return Machine(server.url(name), server.admin_url(name))

    run_state_machine_as_test(
        machine,  # type: ignore[arg-type]
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(900)
def test_the_tables_equal_a_replay(
    server: EmbeddedServer, make_database: Callable[[], str]
) -> None:
    run_machine(server, make_database, 2, 15)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_the_tables_equal_a_replay_at_length(
    server: EmbeddedServer, make_database: Callable[[], str]
) -> None:
    run_machine(server, make_database, 5, 30)
