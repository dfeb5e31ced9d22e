"""Loads named queries from the `.sql` files that lie beside a package's code.

A query is `-- name: page_after`, then a sentence that says what it is for, then its SQL.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final, LiteralString, cast

__all__ = ["load", "named"]

_HEADING: Final = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def load(package: str, filename: str) -> dict[str, LiteralString]:
    """The queries of one file by name; `package` is the import path of the folder above it.

    They come from the package itself, never from a user, so they count as literal strings.
    """
    return named(files(package).joinpath(filename).read_text(encoding="utf-8"))


def named(text: str) -> dict[str, LiteralString]:
    """The queries in a text by name, in order; what comes before the first name is dropped."""
    parts = _HEADING.split(text)[1:]
    return {
        name: cast(LiteralString, body.strip())
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    }
