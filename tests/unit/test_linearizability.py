"""The checker finds histories good and bad: made-up ones, and those of a public collection.

The verdicts on the latter are those of the checker that the collection belongs to.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.linearizability import UNKNOWN, Operation, is_linearizable

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "porcupine-histories" / "jepsen"
GOOD = {2, 5, 7, 18, 25, 31, 38, 45, 48, 49}
_LINE = re.compile(r"(\d+)\s+:(invoke|ok|fail|info)\s+:(read|write|cas)\s+(.*)$")

NOTHING = -1
"""What a register holds at first."""


def after(state: int, operation: Operation) -> int | None:
    """What a register holds then; it can be read, written, and swapped if it holds what is said."""
    kind, value = operation.asked
    known = operation.back != UNKNOWN
    if kind == "read":
        return state if not known or operation.answered == state else None
    if kind == "write":
        return int(value)
    expected, wanted = value
    swaps = state == expected
    if known and operation.answered != swaps:
        return None
    return int(wanted) if swaps else state


def write(value: int, call: float, back: float) -> Operation:
    return Operation(call, back, ("write", value), True)


def read(value: int, call: float, back: float) -> Operation:
    return Operation(call, back, ("read", None), value)


def good(*history: Operation) -> bool:
    return is_linearizable(history, after, 0)


def test_reads_beside_a_write_see_it_or_not() -> None:
    assert good(write(1, 0, 100), read(1, 25, 75), read(0, 30, 60))


def test_a_read_does_not_go_back_behind_another() -> None:
    assert not good(write(1, 0, 100), read(1, 10, 30), read(0, 40, 90))


def test_a_read_after_a_write_sees_it() -> None:
    assert not good(write(1, 0, 10), read(0, 11, 20))


def test_nobody_sees_what_was_never_written() -> None:
    assert not good(write(1, 0, 10), read(2, 5, 20))


def test_what_nobody_answered_may_come_late_or_never() -> None:
    lost = write(1, 0, UNKNOWN)
    assert good(lost, read(0, 10, 20), read(1, 30, 40))
    assert good(lost, read(0, 10, 20), read(0, 30, 40))
    assert not good(lost, read(1, 10, 20), read(0, 30, 40))


def test_one_of_two_swaps_wins() -> None:
    won = Operation(0, 10, ("cas", (0, 1)), True)
    lost = Operation(0, 10, ("cas", (0, 2)), False)
    assert good(won, lost)
    assert not good(won, Operation(0, 10, ("cas", (0, 2)), True))


@pytest.mark.parametrize("number", range(50))
def test_recorded_histories_are_judged_as_by_another_checker(number: int) -> None:
    path = RECORDED / f"etcd_{number:03}.log"
    if not path.is_file():
        pytest.skip("the recorded histories are not here")
    assert is_linearizable(recorded(path), after, NOTHING) is (number in GOOD)


def recorded(path: Path) -> list[Operation]:
    """Calls in the order of their lines; a read that failed tells nothing."""
    begun: dict[str, tuple[int, tuple[str, object]]] = {}
    history: list[Operation] = []
    for number, line in enumerate(path.read_text().splitlines()):
        if (found := _LINE.search(line)) is None:
            continue
        process, what, kind, text = found.groups()
        numbers = [int(each) for each in re.findall(r"\d+", text)]
        if what == "invoke":
            value = tuple(numbers) if kind == "cas" else (numbers or [NOTHING])[0]
            begun[process] = number, (kind, value)
        elif what in ("ok", "fail") and ":timed-out" not in text:
            call, asked = begun.pop(process)
            answered = (numbers or [NOTHING])[0] if kind == "read" else what == "ok"
            history.append(Operation(call, number, asked, answered))
    return [*history, *(Operation(call, UNKNOWN, asked) for call, asked in begun.values())]
