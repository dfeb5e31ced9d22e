"""The tests' context divided by thing, and daemons for it in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eventstore import EventStore
from projections.live.reshard import reshard
from projections.session import Connection, open_session
from tests.integration.projections.running import catch_up, replayed, stored
from tests.integration.projections.things import Things

ROOT = Path(__file__).parents[3]


class Sharded(Things, name="things", tables=Things.tables, shard_by="thing_id"):
    """The same rules."""


def divide(url: str, shards: int) -> None:
    """Divides the things, whoever runs them."""
    reshard(url, Sharded(), shards)


@contextmanager
def daemon(
    url: str, *, lease: float = 1.0, hours_ahead: float = 0.0, stands_still: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon for the things, killed at the end of the block if it still lives.

    Its own clock is so many hours ahead of the machine's. One that `stands_still` stops itself
    while it has its shards locked.
    """
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.integration.projections.shifted_daemon",
            url,
            str(lease),
            str(hours_ahead),
            "stands still" if stands_still else "goes on",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def holdings(conn: Connection) -> dict[int, int]:
    """How many live shards each process with a daemon holds."""
    return {int(holder.split()[2]): count for holder, count in _by_holder(conn)}


def shares(conn: Connection) -> list[int]:
    """How many live shards the daemons hold, the fewest first."""
    return sorted(count for _, count in _by_holder(conn))


def _by_holder(conn: Connection) -> list[tuple[str, int]]:
    rows: list[tuple[str, int]] = conn.execute(
        "SELECT holder, count(*) FROM checkpoints "
        "WHERE build = 'live' AND holder IS NOT NULL GROUP BY holder"
    ).fetchall()
    return rows


def positions(conn: Connection) -> dict[int, int]:
    """The position of each live shard."""
    return dict(
        conn.execute("SELECT shard, position FROM checkpoints WHERE build = 'live'").fetchall()
    )


def tokens(conn: Connection) -> dict[int, int]:
    """The fencing token of each live shard: it rises when the shard changes hands."""
    return dict(
        conn.execute("SELECT shard, fencing_token FROM checkpoints WHERE build = 'live'").fetchall()
    )


def assert_told_once(url: str) -> None:
    """After all has been applied, the tables are what a replay gives, and nothing came twice."""
    assert catch_up(url, Sharded()) == {}
    with EventStore.open(url) as store, open_session(url, part="test") as conn:
        rows = stored(conn, Sharded())
        assert rows["things"], "nothing was applied"
        assert rows == replayed(conn, Sharded())
        applied = conn.execute(
            "SELECT sum(applied), min(position) FROM checkpoints WHERE build = 'live'"
        ).fetchone()
        told = conn.execute(
            "SELECT count(*) FROM eventstore.events WHERE event_type LIKE 'things.%%'"
        ).fetchone()
        assert applied is not None
        assert told is not None
        assert (applied[0], applied[1]) == (told[0], store.watermark())
