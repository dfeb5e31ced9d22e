"""Secrets in events: sealed by who states them, and never in plain text.

The log keeps what it is told for ever, and everybody who may read it reads it. So a credential is
encrypted before the event is made, and a configuration that has one in plain text is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
)

from eventstore.event import READ_BACK
from eventstore.vocabulary.fields import Json, Name

__all__ = ["OpenJson", "Sealed", "refuse_secrets"]

T = TypeVar("T")

_NAME: Final = re.compile(
    r"(?:(?:^|_)pass|pass(?:word|wd|phrase)|pwd|secret|token|jwt|authorization|credential"
    r"|(?:api|access|private|secret|ssh|signing|encryption)_?key)s?$",
    re.IGNORECASE,
)
"""The end of a name whose value is a secret, and all that is in it, such as DB_PASSWORD."""
_WORD_LIMIT: Final = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_ADDRESS: Final = re.compile(r"://[^\s@/]*:[^\s@]+@|https?://[^\s@/]+@")
"""An address with a password or a token in it."""
_SEALED: Final = frozenset({"ciphertext", "key_id"})


class Sealed(BaseModel):
    """A secret as its caller encrypted it; only who has the key can open it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ciphertext: Annotated[
        str,
        StringConstraints(
            pattern=r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
            min_length=4,
            max_length=65_536,
        ),
        Field(repr=False),
    ]
    """Base64, with whatever the cipher needs beside it (nonce, tag)."""
    key_id: Name
    """Which key opens it, as its key provider calls it."""


def refuse_secrets(value: T, info: ValidationInfo) -> T:
    """The value, if no string in it looks like a secret; for the validator of a field.

    A name that ends like PASSWORD, apiKey or client_secret has its value sealed, or says in another
    name (password_ref) where it is kept. Only what is said now is judged, as for moves.
    """
    if info.context is not READ_BACK:
        for path in _secrets(value, ()):
            where = ".".join(path) or "the value"
            raise ValueError(
                f"{where} looks like a secret in plain text; seal it (ciphertext and key_id), or "
                "keep it elsewhere and say where in a name that ends in _ref"
            )
    return value


def _secrets(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The paths to strings that look like secrets."""
    if isinstance(value, str):
        names = (_WORD_LIMIT.sub("_", name) for name in path)
        if _ADDRESS.search(value) or (value and any(map(_NAME.search, names))):
            yield path
    elif isinstance(value, dict) and value.keys() != _SEALED:
        for name, inner in value.items():
            yield from _secrets(inner, (*path, str(name)))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _secrets(inner, path)


OpenJson = Annotated[Json, AfterValidator(refuse_secrets)]
"""A JSON object without secrets in plain text: a configuration."""
