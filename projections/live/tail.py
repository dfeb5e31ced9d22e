"""One reader of the end of the log for all projections of a process.

It waits for news inside the server, reads what has come once for everybody, and hands to each
projector what is of its types and its shard. It also moves the checkpoints of those who have
nothing to do: all in one statement, so that many shards cost little more than one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from threading import Condition, Thread
from time import monotonic
from types import TracebackType
from typing import Final, Self

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from eventstore.errors import StoreUnavailable
from eventstore.reading.follow import Division, News, news
from eventstore.reading.read import watermark
from projections.apply.batch import BATCH
from projections.checkpoint import Lease
from projections.live.feed import Feed
from projections.monitor.pulse import Pulse
from projections.projection import Projection
from projections.session import Connection, open_session, plan_for_keys

__all__ = ["Tail"]

_RETRY_PAUSE: Final = 0.1
"""Seconds between two tries to reach a server that is away."""
_AWAKE, _DROWSY = 1, 4
"""Milliseconds between two looks of the server; the second after some silence."""
_SILENCE: Final = 5.0
"""Seconds without news after which it looks less often."""
_CALL: Final = 100
"""Milliseconds that a call waits for news: so long the server keeps a snapshot for it."""
_COURTESY: Final = 0.003
"""Seconds at most that it leaves to those who got something, to be done with it: Python runs one
thread at a time, and preparing the next call would come between."""
_SETTLE: Final = 10
"""Milliseconds between two moves of the checkpoints of those who have nothing to do."""

_SQL: Final = load("projections.sql", "tail.sql")


class Tail:
    """Follows the log in a thread of its own while there is a feed, until the block ends."""

    def __init__(
        self,
        url: str,
        *,
        batch: int = BATCH,
        revive: Callable[[], None] = lambda: None,
        pulse: Pulse | None = None,
    ) -> None:
        self._url, self._batch, self._revive = url, batch, revive
        self._pulse = pulse or Pulse()
        self._changed = Condition()
        self._feeds: list[Feed] = []
        self._closed = False
        self._thread = Thread(target=self._run, name="tail", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._break_off()
        self._thread.join()

    def feed(self, projection: Projection, lease: Lease) -> Feed:
        """A feed for the holder of a lease, who closes it."""
        made = Feed(projection, lease)
        with self._changed:
            if self._closed:
                made.close()
            self._feeds.append(made)
            self._changed.notify_all()
        return made

    def _run(self) -> None:
        while not self._closed:
            self._pulse.beat()
            try:
                with closing(open_session(self._url, part="tail")) as conn:
                    plan_for_keys(conn)
                    self._follow(conn)
            except StoreUnavailable:
                # A crash of the server can take back positions that nobody committed, so what was
                # seen before counts no more.
                self._break_off()
                if not self._pause():
                    self._revive()
            except Exception as error:  # noqa: BLE001 - those who take the feeds can raise it
                self._break_off(error)
                self._pause()
        self._pulse.end()

    def _pause(self) -> bool:
        """Waits a little; whether it is the end."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed, _RETRY_PAUSE)

    def _follow(self, conn: Connection) -> None:
        position: int | None = None
        news_at = settled_at = monotonic()
        while True:
            feeds = self._open_feeds(wait=position is None)
            if self._closed:
                return
            if not feeds:
                position = None
                continue
            if position is None:
                position = watermark(conn)
            for feed in feeds:
                feed.begin(position)
            behind = any(feed.behind for feed in feeds)
            pause = _DROWSY if monotonic() - news_at > _SILENCE else _AWAKE
            divisions = tuple(dict.fromkeys(feed.division for feed in feeds if feed.division))
            found = news(
                conn,
                position,
                self._batch,
                looks=max((_SETTLE if behind else _CALL) // pause, 1),
                pause=pause,
                event_types=_types(feeds),
                divisions=divisions,
            )
            if found.until > position:
                position, news_at = found.until, monotonic()
                _deliver(feeds, found, divisions)
                until = monotonic() + _COURTESY
                for feed in feeds:
                    feed.wait_until_idle(until - monotonic())
            if behind and monotonic() - settled_at >= _SETTLE / 1000:
                _settle(conn, feeds)
                behind = False
            if not behind:
                settled_at = monotonic()

    def _open_feeds(self, *, wait: bool) -> list[Feed]:
        with self._changed:
            self._feeds = [feed for feed in self._feeds if not feed.ended]
            if wait:
                self._pulse.end()  # nobody waits for it, so it may take its time
                self._changed.wait_for(lambda: self._closed or bool(self._feeds))
            self._pulse.beat()
            return list(self._feeds)

    def _break_off(self, error: Exception | None = None) -> None:
        with self._changed:
            feeds, self._feeds = self._feeds, []
        for feed in feeds:
            feed.close(error)


def _types(feeds: Sequence[Feed]) -> tuple[str, ...]:
    return tuple(sorted({name for feed in feeds for name in feed.projection.event_types}))


def _deliver(feeds: Sequence[Feed], found: News, divisions: tuple[Division, ...]) -> None:
    undivided = [(recorded, 0) for recorded in found.events]
    for feed in feeds:
        if feed.division is None:
            feed.deliver(undivided, found.until)
        else:
            at = divisions.index(feed.division)
            shards = (shards[at] for shards in found.shards)
            feed.deliver(zip(found.events, shards, strict=True), found.until)


def _settle(conn: Connection, feeds: Sequence[Feed]) -> None:
    """Moves the checkpoints of projectors that wait to where the tail is."""
    with ExitStack() as locks:
        idle: dict[tuple[str, int], Feed] = {}
        for feed in feeds:
            if feed.behind and feed.idle:
                locks.enter_context(feed.changed)
                if feed.behind and feed.idle:
                    idle[feed.lease.projection, feed.lease.shard] = feed
        if not idle:
            return
        leases = [feed.lease for feed in idle.values()]
        arguments = {
            "projections": [lease.projection for lease in leases],
            "shards": [lease.shard for lease in leases],
            "fencing_tokens": [lease.fencing_token for lease in leases],
            "positions": [lease.position for lease in leases],
            "untils": [feed.seen for feed in idle.values()],
        }
        with translated(), conn.pipeline():
            conn.execute(_SQL["be_brief_and_lazy"])
            moved = conn.execute(_SQL["settle"], arguments)
        # One that is missing is locked by somebody, or its lease is lost: its holder finds out.
        for projection, shard in moved.fetchall():
            feed = idle[projection, shard]
            feed.lease.moved(feed.seen)
