"""The commands that show the log: what they print, for people and as JSON, and how they end."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from eventstore import Append, Event, EventStore
from eventstore.cli.main import main
from eventstore.connection.queries import load
from eventstore.writing.wire import arguments
from tests.trails import chapter, item, trail

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATIENCE = 20


class Asked(Event, event_type="cli_test.asked", retention="conversation"):
    content: str


class Answered(Event, event_type="cli_test.answered", retention="decision"):
    content: str


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def store(database_url: str) -> Iterator[EventStore]:
    with EventStore.open(database_url) as opened:
        yield opened


@pytest.fixture
def call(database_url: str, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command; returns its exit code, stdout and stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        code = main([*map(str, words), "--database-url", database_url])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def answer(call: Call, *words: object) -> Any:
    """What a command that succeeds says in JSON."""
    code, out, err = call(*words, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.fixture
def run(store: EventStore) -> UUID:
    """A talk of two agents: five events in two streams, and two events of another run."""
    run = uuid4()
    asked, answered = Asked(content="why?"), Answered(content="because")
    store.append_many(
        [
            Append("talk-1", [asked], agent="ann", target_agent="bob", correlation_id=run,
                   occurred_at=NOON),
            Append("talk-2", [answered], agent="bob", correlation_id=run,
                   causation_id=asked.event_id, occurred_at=NOON + timedelta(seconds=2.5)),
            Append("talk-2", [Asked(content="sure?")], agent="ann", correlation_id=run,
                   causation_id=answered.event_id, occurred_at=NOON + timedelta(seconds=3)),
            Append("talk-2", [Asked(content="\x1b[31mred\nhat")], agent="ann", correlation_id=run,
                   causation_id=answered.event_id, occurred_at=NOON + timedelta(minutes=3)),
            Append("talk-1", [Asked(content="late")], correlation_id=run, causation_id=uuid4(),
                   occurred_at=NOON),
        ]
    )  # fmt: skip
    store.append("note-1", [Asked(content="one"), Answered(content="two")], agent="eve")
    return run


def positions(found: list[dict[str, Any]]) -> list[int]:
    return [each["position"] for each in found]


LISTED: list[tuple[list[object], list[int]]] = [
    ([], [1, 2, 3, 4, 5, 6, 7]),
    (["--reverse"], [7, 6, 5, 4, 3, 2, 1]),
    (["--after", 2, "--until", 5], [3, 4, 5]),
    (["--after", 2, "--until", 5, "--reverse"], [5, 4, 3]),
    (["--limit", 2], [1, 2]),
    (["--limit", 2, "--reverse"], [7, 6]),
    (["--category", "note"], [6, 7]),
    (["--category", "note", "--category", "talk", "--limit", 6], [1, 2, 3, 4, 5, 6]),
    (["--type", "cli_test.answered"], [2, 7]),
    (["--type", "cli_test.answered", "--reverse"], [7, 2]),
    (["--type", "cli_test.answered", "--category", "talk"], [2]),
    (["--stream", "talk-2"], [2, 3, 4]),
    (["--stream", "talk-2", "--reverse", "--limit", 2], [4, 3]),
    (["--stream", "talk-2", "--type", "cli_test.asked", "--after", 3], [4]),
    (["--stream", "talk-2", "--category", "note"], []),
    (["--type", "cli_test.never"], []),
    (["--until", 2**63 - 1, "--after", 6], [7]),
]


def test_events_are_listed_as_asked(call: Call, run: UUID) -> None:
    for options, expected in LISTED:
        found = positions(answer(call, "events", "list", *options))
        assert (options, found) == (options, expected)


def test_a_run_is_listed_from_both_ends(call: Call, run: UUID) -> None:
    listed = ["events", "list", "--correlation", run]
    assert positions(answer(call, *listed)) == [1, 2, 3, 4, 5]
    assert positions(answer(call, *listed, "--reverse", "--limit", 2)) == [5, 4]
    assert positions(answer(call, *listed, "--stream", "talk-1")) == [1, 5]


def test_a_table_shows_who_said_what_and_obeys_no_payload(call: Call, run: UUID) -> None:
    code, out, err = call("events", "list", "--limit", 4)
    assert code == 0
    assert "ann → bob" in out
    assert "because" in out
    assert "�[31mred hat" in out
    assert "\x1b" not in out
    assert "--after 4" in err


def test_more_than_a_page_is_listed_both_ways(store: EventStore, call: Call) -> None:
    for _ in range(3):
        store.append("n-1", [Asked(content=str(n)) for n in range(900)])
    found = positions(answer(call, "events", "list", "--limit", 2500))
    assert found == list(range(1, 2501))
    found = positions(answer(call, "events", "list", "--limit", 2500, "--reverse"))
    assert found == list(range(2700, 200, -1))


def test_an_event_is_shown_by_position_and_by_id(call: Call, run: UUID) -> None:
    shown = answer(call, "events", "show", 2)
    assert (shown["stream_id"], shown["data"], shown["hash_matches"]) == (
        "talk-2", {"content": "because"}, True,
    )  # fmt: skip
    assert answer(call, "events", "show", shown["event_id"]) == shown
    code, out, _ = call("events", "show", 2)
    assert (code, "because" in out, shown["data_hash"] in out) == (0, True, True)


def test_a_payload_that_is_not_the_hashed_one_is_found(
    call: Call, run: UUID, admin_url: str
) -> None:
    with psycopg.connect(admin_url) as connection:
        row = connection.execute(
            "SELECT tableoid::regclass::text FROM eventstore.events WHERE position = 2"
        ).fetchone()
        assert row is not None
        connection.execute(f"ALTER TABLE {row[0]} DISABLE TRIGGER append_only")
        connection.execute(f"""UPDATE {row[0]} SET data = '{{"content":"x"}}' WHERE position = 2""")
    code, out, err = call("events", "show", 2, "--json")
    assert (code, json.loads(out)["hash_matches"]) == (6, False)
    assert "hashed" in err


REFUSED: list[tuple[list[object], int, str]] = [
    (["events", "show", 999], 3, "no event at position 999"),
    (["events", "show", 0], 3, "no event at position 0"),
    (["events", "show", 2**70], 2, "neither an event id"),
    (["events", "show", UUID(int=1)], 3, "no event"),
    (["events", "show", "x"], 2, "neither an event id"),
    (["events", "list", "--after", "-1"], 2, "--after"),
    (["events", "list", "--limit", 0], 2, "--limit"),
    (["events", "list", "--stream", "talk-9"], 3, "no stream talk-9"),
    (["events", "list", "--stream", "a\nb"], 5, "can't be printed"),
    (["events", "list", "--category", "\udcff"], 5, "can't be printed"),
    (["events", "list", "--correlation", UUID(int=1)], 3, "no run"),
    (["events", "list", "--correlation", "x"], 2, "UUID"),
    (["events", "tail", "--after", 1, "--from-now"], 2, "exclude each other"),
    (["streams", "show", "talk-9"], 3, "no stream talk-9"),
    (["streams", "show", ""], 5, "STREAM"),
    (["streams", "list", "--after", "\udcff"], 5, "--after"),
    (["trace", UUID(int=1)], 3, "no run"),
    (["trace", "x"], 2, "UUID"),
    (["partitions", "ensure", "--months-ahead", 121], 2, "--months-ahead"),
]


def test_what_is_unknown_or_malformed_is_answered_in_a_line(call: Call, run: UUID) -> None:
    for words, code, says in REFUSED:
        ended, out, err = call(*words)
        assert (words, ended, out) == (words, code, "")
        assert says in err, words
        assert "Traceback" not in err


def test_streams_are_listed_in_pages(call: Call, run: UUID) -> None:
    code, out, err = call("streams", "list", "--limit", 2)
    assert (code, "talk-1" in out, "talk-2" in out) == (0, True, False)
    assert "--after talk-1" in err
    assert answer(call, "streams", "list", "--after", "talk-1") == [
        {"stream_id": "talk-2", "category": "talk", "stream_version": 3, "closed_at": None}
    ]
    found = answer(call, "streams", "list", "--category", "note")
    assert [each["stream_id"] for each in found] == ["note-1"]


def test_a_stream_is_shown_from_both_ends(call: Call, run: UUID) -> None:
    show = ["streams", "show", "talk-2"]
    assert positions(answer(call, *show)) == [2, 3, 4]
    assert positions(answer(call, *show, "--from-version", 2)) == [3, 4]
    assert positions(answer(call, *show, "--backwards", "--limit", 2)) == [4, 3]
    assert "--from-version 3" in call(*show, "--limit", 2)[2]


def test_a_run_is_a_tree(call: Call, run: UUID) -> None:
    code, out, _ = call("trace", run)
    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith(f"run {run}  5 events, 2 agents, from 2026-03-01 12:00:00.000")
    assert [line.split("  ")[0].rstrip() for line in lines[1:]] == [
        "12:00:00.000",
        "↳ 12:00:02.500 +2.5 s",
        "├─ 12:00:03.000 +500 ms",
        "└─ 12:03:00.000 +3.0 min",
        "12:00:00.000",
    ]
    assert "ann → bob" in lines[1]
    assert "cause outside this run" in lines[5]
    assert "\x1b" not in out


def test_a_run_is_nested_json(call: Call, run: UUID) -> None:
    traced = answer(call, "trace", run)
    assert (traced["events"], traced["agents"]) == (5, ["ann", "bob"])
    first, late = traced["tree"]
    assert [each["position"] for each in first["caused"][0]["caused"]] == [3, 4]
    assert (late["root"], late["since_cause_seconds"]) == ("outside", None)
    assert first["caused"][0]["since_cause_seconds"] == 2.5


def test_an_event_id_in_place_of_a_run_is_helped(call: Call, run: UUID) -> None:
    second = answer(call, "events", "show", 2)["event_id"]
    code, _, err = call("trace", second)
    assert (code, f"eventstore trace {run}" in err) == (3, True)


def test_derived_causes_are_said_to_be(call: Call, tmp_path: Path) -> None:
    work = chapter("Build", "coder", 10, 20, item(11, "note"))
    (tmp_path / "one.json").write_text(json.dumps(trail(work)))
    run = answer(call, "ingest", "agent-trail", tmp_path)["runs"][0]["correlation_id"]
    traced = answer(call, "trace", run)
    assert traced["tree"][0]["causation_derived"] is False
    assert traced["tree"][0]["caused"][0]["causation_derived"] is True
    assert f"{traced['events'] - 1} of the causes were derived" in call("trace", run)[1]


def test_the_log_is_counted(call: Call, run: UUID) -> None:
    counted = answer(call, "events", "stats")
    assert (counted["events"], counted["streams"], counted["watermark"]) == (7, 3, 7)
    assert {each["category"]: each["events"] for each in counted["categories"]} == {
        "talk": 5, "note": 2,
    }  # fmt: skip
    assert {each["event_type"]: each["events"] for each in counted["event_types"]} == {
        "cli_test.asked": 5, "cli_test.answered": 2,
    }  # fmt: skip
    assert counted["appends_in_flight"] == []
    exact = answer(call, "events", "stats", "--exact")
    assert sum(each["events"] for each in exact["partitions"]) == 7
    classes = {each["retention_class"]: each["events"] for each in exact["partitions"]
               if each["events"]}  # fmt: skip
    assert classes == {"conversation": 5, "decision": 2}
    code, out, _ = call("events", "stats")
    assert (code, "watermark" in out, "cli_test.asked" in out) == (0, True, True)


def asked(count: int) -> list[Event]:
    return [Asked(content="x" * 100) for _ in range(count)]


def test_an_append_in_flight_is_shown_with_its_holder(
    store: EventStore, call: Call, run: UUID, database_url: str
) -> None:
    with psycopg.connect(database_url, application_name="slow one") as connection:
        connection.execute("SET ROLE eventstore_appender")
        request = store.prepare([Append("talk-3", asked(1))])
        append = load("eventstore.sql", "append.sql")["append"]
        parameters = list(arguments("default", [request]).values())
        psycopg.RawCursor(connection).execute(append, parameters)
        counted = answer(call, "events", "stats")
        [held] = counted["appends_in_flight"]
        assert (held["lower_bound"], held["application"]) == (7, "slow one")
        assert counted["watermark"] == 7
        connection.rollback()


def test_an_empty_log_is_counted(call: Call, store: EventStore) -> None:
    counted = answer(call, "events", "stats")
    assert (counted["events"], counted["first_recorded_at"], counted["event_types"]) == (
        0,
        None,
        [],
    )
    assert answer(call, "events", "list") == []
    assert call("events", "stats", "--exact")[0] == 0


def test_another_tenant_counts_and_lists_its_own(call: Call, run: UUID) -> None:
    assert answer(call, "events", "stats", "--tenant", "acme")["events"] == 0
    assert answer(call, "events", "stats", "--exact", "--tenant", "acme")["event_types"] == []
    assert answer(call, "events", "list", "--tenant", "acme") == []
    assert call("trace", run, "--tenant", "acme")[0] == 3
    assert call("events", "show", 1, "--tenant", "acme")[0] == 3


def test_partitions_are_listed_made_and_sealed(call: Call, store: EventStore) -> None:
    before = answer(call, "partitions", "list")
    assert {each["retention_class"] for each in before} == {
        "conversation", "decision", "work", "audit",
    }  # fmt: skip
    made = answer(call, "partitions", "ensure", "--months-ahead", 4)
    assert len(made) == 8
    assert len(answer(call, "partitions", "list")) == len(before) + 8
    code, out, err = call("partitions", "ensure", "--months-ahead", 4)
    assert (code, out, err) == (0, "", "none was missing\n")
    assert answer(call, "partitions", "seal") == []


def test_a_missing_partition_is_an_alarm(call: Call, store: EventStore, admin_url: str) -> None:
    name = answer(call, "partitions", "list")[1]["name"]
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"DROP TABLE eventstore.{name}")
    code, _, err = call("partitions", "list")
    assert (code, "missing: audit" in err) == (0, True)
    assert call("partitions", "list", "--check")[0] == 6
    code, out, err = call("health", "--json")
    assert (code, "partitions are missing: audit" in err) == (6, True)
    assert len(json.loads(out)["missing_partitions"]) == 1
    assert answer(call, "partitions", "ensure") == [{"name": name}]
    assert call("partitions", "list", "--check")[0] == 0
    found = answer(call, "health")
    assert (found["standby"], found["months_ahead"], found["problems"]) == (False, 2, [])
    kept = answer(call, "db", "keep", "--once")
    assert (kept["made"], kept["sealed"], kept["stored_watermark"]) == ([], [], store.watermark())
    with psycopg.connect(admin_url) as connection:
        counted = connection.execute(
            "SELECT position FROM eventstore.counted WHERE tenant_id = '*'"
        )
        assert counted.fetchall() == [(store.watermark(),)]
    assert call("partitions", "list")[2] == ""


Tail = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def tail(database_url: str) -> Iterator[Tail]:
    """Starts `events tail` in a process of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "eventstore", "events", "tail", *map(str, words)]
        process = subprocess.Popen(
            [*command, "--database-url", database_url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,  # so that what select sees is all that there is
            cwd=Path(__file__).parents[2],
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def read_lines(process: subprocess.Popen[bytes], count: int) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    for _ in range(count):
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
        assert ready, f"after {lines} the tail says nothing"
        lines.append(process.stdout.readline().decode())
    return lines


def test_tail_follows_until_it_is_interrupted(store: EventStore, run: UUID, tail: Tail) -> None:
    process = tail("--json", "--after", 5, "--type", "cli_test.answered")
    assert [json.loads(line)["position"] for line in read_lines(process, 1)] == [7]
    store.append("talk-9", [Asked(content="no"), Answered(content="yes")])
    [line] = read_lines(process, 1)
    assert json.loads(line)["data"] == {"content": "yes"}
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (130, b"", b"")


def test_tail_begins_with_the_newest(store: EventStore, tail: Tail) -> None:
    store.append("talk-1", asked(30))
    lines = read_lines(tail(), 10)
    assert [int(line.split()[0]) for line in lines] == list(range(21, 31))


def test_tail_from_now_says_nothing_of_before(store: EventStore, run: UUID, tail: Tail) -> None:
    process = tail("--json", "--from-now")
    assert process.stdout is not None
    deadline = monotonic() + PATIENCE
    while not select.select([process.stdout], [], [], 0.05)[0]:
        assert monotonic() < deadline, "the tail says nothing"
        store.append("talk-9", asked(1))
    assert json.loads(process.stdout.readline())["stream_id"] == "talk-9"


def test_tail_ends_when_nobody_reads_it(store: EventStore, run: UUID, tail: Tail) -> None:
    process = tail("--after", 6)
    read_lines(process, 1)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(PATIENCE) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""
