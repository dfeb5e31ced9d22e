"""What the functions of the log answer, as an outcome for each request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from eventstore.append import Receipt, Request
from eventstore.encoding.binary import bigints
from eventstore.errors import (
    AppendRefused,
    ConcurrencyConflict,
    ConditionFailed,
    DuplicateEventId,
    StreamClosed,
    StreamNotClosed,
    ValueTaken,
)
from eventstore.writing.wire import receipts

__all__ = ["REFUSALS", "Outcomes", "outcomes_of", "recorded", "refusal"]

Outcomes = list[list[Receipt] | AppendRefused]
"""Of each request: a receipt for each of its appends, or why it was refused."""
# The facts of a refusal are in its DETAIL.
REFUSALS: Final = {"ES001", "ES002", "ES006", "ES007", "ES008", "ES009"}


def recorded(answer: bytes, requests: Sequence[Request]) -> Outcomes:
    """What one of the short ways answers, which refuses nothing."""
    numbers = bigints(answer)
    if len(requests) > 1 or len(requests[0].appends) > 1:
        # The stream_version of each event, and then the position of each.
        middle = len(numbers) // 2
        return outcomes_of(numbers[middle:], numbers[:middle], [], requests)
    before, *positions = numbers
    request, append = requests[0], requests[0].appends[0]
    stream_version = before + len(positions)
    return [[Receipt(append.stream_id, stream_version, tuple(positions), request.event_ids)]]


def outcomes_of(
    positions: Sequence[int],
    stream_versions: Sequence[int],
    refusals: Sequence[dict[str, Any]],
    requests: Sequence[Request],
) -> Outcomes:
    """Of requests whose events lie one after the other in the answer."""
    refused = {entry["request"]: entry for entry in refusals}
    outcomes: Outcomes = []
    at = 0
    for number, request in enumerate(requests):
        until = at + len(request.event_ids)
        if number in refused:
            outcomes.append(refusal(refused[number], request))
        else:
            outcomes.append(receipts(request, positions[at:until], stream_versions[at:until]))
        at = until
    return outcomes


def refusal(entry: dict[str, Any], request: Request) -> AppendRefused:
    """The error for an entry of the refusals that the database answers."""
    detail = entry["detail"]
    if entry["sqlstate"] == "ES008":
        assert request.guards is not None, "only conditions are refused so"
        failed = request.guards.conditions[detail["condition"]]
        return ConditionFailed(failed.query, failed.after, detail["position"], detail["event_type"])
    stream_id = detail["stream_id"]
    if entry["sqlstate"] == "ES001":
        # The expectation in the writer's own words: NO_STREAM rather than 0.
        said = next(
            (
                append.expected_version
                for append in request.appends
                if append.stream_id == stream_id
                and int(append.expected_version) == detail["expected"]
            ),
            detail["expected"],
        )
        return ConcurrencyConflict(stream_id, said, detail["actual"] or 0)
    if entry["sqlstate"] == "ES007":
        return StreamClosed(stream_id, datetime.fromisoformat(detail["closed_at"]))
    if entry["sqlstate"] == "ES009":
        return StreamNotClosed(stream_id)
    if entry["sqlstate"] == "ES006":
        return ValueTaken(detail["scope"], detail["value"], detail["held_by"])
    return DuplicateEventId(
        UUID(detail["event_id"]), stream_id, detail["recorded_in"], detail["reason"]
    )
