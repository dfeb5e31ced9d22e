"""A context whose tables are of a former version goes on with them until it is rebuilt."""

from __future__ import annotations

from itertools import islice

import pytest

from eventstore import EventStore
from eventstore.append import Append
from eventstore.schema import migrate
from eventstore.seed import tell
from projections.audit.verify import verify
from projections.builds.rebuild import rebuild
from projections.catalogue import projection, versions
from projections.packaging import PackagingV1
from projections.projection import Projection
from projections.session import Connection
from projections.tables import live_rules
from projections.work import WorkV1
from tests.integration.projections.running import catch_up, replayed, stored

BEFORE = "0010_decisions"
"""The migration before the one that makes the tables of today."""


def story(number: int) -> list[Append]:
    """Made-up data; that of one number has nothing to do with that of another."""
    return list(islice(tell(["packaging", "work"], number), 300))


def version_of(conn: Connection, name: str) -> set[int]:
    query = "SELECT projection_version FROM projections.live_tables WHERE projection = %s"
    return {version for (version,) in conn.execute(query, [name])}


@pytest.mark.parametrize("former", [PackagingV1(), WorkV1()], ids=lambda each: each.name)
def test_rows_stay_until_a_rebuild(
    url: str, store: EventStore, conn: Connection, former: Projection
) -> None:
    now = projection(former.name)
    store.append_many(story(1))
    rebuild(url, former)
    migrate.downgrade(url, BEFORE)
    migrate.upgrade(url)
    assert version_of(conn, former.name) == {1}
    store.append_many(story(2))
    assert catch_up(url, live_rules(conn, versions(former.name))) == {}
    assert stored(conn, former) == replayed(conn, former)
    rebuild(url, now)
    assert version_of(conn, former.name) == {now.version}
    assert stored(conn, now) == replayed(conn, now)
    assert verify(url, now).wrong == 0


def test_empty_tables_make_way_and_come_back(url: str, conn: Connection) -> None:
    migrate.downgrade(url, BEFORE)
    assert (version_of(conn, "packaging"), version_of(conn, "work")) == ({1}, {1})
    migrate.upgrade(url)
    assert (version_of(conn, "packaging"), version_of(conn, "work")) == ({2}, {2})
