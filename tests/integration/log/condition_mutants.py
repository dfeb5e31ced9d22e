"""The functions that keep conditions, each with one part of them taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from eventstore.connection.database import Connection

_LOCKS = r"(    PERFORM eventstore\.lock_tags\(.*?rarest\);\n)"
MUTANTS = {
    "no lock": ("require_conditions", _LOCKS, ""),
    "a shared lock": (
        "lock_tags", r"pg_advisory_xact_lock\(", "pg_advisory_xact_lock_shared("
    ),
    "the lock after the look": (
        "require_conditions", _LOCKS + r"(.*)(END\n\$function\$)", r"\2\1\3"
    ),
    "no lock by append": ("append", r"PERFORM eventstore\.lock_tags\(.*?'\{\}'\);", ""),
    "no lock by append_several": (
        "append_several", r"PERFORM eventstore\.lock_tags\(.*?'\{\}'\);", ""
    ),
    "no gate": ("lock_tags", r"IF many AND.*?END IF;", ""),
}  # fmt: skip
"""Function, what of its text is replaced, and by what."""


@contextmanager
def mutant(admin: Connection, name: str) -> Iterator[None]:
    """One of the mutants, for the length of a block."""
    function, pattern, instead = MUTANTS[name]
    row = admin.execute(
        "SELECT pg_get_functiondef(to_regproc(%s))", [f"eventstore.{function}"]
    ).fetchone()
    assert row is not None
    changed, count = re.subn(pattern, instead, row[0], flags=re.DOTALL)
    assert count == 1
    admin.execute(changed)
    try:
        yield
    finally:
        admin.execute(row[0])
