"""The stores beside each other: the same work in turn, on one server, round after round."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.logs.child import Child
from benchmarks.logs.environment import Environment
from benchmarks.logs.stores import OURS, OURS_TYPED, Store, Stored, made
from benchmarks.measure import Aim, Outcome, Plan, Series, Unit, take_turns
from benchmarks.sandbox import Sandbox

__all__ = ["Comparison"]

_CATEGORY: Final = "bench"
_WRITERS: Final = 8
_LENGTH: Final = 100
"""Events of a stream that is read."""
_EVENTS_A_WRITER: Final = 200
"""Where they are followed."""

_Turn = Callable[[Stored, Sequence[Child]], float]
_Found = Mapping[Store, Series]


class Comparison:
    """All of it, in turns, with new databases for what is appended, read and followed."""

    def __init__(
        self,
        sandbox: Sandbox,
        environment: Environment,
        stores: Sequence[Store],
        plan: Plan,
        tell: Callable[[str], None],
    ) -> None:
        self._sandbox, self._environment = sandbox, environment
        self._theirs = stores
        self._plan, self._tell = plan, tell
        self._on_postgresql = [store for store in stores if store.on_postgresql]

    def outcomes(self) -> Iterator[Outcome]:
        """An outcome for each kind of work."""
        with ExitStack() as stack:
            yield from self._appends(self._made(stack, OURS))
        with ExitStack() as stack:
            yield from self._reads(self._made(stack, OURS, OURS_TYPED))
        with ExitStack() as stack:
            yield self._follow(self._made(stack, OURS))

    def _made(self, stack: ExitStack, *ours: Store) -> list[Stored]:
        self._tell("making the tables")
        return [
            stack.enter_context(made(store, self._sandbox, self._environment))
            for store in (*self._theirs, *ours)
        ]

    def _appends(self, stores: list[Stored]) -> Iterator[Outcome]:
        seconds = self._plan.seconds
        one = self._in_turn(stores, 1, partial(_append, 1, 1, seconds))
        to_message_db = [store for store in self._on_postgresql if store.name == "message-db"]
        yield self._outcome("1", "one append a call, 1 writer", one, [(1.2, to_message_db)])
        eight = self._in_turn(stores, _WRITERS, partial(_append, 1, 1, seconds))
        aims = [(2.5, self._on_postgresql)]
        yield self._outcome("8", "one append a call, 8 processes", eight, aims)
        native = [store for store in self._theirs if not store.on_postgresql]
        for callers in (8, 64, 512):
            found = self._in_turn(stores, 1, partial(_append, callers, 1, seconds / 2))
            title = f"one append a call, {callers} callers in one process"
            if callers != 64 or not native:
                yield self._outcome(f"{callers}-callers", title, found)
                continue
            # What ours is to be twice as fast as is the native store's best, which takes processes.
            best = eight[native[0]]
            beside = Series(f"{best.label}, 8 processes", best.values)
            aim = Aim("ours", "ratio at least", 2.0, beside.label)
            yield self._outcome(f"{callers}-callers", title, found, further=beside, aim=aim)
        for size, ratio in ((10, 1.5), (100, 2.0)):
            found = self._in_turn(stores, 1, partial(_append, 1, size, seconds / 2))
            aims = [(ratio, self._on_postgresql)]
            yield self._outcome(f"batch-{size}", f"batches of {size}", found, aims)

    def _reads(self, stores: list[Stored]) -> Iterator[Outcome]:
        streams = self._plan.events // _LENGTH
        with ExitStack() as stack:
            readers = {stored: stack.enter_context(stored.children(1)) for stored in stores}
            for stored, (child,) in readers.items():
                self._tell(f"{stored.label} appends {streams * _LENGTH:,} events")
                child.ask("fill", category=_CATEGORY, streams=streams, length=_LENGTH)
            self._sandbox.settle(
                stored.admin_url for stored in stores if stored.store.on_postgresql
            )
            read = self._turns(readers, partial(_read_streams, self._plan.seconds / 3))
            title = f"read of a {_LENGTH}-event stream"
            yield self._outcome("stream", title, read, [(1.0, self._theirs)])
            everything = self._turns(readers, partial(_read_all, streams * _LENGTH))
            title = f"read of everything in order, {streams * _LENGTH:,} events"
            aims = [(1.0, [store for store in self._theirs if store.gives_objects])]
            yield self._outcome("everything", title, everything, aims, of=OURS_TYPED)

    def _follow(self, stores: list[Stored]) -> Outcome:
        for stored in stores:
            stored.commit_late()
        found = self._in_turn(stores, _WRITERS + 1, _Following())
        return self._outcome(
            "follow",
            f"events skipped of {_WRITERS * _EVENTS_A_WRITER:,}, read while 8 writers commit",
            found,
            aim=Aim("ours", "at most", 0.0),
            unit="events",
        )

    def _in_turn(self, stores: Iterable[Stored], processes: int, turn: _Turn) -> _Found:
        with ExitStack() as stack:
            children = {each: stack.enter_context(each.children(processes)) for each in stores}
            return self._turns(children, turn)

    def _turns(self, children: Mapping[Stored, Sequence[Child]], turn: _Turn) -> _Found:
        sides = {stored.label: partial(turn, stored, crew) for stored, crew in children.items()}
        found = take_turns(self._plan.rounds, sides, self._tell)
        return {stored.store: series for stored, series in zip(children, found, strict=True)}

    def _outcome(
        self,
        name: str,
        title: str,
        found: _Found,
        ratios: Iterable[tuple[float, Sequence[Store]]] = (),
        *,
        of: Store = OURS,
        further: Series | None = None,
        aim: Aim | None = None,
        unit: Unit = "events/s",
    ) -> Outcome:
        """What ours and theirs have, theirs best first; each ratio is to the best of some."""
        ours = tuple(found[store] for store in (OURS, OURS_TYPED) if store in found)
        theirs = [series for store, series in found.items() if series not in ours]
        aims = [] if aim is None else [aim]
        for value, among in ratios:
            if among:
                best = max((found[store] for store in among), key=_middle)
                aims.append(Aim(of.name, "ratio at least", value, best.label))
        return Outcome(
            name=f"logs-{name}",
            title=title,
            unit=unit,
            ours=ours,
            beside=(*sorted(theirs, key=_middle, reverse=True), *([further] if further else [])),
            beside_are="peer",
            aims=tuple(aims),
        )


def _middle(series: Series) -> float:
    return series.middle


def _append(
    callers: int, size: int, seconds: float, stored: Stored, crew: Sequence[Child]
) -> float:
    """Events a second of all processes together."""
    for child in crew:
        child.tell("append", category=_CATEGORY, callers=callers, size=size, seconds=seconds)
    return sum(float(child.answer()["rate"]) for child in crew)


def _read_streams(seconds: float, stored: Stored, crew: Sequence[Child]) -> float:
    return float(crew[0].ask("read_streams", category=_CATEGORY, seconds=seconds)["rate"])


def _read_all(events: int, stored: Stored, crew: Sequence[Child]) -> float:
    answer = crew[0].ask("read_all", category=_CATEGORY)
    if answer["events"] != events:
        raise RuntimeError(f"{stored.label} read {answer['events']} of {events} events")
    return float(answer["rate"])


class _Following:
    """Events that a reader never saw, of those that eight writers appended to categories of theirs.

    It begins at the beginning in each round, so that only what it skips now counts.
    """

    def __init__(self) -> None:
        self._rounds: dict[Stored, Iterator[int]] = {}

    def __call__(self, stored: Stored, crew: Sequence[Child]) -> float:
        turn = next(self._rounds.setdefault(stored, count(1)))
        reader, *writers = crew
        with TemporaryDirectory() as folder:
            over = Path(folder, "over")
            reader.tell("follow", until=str(over))
            for number, writer in enumerate(writers):
                writer.tell("tell", category=f"bench{number}", events=_EVENTS_A_WRITER)
            for writer in writers:
                writer.answer()
            over.touch()
            seen = int(reader.answer()["events"])
        return float(turn * len(writers) * _EVENTS_A_WRITER - seen)
