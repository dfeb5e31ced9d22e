"""The form of foreign records: checked against pydantic models that keep what they do not name."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from eventstore.event import invalid
from eventstore.ingest.reader import BrokenFile

__all__ = [
    "LocalMoment",
    "Moment",
    "Part",
    "Text",
    "checked",
    "digest",
    "document",
    "heading",
    "word",
]

_WORD: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_LONGEST_HEADING: Final = 255


def _moment(value: object) -> datetime:
    moment = _local_moment(value)
    if moment.tzinfo is None:
        raise ValueError("has no time zone")
    return moment.astimezone(UTC)


def _local_moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise ValueError("is no ISO 8601 time, such as 2026-05-15T19:44:21.608Z")
    if not 1970 <= moment.year < 3000:
        raise ValueError("is not in the years 1970 to 2999")
    return moment


Text = Annotated[str, Field(min_length=1)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A time with its zone, as UTC."""
LocalMoment = Annotated[datetime, BeforeValidator(_local_moment)]
"""A time as written, with a zone or without."""


class Part(BaseModel):
    """A part of a record; what it does not name is kept, and goes into the log with its event."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")

    @property
    def rest(self) -> dict[str, Any]:
        """What the form does not name."""
        return self.model_extra or {}

    @property
    def given(self) -> dict[str, Any]:
        """All of it that is not null, under its names in the file."""
        named = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in named.items() if value is not None} | self.rest


P = TypeVar("P", bound=Part)


def checked(form: type[P], value: object) -> P:
    """A value in that form; raises BrokenFile with the first flaw and the way to it."""
    if not isinstance(value, dict):
        raise BrokenFile(f"is a JSON {_kind(value)}, not an object")
    try:
        return form.model_validate(value)
    except ValidationError as error:
        flaw = invalid(error, "")
        raise BrokenFile(flaw.reason, path=flaw.path) from None


def document(data: bytes) -> Any:
    """A JSON document; raises BrokenFile."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BrokenFile(f"is no JSON: {error}") from None


def digest(record: object) -> str:
    """What names a record that has no name: the same however the JSON is laid out."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def heading(text: str, otherwise: str) -> str:
    """The first line that is not empty, as a title."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return next((line[:_LONGEST_HEADING] for line in lines if line), otherwise)


def word(text: object, otherwise: str) -> str:
    """The text itself if it can name a kind of something, else the other word."""
    return text if isinstance(text, str) and _WORD.fullmatch(text) else otherwise


def _kind(value: object) -> str:
    kinds = {list: "array", str: "string", bool: "boolean", type(None): "null"}
    return kinds.get(type(value), "number")
