"""Which versions of an artifact a rule removes: a pure function, for who decides to clean up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["CleanUpRule", "removable"]


class CleanUpRule(BaseModel):
    """What is kept: the newest so many versions, and those younger than so many days.

    A version is kept for either reason; a part that is null keeps nothing. The newest version is
    kept in any case.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep_newest: Annotated[int, Field(ge=1)] | None = None
    keep_days: Annotated[int, Field(ge=0, le=36_500)] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.keep_newest is None and self.keep_days is None:
            raise ValueError("say what to keep: keep_newest, keep_days or both")
        return self


def removable(added: Mapping[int, datetime], rule: CleanUpRule, now: datetime) -> list[int]:
    """The version numbers that the rule removes, ascending; `added` says when each was added.

    A version that is exactly `keep_days` old is removed.
    """
    newest_first = sorted(added, reverse=True)
    kept = set(newest_first[: rule.keep_newest or 1])
    if rule.keep_days is not None:
        oldest = now - timedelta(days=rule.keep_days)
        kept.update(number for number, moment in added.items() if moment > oldest)
    return [number for number in reversed(newest_first) if number not in kept]
