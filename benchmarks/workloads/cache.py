"""The reference load of the cache: what a portal asks about workspaces while people work in them.

Of a hundred questions 95 go to a tenth of the things, two hundred at most, as people come back to
what they work at; and two events change some of these, which the hook forgets. In the end the
projection has applied every one of them, or nothing was measured.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from os import environ
from statistics import median, quantiles
from time import monotonic, perf_counter, sleep
from typing import Any, Final
from uuid import UUID, uuid4

from benchmarks.engine import rebuild_once
from benchmarks.measure import Aim, Outcome, Plan, Series
from benchmarks.sandbox import Sandbox
from eventstore import Append, EventStore, Receipt
from eventstore.config import Settings
from eventstore.config import load as load_settings
from eventstore.connection.database import connect
from eventstore.connection.queries import load
from eventstore.seed import tell as made_up
from eventstore.seed.filling import fill
from eventstore.vocabulary.workspaces import (
    UserProfileChanged,
    UserSessionSeen,
    UserSessionStarted,
)
from projections.cache.names import Names
from projections.cache.read_through import Cache
from projections.cache.server import CacheServer, client_of
from projections.workspaces import Workspaces
from projections.workspaces.cached import CachedWorkspaceQueries

__all__ = ["cache"]

_SQL: Final = load("benchmarks.sql", "cache.sql")
_QUESTIONS_A_CHANGE: Final = 100
_QUESTIONS: Final = 200
"""For each append of the plan."""


@dataclass(frozen=True, slots=True)
class _Round:
    """How one round of the load went; milliseconds."""

    median: float
    slow: float
    """The 95th percentile."""
    questions: int
    reads: int
    """Questions that reached the database."""


def cache(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """How much of the load the cache takes, and how long an answer takes with and without it."""
    database = sandbox.database()
    with ExitStack() as opened:
        store = opened.enter_context(EventStore.open(database.url))
        tell(f"appending {plan.events:,} made-up events of workspaces")
        fill(store, islice(made_up(["workspaces"]), plan.events))
        rebuild_once(database.url, Workspaces())
        keys = _keys(database.url)
        server = opened.enter_context(_cache_server())
        client = client_of(server, timeout=0.1)
        assert client is not None
        opened.enter_context(_daemon(database.url, f"unix://{server.home / 'cache' / 'socket'}"))
        names = store.database.read(lambda conn: Names.of(database.url, conn))
        _wait(lambda: client.get(names.epoch) is not None)
        keys["session"] = _sessions(store, keys["profile"][:1_000])
        without: list[_Round] = []
        with_it: list[_Round] = []
        hits: list[float] = []
        for number in range(plan.rounds):
            tell(f"round {number + 1} of {plan.rounds}: the reference load")
            for some, cached in ((without, None), (with_it, client)):
                asked = _Counted(store, Cache(cached, names, store.tenant))
                some.append(_load(asked, keys, plan.appends * _QUESTIONS, number))
            reads = asked.cache.reads
            hits.append(100 * reads.hits / (reads.hits + reads.misses + reads.bypassed))
            client.flushall()
    saved = (100 - 100 * w.reads / n.reads for w, n in zip(with_it, without, strict=True))
    title = (
        f"questions about workspaces, {plan.appends * _QUESTIONS:,} after {plan.events:,} events"
    )
    yield Outcome(
        name="cache",
        title=f"{title}, an answer",
        unit="ms",
        ours=(
            Series("median, without the cache", tuple(each.median for each in without)),
            Series("median, with it", tuple(each.median for each in with_it)),
            Series("95th percentile, without the cache", tuple(each.slow for each in without)),
            Series("95th percentile, with it", tuple(each.slow for each in with_it)),
        ),
    )
    yield Outcome(
        name="cache-hits",
        title=title,
        unit="%",
        ours=(
            Series("answered by the cache", tuple(hits)),
            Series("database reads that are saved", tuple(saved)),
        ),
        aims=(
            Aim("answered by the cache", "at least", 90),
            Aim("database reads that are saved", "at least", 75),
        ),
    )


class _Counted(CachedWorkspaceQueries):
    """Counts the questions that reach the database."""

    asked = 0

    def _ask(self, query: str, values: Any) -> list[bytes]:
        self.asked += 1
        return super()._ask(query, values)


def _load(asked: _Counted, keys: dict[str, list[str]], questions: int, seed: int) -> _Round:
    """Asks and changes; the same for the same seed."""
    dice = random.Random(seed)
    taken: list[float] = []
    changes: list[Receipt] = []
    ways: dict[str, Callable[[str], object]] = {
        "session": lambda key: asked.session(UUID(key)),
        "configuration": lambda key: asked.configuration(UUID(key)),
        "profile": asked.profile,
        "service": lambda key: asked.service(UUID(key)),
        "artifact": lambda key: asked.artifact(UUID(key)),
    }
    for number in range(questions):
        kind = dice.choices(list(ways), weights=[5, 2, 2, 1, 3])[0]
        key = _chosen(dice, keys[kind])
        began = perf_counter()
        ways[kind](key)
        taken.append((perf_counter() - began) * 1_000)
        if number % _QUESTIONS_A_CHANGE == 0:
            changes += _change(asked, dice, keys)
    # Raises when one of them was not applied, but held.
    asked.store.wait_for(changes, "workspaces", timeout=60)
    return _Round(median(taken), quantiles(taken, n=20)[-1], questions, asked.asked)


def _chosen(dice: random.Random, keys: Sequence[str]) -> str:
    """Mostly one of those that are at work, a tenth of all, at most two hundred."""
    busy = max(1, min(200, len(keys) // 10))
    return keys[dice.randrange(busy) if dice.random() < 0.95 else dice.randrange(len(keys))]


def _change(
    asked: _Counted, dice: random.Random, keys: dict[str, list[str]]
) -> tuple[Receipt, Receipt]:
    user = _chosen(dice, keys["profile"])
    session = _chosen(dice, keys["session"])
    changed = asked.store.append(
        f"user-{user}",
        [
            UserProfileChanged(
                user_id=user,
                preferences={"theme": dice.choice(["dark", "light"])},
                avatar=None,
                timezone="UTC",
            ),
        ],
    )
    seen = UserSessionSeen(session_id=UUID(session))
    return changed, asked.store.append(f"user_session-{session}", [seen])


def _sessions(store: EventStore, users: Sequence[str]) -> list[str]:
    """Sessions that are open now: the made-up ones are over long since."""
    expires = datetime.now(UTC) + timedelta(days=1)
    started = [
        UserSessionStarted(session_id=uuid4(), user_id=user, expires_at=expires) for user in users
    ]
    told = [Append(f"user_session-{each.session_id}", [each]) for each in started]
    receipts = store.append_many(told)
    store.wait_for(receipts, "workspaces", timeout=60)
    return [str(each.session_id) for each in started]


def _keys(url: str) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {}
    with closing(connect(url, role="auditor", tenant="default")) as conn:
        for kind, key, _ in conn.execute(_SQL["keys"]):
            keys.setdefault(kind, []).append(key)
    return keys


@contextmanager
def _cache_server() -> Iterator[Settings]:
    with tempfile.TemporaryDirectory(prefix="es-bench-", dir="/tmp") as home:
        settings = load_settings(home=home)
        server = CacheServer(settings)
        server.ensure_running()
        try:
            yield settings
        finally:
            server.stop()


@contextmanager
def _daemon(url: str, cache_url: str) -> Iterator[None]:
    """`projections run workspaces`, as an operator would."""
    command = [sys.executable, "-m", "eventstore", "--database-url", url, "projections", "run"]
    process = subprocess.Popen(
        [*command, "workspaces"],
        env=environ | {"CACHE_URL": cache_url},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def _wait(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + 60
    while not condition():
        if monotonic() > deadline:
            raise RuntimeError("nobody keeps the cache alive")
        sleep(0.05)
