"""What stories are drawn from: few ids, so that events meet, and any values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from eventstore import Event


def ids(kind: int, most: int) -> st.SearchStrategy[UUID]:
    """A few ids of one kind of thing, so that events meet."""
    return st.integers(1, most).map(lambda n: UUID(int=kind << 32 | n))


texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
objects = st.dictionaries(texts, scalars | st.lists(scalars, max_size=2), max_size=3)
agents = st.sampled_from(["analyst", "tester"])
packages = ids(1, 3)


def moves(
    event: Callable[..., Event], table: dict[Any, frozenset[Any]], **fields: Any
) -> st.SearchStrategy[Event]:
    """A legal move."""
    pairs = [(before, after) for before, afters in table.items() for after in sorted(afters)]
    return st.builds(
        lambda pair, **rest: event(from_status=pair[0], to_status=pair[1], **rest),
        st.sampled_from(pairs),
        **fields,
    )
