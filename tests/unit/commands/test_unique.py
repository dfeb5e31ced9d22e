from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eventstore import Claim
from eventstore.commands.unique import unique

parts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1)


def test_a_claim_is_readable() -> None:
    assert unique("s", "Café 咖啡", "a b", 7) == Claim("s", "Café 咖啡/a b/7")
    assert unique("s", "a/b", "100%", "x\ny") == Claim("s", "a%2Fb/100%25/x%0Ay")


def test_a_long_value_can_be_claimed_too() -> None:
    long, other = unique("s", "x" * 600), unique("s", "x" * 599 + "y")
    assert long != other
    assert len(long.value) < 100


@given(parts, parts)
def test_what_differs_is_spelled_differently(one: list[str], other: list[str]) -> None:
    assert (unique("s", *one) == unique("s", *other)) == (one == other)


def test_where_a_part_ends_is_told() -> None:
    assert unique("s", "a", "bc") != unique("s", "ab", "c") != unique("s", "a/bc")
