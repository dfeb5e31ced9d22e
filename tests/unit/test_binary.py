"""Arrays as the server sends them."""

from __future__ import annotations

from itertools import product

from eventstore.encoding.binary import BIGINT, NULL, array, bigint, bigints


def as_sent(numbers: tuple[int | None, ...]) -> bytes:
    """An array as the server sends it: with a flag where there are NULLs."""
    elements = array(BIGINT, [NULL if n is None else bigint(n) for n in numbers])
    return elements[:7] + bytes([None in numbers]) + elements[8:]


def test_numbers_are_told_from_nothing() -> None:
    for count in range(1, 8):
        for numbers in product((None, 2**40 + 7), repeat=count):
            assert bigints(as_sent(numbers)) == [n or 0 for n in numbers]
