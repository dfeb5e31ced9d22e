"""What the documentation shows is run: its Python, and the names of its commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from eventstore.cli.main import app

ROOT = Path(__file__).parents[2]
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND_LINE = re.compile(r"^    eventstore (.+?)(?:\s{2,}|$)", re.MULTILINE)


@pytest.mark.parametrize("page", ["README.md", "docs/guide.md"])
def test_the_examples_of_a_page_run_in_order(
    page: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENTSTORE_DATABASE_URL", database_url)
    blocks = PYTHON_BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    assert blocks
    names: dict[str, object] = {"__name__": f"example_{page}"}
    for block in blocks:
        exec(compile(block, page, "exec", dont_inherit=True), names)


def _documented() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for line in COMMAND_LINE.findall((ROOT / "README.md").read_text(encoding="utf-8")):
        group, *rest = line.split()
        names = [word for word in rest if re.fullmatch(r"[a-z][a-z-]*", word)]
        alternatives = names if "|" in rest else names[:1]
        found += [(group, name) for name in alternatives] or [(group,)]
    return found


@pytest.mark.parametrize("path", _documented(), ids=" ".join)
def test_a_documented_command_exists(path: tuple[str, ...]) -> None:
    command: Any = typer.main.get_command(app)
    for name in path:
        command = command.get_command(None, name)
        assert command is not None, f"eventstore {' '.join(path)} is documented, and missing"
    assert command.help
