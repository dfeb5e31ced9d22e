"""Which versions of an artifact a rule removes: a pure function, for who decides to clean up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

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


def removable(
    versions: Sequence[tuple[UUID, datetime]], rule: CleanUpRule, now: datetime
) -> list[UUID]:
    """The versions that the rule removes; given are those that there are, the oldest first.

    Each comes with the moment at which it was added. One that is exactly `keep_days` old goes.
    """
    old = versions[: -(rule.keep_newest or 1)]
    if rule.keep_days is None:
        return [version for version, _ in old]
    limit = now - timedelta(days=rule.keep_days)
    return [version for version, added in old if added <= limit]
