"""The types of work items: those that everybody has, and those that a deployment registers."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints, ValidationInfo

from eventstore.event import READ_BACK

__all__ = ["WorkItemType", "register_work_item_type", "work_item_types"]

_FORM: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_types = {"INVOICE", "TICKET", "STATUS_REPORT"}


def register_work_item_type(name: str) -> str:
    """Lets work items of type `name` be queued in this process; returns the name.

    Only who says it has to know a type: what is recorded is read without. Raises ValueError when
    the name is not upper case, digits and underscores.
    """
    if not _FORM.fullmatch(name):
        raise ValueError(f"work item type {name!r} is not like STATUS_REPORT, at most 64 long")
    _types.add(name)
    return name


def work_item_types() -> frozenset[str]:
    """The types that may be queued in this process."""
    return frozenset(_types)


def _is_known(value: str, info: ValidationInfo) -> str:
    if info.context is not READ_BACK and value not in _types:
        known = ", ".join(sorted(_types))
        raise ValueError(f"{value} is none of {known}; see register_work_item_type")
    return value


WorkItemType = Annotated[
    str, StringConstraints(pattern=f"^{_FORM.pattern}$"), AfterValidator(_is_known)
]
"""INVOICE, TICKET, STATUS_REPORT, or one that the deployment registered."""
