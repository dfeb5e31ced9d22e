"""Numbers in sentences."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, noun: str) -> str:
    """Such as "1 file" and "1,044 files"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
