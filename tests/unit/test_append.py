"""From appends to one call: what is checked, what is sent, what comes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import orjson
import pytest

from eventstore import ANY, NO_STREAM, STREAM_EXISTS, Append, Event, EventRegistry, Receipt
from eventstore.append import prepare
from eventstore.errors import InvalidEvent
from eventstore.limits import MAX_EVENTS_PER_CALL
from eventstore.writing.wire import arguments, bodies, receipts

REGISTRY = EventRegistry()


class Noted(Event, event_type="unit.noted", retention="audit", registry=REGISTRY):
    text: str = ""


def test_expected_versions_are_named() -> None:
    assert (str(ANY), str(NO_STREAM), str(STREAM_EXISTS)) == ("ANY", "NO_STREAM", "STREAM_EXISTS")
    assert (ANY, STREAM_EXISTS, NO_STREAM) == (-2, -1, 0)


def test_a_body_holds_what_was_said() -> None:
    run, cause = uuid4(), uuid4()
    noted = Noted(text="a")
    moment = datetime(2025, 1, 2, 3, tzinfo=timezone(timedelta(hours=1)))
    request = prepare(
        [
            Append(
                "s-1",
                [noted],
                agent="x",
                target_agent="y",
                correlation_id=run,
                causation_id=cause,
                occurred_at=moment,
                metadata={"b": 1, "a": 2},
            )
        ],
        registry=REGISTRY,
    )
    assert request.event_ids == (noted.event_id,)
    (sent,) = bodies(request)
    assert b'"d":{"text":"a"}' in sent
    assert b'"m":{"a":2,"b":1}' in sent
    body = orjson.loads(sent)
    assert datetime.fromisoformat(body.pop("o")) == moment
    assert body == {
        "t": "unit.noted",
        "v": 1,
        "k": str(run),
        "u": str(cause),
        "g": "x",
        "h": "y",
        "r": "audit",
        "d": {"text": "a"},
        "m": {"a": 2, "b": 1},
    }


def test_tags_are_sent_sorted_when_there_are_any() -> None:
    request = prepare(
        [Append("s-1", [Noted()]), Append("s-1", [Noted()], tags=("b", "é", "a"))],
        registry=REGISTRY,
    )
    assert [orjson.loads(body).get("x") for body in bodies(request)] == [None, ["a", "b", "é"]]


def test_the_correlation_defaults_to_the_event_itself() -> None:
    noted = [Noted(), Noted()]
    request = prepare([Append("s-1", noted)], registry=REGISTRY)
    assert [orjson.loads(body)["k"] for body in bodies(request)] == [
        str(one.event_id) for one in noted
    ]


@pytest.mark.parametrize("hours", [14, -14, 23.99, 30.5 / 3600])
def test_occurred_at_is_sent_in_utc(hours: float) -> None:
    moment = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=hours)))
    request = prepare([Append("s-1", [Noted()], occurred_at=moment)], registry=REGISTRY)
    sent = orjson.loads(next(bodies(request)))["o"]
    assert datetime.fromisoformat(sent) == moment
    assert sent.endswith("+00:00")


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-1))),
    ],
)
def test_a_moment_that_no_reader_could_hold_is_refused(moment: datetime) -> None:
    with pytest.raises(InvalidEvent, match="occurred_at"):
        prepare([Append("s-1", [Noted()], occurred_at=moment)], registry=REGISTRY)


def test_the_ends_of_the_calendar_are_allowed() -> None:
    for moment in (datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        prepare([Append("s-1", [Noted()], occurred_at=moment)], registry=REGISTRY)


def test_too_many_events_in_a_call() -> None:
    many = [Noted() for _ in range(MAX_EVENTS_PER_CALL + 1)]
    with pytest.raises(InvalidEvent, match="10,001 events in one append, the limit is 10,000"):
        prepare([Append("s-1", many)], registry=REGISTRY)


def test_too_many_bytes_in_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventstore.append.MAX_CALL_BYTES", 2_000)
    prepare([Append("s-1", [Noted(text="x" * 500) for _ in range(2)])], registry=REGISTRY)
    with pytest.raises(InvalidEvent, match="bytes in one append, the limit is 2,000"):
        prepare([Append("s-1", [Noted(text="x" * 500) for _ in range(4)])], registry=REGISTRY)


def test_an_event_twice_in_one_call() -> None:
    noted = Noted()
    for appends in (
        [Append("s-1", [noted, noted])],
        [Append("s-1", [noted]), Append("s-2", [noted])],
    ):
        with pytest.raises(InvalidEvent, match=f"event {noted.event_id} stands twice"):
            prepare(appends, registry=REGISTRY)


def test_a_class_of_another_registry_is_unknown() -> None:
    with pytest.raises(InvalidEvent, match=r"unit\.noted: unknown event type"):
        prepare([Append("s-1", [Noted()])], registry=EventRegistry())


def test_one_call_for_several_requests() -> None:
    first = prepare([Append("b-1", [Noted(), Noted()], 4), Append("a-1", [Noted()])],
                    registry=REGISTRY)  # fmt: skip
    second = prepare([Append("b-1", [Noted()], NO_STREAM)], registry=REGISTRY)
    sent = arguments("acme", [first, second])
    assert sent["tenant"] == "acme"
    assert sent["stream_ids"] == '{"a-1","b-1"}'
    assert sent["append_request"] == "{0,0,1}"
    assert sent["append_stream"] == "{2,1,2}"
    assert sent["append_expected"] == "{4,-2,0}"
    assert sent["append_events"] == "{2,1,1}"
    ids = [*first.event_ids, *second.event_ids]
    assert sent["event_ids"] == "{" + ",".join(map(str, ids)) + "}"
    assert len(orjson.loads(sent["bodies"])) == 4


def test_streams_are_sorted_bytewise() -> None:
    names = ["é-1", "z-1", "Z-1", "a-1", "\U0001f600-1", "\uffe0-1"]
    request = prepare([Append(name, [Noted()]) for name in names], registry=REGISTRY)
    expected = ",".join(f'"{name}"' for name in sorted(names, key=str.encode))
    assert arguments("t", [request])["stream_ids"] == "{" + expected + "}"


def test_receipts_share_out_the_answer() -> None:
    one, two, three = Noted(), Noted(), Noted()
    request = prepare([Append("a-1", [one, two]), Append("b-1", [three])], registry=REGISTRY)
    assert receipts(request, [11, 12, 14], [5, 6, 1]) == [
        Receipt("a-1", 6, (11, 12), (one.event_id, two.event_id)),
        Receipt("b-1", 1, (14,), (three.event_id,)),
    ]
    assert receipts(request, [11, 12, 14], [5, 6, 1])[0].position == 12


@pytest.mark.parametrize("wrong", [None, UUID(int=1), "", b"s", 5, "x" * 256, "a\x00", "-1", "a\n"])
def test_a_stream_id_is_a_short_printable_name(wrong: object) -> None:
    with pytest.raises(InvalidEvent, match="stream_id"):
        prepare([Append(wrong, [Noted()])], registry=REGISTRY)  # type: ignore[arg-type]
