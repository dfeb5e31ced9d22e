"""Markdown as GitHub and mkdocs read it: text made safe, code, links, tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

__all__ = ["code", "link", "page", "table", "text"]

_SPECIAL: Final = re.compile(r"`[^`]*`|[\\*<]")


def text(words: str | None) -> str:
    """Words that somebody else wrote, in one line; only backquotes keep their meaning."""
    line = " ".join((words or "").split())
    return _SPECIAL.sub(lambda found: found[0] if found[0][0] == "`" else f"\\{found[0]}", line)


def code(words: str) -> str:
    """Code in one line."""
    line = " ".join(words.split())
    return f"`` {line} ``" if "`" in line else f"`{line}`"


def link(words: str, to: str) -> str:
    """A link whose words are the name of something."""
    return f"[{code(words)}]({to})"


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown, in which only the bar is made safe."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def page(mark: str, *blocks: str) -> str:
    """A page of these blocks, the empty ones left out, with a mark that readers don't see."""
    return "\n\n".join((f"<!-- {mark} -->", *filter(None, blocks))) + "\n"
