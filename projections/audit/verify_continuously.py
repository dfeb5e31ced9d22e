"""Verifies again and again, a part of the keys at a time, until somebody stops it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Event as Signal
from time import monotonic

from eventstore.errors import StoreUnavailable
from projections.audit.verify import Verified, verify
from projections.projection import Projection

__all__ = ["verify_continuously"]


def verify_continuously(
    url: str,
    projections: Sequence[Projection],
    stop: Signal,
    *,
    every: float,
    sample: int = 1,
    away: Callable[[StoreUnavailable], None] = lambda error: None,
) -> Iterator[Verified]:
    """A pass every so many seconds: of each projection one of `sample` buckets, all in turn.

    One worker at a time, so that it takes little from the live projectors. A server that is away
    is told to `away` and tried again at the next pass. Raises what `verify` raises.
    """
    number = 0
    while not stop.is_set():
        began = monotonic()
        for projection in projections:
            bucket = (number, sample) if sample > 1 else None
            try:
                yield verify(url, projection, workers=1, sample=bucket)
            except StoreUnavailable as error:
                away(error)
        number += 1
        stop.wait(max(0.0, began + every - monotonic()))
