"""A projector that is killed while it holds events, or tries them again.

Each time the same log is applied from the start, and the projector dies before another of its
statements. What it leaves behind is compared with a replay at once, and again when its successor
is done.
"""

from __future__ import annotations

import signal

from eventstore import EventStore
from eventstore.connection.database import connect
from projections.audit.replay import state_as_of
from projections.audit.verify import verify
from projections.checkpoint import position_of
from projections.session import Connection, open_session
from tests.integration.projections.killing import projector
from tests.integration.projections.running import catch_up, number, plain, stored, until
from tests.integration.projections.things import (
    AmountAdded,
    Cured,
    Forbidden,
    Overdrawn,
    PartAdded,
    ThingMade,
    Things,
)


def tell_of_poison(url: str) -> None:
    """Three things: of one the rules refuse an event, of another the table, of the third none."""
    with EventStore.open(url) as store:
        for n in (1, 2, 3):
            store.append(f"thing-{n}", [ThingMade(thing_id=number(n), name=f"{n}")])
        store.append("thing-1", [Forbidden(thing_id=number(1))])
        store.append("thing-2", [Overdrawn(thing_id=number(2))])
        for n in (1, 2, 3, 1):
            store.append(f"thing-{n}", [AmountAdded(thing_id=number(n), amount=n)])
        store.append("thing-1", [PartAdded(thing_id=number(1), part_no=1, label="p")])


def killed_while_it_holds(url: str, statement: int) -> bool:
    """Whether it had that many statements to send."""
    forget(url)
    killed = _killed(url, statement, "Things")
    _assert_in_step(url)
    _finish(url, Things(), held=6)
    return killed


def killed_while_it_retries(url: str, statement: int) -> bool:
    """Whether it had that many statements to send."""
    forget(url)
    _finish(url, Things(), held=6)
    killed = _killed(url, statement, "Cured")
    _assert_in_step(url)
    _finish(url, Cured(), held=0)
    return killed


def forget(url: str) -> None:
    """As if no projector had ever run."""
    with connect(url, role="owner") as owner, owner.transaction():
        owner.execute("TRUNCATE projections.things, projections.parts")
        owner.execute("DELETE FROM projections.failures")
        owner.execute("DELETE FROM projections.checkpoints")


def _killed(url: str, statement: int, rules: str) -> bool:
    with projector(url, die_before=statement, rules=rules, once=True) as process:
        code = process.wait(60)
    assert code in {0, -signal.SIGKILL}
    return code != 0


def _assert_in_step(url: str) -> None:
    """Rows, checkpoint and what is held tell of the same moment."""
    with open_session(url, part="test") as conn:
        # What was held by the one code is applied, all at once, by the other.
        rules = Things() if held(conn) else Cured()
        said = state_as_of(conn, rules, position_of(conn, rules))
        assert stored(conn, rules) == plain(said)


def _finish(url: str, rules: Things, *, held: int) -> None:
    with open_session(url, part="test") as conn:
        # Whoever finds that all is applied already does not wait for the dead one's lease.
        until(lambda: catch_up(url, rules) == {} and _count(conn) == held, f"{held} are held")
        assert len(stored(conn, rules)["things"]) == 3
    assert verify(url, rules).wrong == 0


def held(conn: Connection) -> bool:
    """Whether anything is held."""
    return _count(conn) > 0


def _count(conn: Connection) -> int:
    found = conn.execute("SELECT count(*) FROM projections.failures").fetchone()
    assert found is not None
    return int(found[0])
