"""A batch that fails as a whole is sent one by one, and each caller learns of its own."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Any, cast

from eventstore import Append, Receipt
from eventstore.append import Request, prepare
from eventstore.errors import DatabaseFault
from eventstore.writing.appender import Appender
from eventstore.writing.batch import send
from eventstore.writing.pending import Submitted
from tests.integration.log.facts import FACTS, Said


class Spoilt:
    """Appends nothing but lone requests, and chokes on one of these."""

    def append(self, requests: Sequence[Request], *_: Any) -> list[list[Receipt]]:
        if len(requests) > 1:
            raise DatabaseFault("XX000", "all of them")
        stream_id = requests[0].appends[0].stream_id
        if stream_id == "s-1":
            raise IndexError("nobody thought of this")
        return [[Receipt(stream_id, 1, (1,), requests[0].event_ids)]]


def test_whatever_one_of_them_raises_is_its_own() -> None:
    requests = [prepare([Append(f"s-{n}", [Said()])], registry=FACTS) for n in range(3)]
    batch = [Submitted(request, monotonic() + 20) for request in requests]
    assert send(cast(Appender, Spoilt()), batch, lambda: None) == []
    assert [type(each.future.exception(0)) for each in batch] == [
        type(None), IndexError, type(None),
    ]  # fmt: skip
