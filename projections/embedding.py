"""How a row with a text comes to have an embedding of it: part of the rules of every context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from eventstore.vocabulary.embedding import Embedded, joined_text, text_hash
from projections.errors import MissingRow
from projections.projection import Rows
from projections.row import Row

__all__ = ["take_embedding", "text_of"]


def text_of(table: type[Row], values: Mapping[str, Any]) -> str:
    """What a row of a searchable table says: its texts, and JSON with its keys in order."""
    said = (values[column] for column in table.SEARCHED)
    return joined_text(_words(value) for value in said if value is not None)


def take_embedding(table: type[Row], event: Embedded, rows: Rows) -> None:
    """Gives the row that the event names its embedding, unless the row says something else now.

    To compute one takes a while, and meanwhile the row may have changed or gone. That is nobody's
    mistake, and the embedding of what the row says now is on its way, so the late one is left
    aside: to refuse it would hold up all that comes after it for the row.
    """
    try:
        row: Any = rows.see(table)
    except MissingRow:
        return
    if text_hash(text_of(table, vars(row))) == event.text_hash:
        row = rows.get(table)
        row.embedding, row.embedding_model = event.vector, event.model


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
