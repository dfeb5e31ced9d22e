"""What people and agents ask about work: what waits, how it goes, and what is held of it."""

from __future__ import annotations

from projections.work.asking.judgements import Judgements
from projections.work.asking.means import Means
from projections.work.asking.orders import Orders

__all__ = ["WorkQueries"]


class WorkQueries(Orders, Judgements, Means):
    """What people ask. A page of a list goes on after the last answer of the one before."""
