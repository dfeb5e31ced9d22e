"""Types of the fields that several contexts share. Read-model tables have the same limits."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, ValidationInfo

from eventstore.encoding.json_schema import problem
from eventstore.encoding.moment import is_in_calendar
from eventstore.event import READ_BACK
from eventstore.limits import MAX_NAME

__all__ = [
    "AgentId",
    "Json",
    "JsonSchema",
    "Milliseconds",
    "Moment",
    "Name",
    "Number",
    "Release",
    "Sha256",
    "Share",
    "UserId",
    "Word",
]

Json = dict[str, Any]
"""A JSON object."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]
"""A name or title for people to read."""

AgentId = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME)]
"""An agent's name, as in `agent` of the events that it appends, e.g. `analyst`."""

UserId = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME)]
"""A person's id: `users.id` of the workspaces, to which every context refers."""

Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=64)]
"""A kind of something, for programs to compare: lower case, without spaces."""

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of the whole: 0 is none, 1 is all."""

Milliseconds = Annotated[int, Field(ge=0)]
"""A duration, measured by the agent."""

Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""The place of something in a series that begins at 1."""

Release = Annotated[str, StringConstraints(min_length=1, max_length=50)]
"""The version of a thing as its makers write it, such as 26.0.1."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 digest in lower-case hexadecimal."""


def _is_json_schema(value: Json, info: ValidationInfo) -> Json:
    found = None if info.context is READ_BACK else problem(value)
    if found is not None:
        raise ValueError(found)
    return value


JsonSchema = Annotated[Json, AfterValidator(_is_json_schema)]
"""A JSON Schema: of the newest dialect, 2020-12, unless its `$schema` names another one."""


def _of_the_calendar(moment: datetime) -> datetime:
    if not is_in_calendar(moment):
        raise ValueError(f"{moment} is no year 1 to 9999 in UTC")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_of_the_calendar)]
"""A time with its zone, of the years 1 to 9999 in UTC: others no reader could hold."""
