"""The check that ends a soak finds what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from eventstore import EventStore
from eventstore.connection.database import Connection
from tests.integration.log.facts import said
from tests.integration.log.soak_check import assert_nothing_is_wrong

Falsify = Callable[[list[str]], list[str]]


def drop_last(lines: list[str]) -> list[str]:
    return lines[:-1]


def swap(lines: list[str]) -> list[str]:
    return [lines[1], lines[0], *lines[2:]]


def repeat(lines: list[str]) -> list[str]:
    return [*lines, lines[-1]]


def invent(lines: list[str]) -> list[str]:
    return [*lines, lines[-1].replace("own-1", "own-2").replace("3:", "4:")]


def same(lines: list[str]) -> list[str]:
    return lines


def test_what_was_said_and_read_is_compared_with_what_is_stored(
    store: EventStore, admin: Connection, tmp_path: Path
) -> None:
    events = said(3)
    acknowledged, delivered = [], []
    for call, event in enumerate(events, start=1):
        receipt = store.append("own-1", [event])
        acknowledged.append(f"1\t{call}\t{event.event_id}\town-1\t{call}\t{receipt.position}")
    delivered = [f"{recorded.position}:{recorded.data_hash.hex()}" for recorded in store.read_all()]

    def check(of_writers: Falsify, of_reader: Falsify) -> tuple[int, int]:
        said_path, read_path = tmp_path / "acknowledged.1", tmp_path / "delivered"
        said_path.write_text("".join(f"{each}\n" for each in of_writers(acknowledged)))
        read_path.write_text("".join(f"{each}\n" for each in of_reader(delivered)) + "4")
        return assert_nothing_is_wrong(admin, [said_path], read_path)

    assert check(same, same) == (3, 3)
    assert check(drop_last, same) == (2, 3)  # a writer that was killed did not hear of it
    for falsify, found in ((invent, "not stored as the receipt said"), (repeat, "as two things")):
        with pytest.raises(AssertionError, match=found):
            check(falsify, same)
    for falsify, found in (
        (drop_last, "never delivered"),
        (swap, "out of order"),
        (repeat, "out of order"),
        (invent, "not stored"),
    ):
        with pytest.raises(AssertionError, match=found):
            check(same, falsify)


WRONG = {
    "UPDATE eventstore.streams SET stream_version = 4": "hole",
    "DELETE FROM eventstore.events WHERE stream_version = 2": "hole",
    "DELETE FROM eventstore.event_ids WHERE stream_version = 2": "without its guard",
    "INSERT INTO eventstore.event_ids SELECT tenant_id, gen_random_uuid(), stream_id, 9 "
    "FROM eventstore.streams": "guard without",
    "UPDATE eventstore.events SET position = 99 WHERE stream_version = 1": "go back",
    "UPDATE eventstore.events SET data = '{}' WHERE stream_version = 1": "other bytes",
    "INSERT INTO eventstore.event_tags SELECT tenant_id, 'seat:1', position, event_type "
    "FROM eventstore.events": "seat that is taken twice",
    "INSERT INTO eventstore.event_tags SELECT tenant_id, 'hall', position, event_type "
    "FROM eventstore.events": "its event does not have",
    "UPDATE eventstore.events SET tags = '{hall}'": "not looked up",
}


def test_what_is_wrong_in_the_log_is_found(
    store: EventStore, admin: Connection, tmp_path: Path
) -> None:
    store.append("own-1", said(3))
    read = tmp_path / "delivered"
    read.write_text("".join(f"{each.position}:\n" for each in store.read_all()))
    protected = "SELECT DISTINCT tableoid::regclass FROM eventstore.events"
    tables = [
        "eventstore.event_tags",
        "eventstore.events",
        "eventstore.event_ids",
        *(row[0] for row in admin.execute(protected)),
    ]
    for statement, found in WRONG.items():
        with admin.transaction(force_rollback=True):
            for table in tables:
                admin.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            admin.execute(statement)
            with pytest.raises(AssertionError, match=found):
                assert_nothing_is_wrong(admin, [], read)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([0, 1], "never handled"),
        ([0, 2, 1], "handled before an earlier one"),
        ([0, 1, 2, 0, 2], None),  # at least once
    ],
)
def test_what_was_handled_is_compared_too(
    lines: list[int], found: str | None, store: EventStore, admin: Connection, tmp_path: Path
) -> None:
    store.append("own-1", said(3))
    recorded = list(store.read_all())
    read, handled = tmp_path / "delivered", tmp_path / "handled"
    read.write_text("".join(f"{each.position}:\n" for each in recorded))
    told = [recorded[line] for line in lines]
    handled.write_text(
        "".join(
            f"{at}\t{each.position}\t{each.stream_id}\t{each.stream_version}\n"
            for at, each in enumerate(told)
        )
    )
    with pytest.raises(AssertionError, match=found) if found else nullcontext():
        assert_nothing_is_wrong(admin, [], read, [handled], ["own"])
