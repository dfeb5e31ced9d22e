"""What the documentation shows is run: its Python, and the names of its commands."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer.main

from eventstore import errors
from eventstore.cli.main import app
from eventstore.config import _SETTINGS
from eventstore.connection.database import connect
from eventstore.errors import ConditionFailed
from projections.builds.rebuild import rebuild

ROOT = Path(__file__).parents[2]
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
SQL_FILE = re.compile(r"^```sql\n(-- (\w+\.sql)\n.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND_LINE = re.compile(r"^    eventstore (.+?)(?:\s{2,}|$)", re.MULTILINE)


Run = Callable[[str], dict[str, Any]]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the Python of a page, as a module that lies beside the page's SQL files."""
    monkeypatch.setenv("EVENTSTORE_DATABASE_URL", database_url)

    def run(page: str) -> dict[str, Any]:
        text = (ROOT / page).read_text(encoding="utf-8")
        for content, name in SQL_FILE.findall(text):
            (tmp_path / name).write_text(content)
        module = ModuleType(f"example_{page}")
        module.__file__ = str(tmp_path / "example.py")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        blocks = PYTHON_BLOCK.findall(text)
        assert blocks
        for block in blocks:
            exec(compile(block, page, "exec", dont_inherit=True), vars(module))
        return vars(module)

    return run


def test_the_examples_of_the_readme_run_in_order(run: Run) -> None:
    run("README.md")


def test_the_examples_of_the_guide_run_in_order(run: Run, database_url: str) -> None:
    """And its read model is what its commands would make of it."""
    names = run("docs/guide.md")
    rebuild(database_url, names["Orders"]())
    in_sql = rebuild(database_url, names["OrdersInSql"]())
    assert in_sql.events > 0
    assert "schema_version 1" in str(in_sql.why_not_sql)  # of the guide's first shipment
    with connect(database_url, role="auditor") as conn:
        found = conn.execute("SELECT order_id, title, carrier FROM orders").fetchall()
    assert (names["order"], "six cells", "mule") in found


def test_the_example_of_the_search_page_runs(run: Run) -> None:
    run("docs/search.md")


def test_the_examples_of_the_subscriptions_page_run(run: Run) -> None:
    run("docs/subscriptions.md")


def test_the_examples_of_the_tags_page_run_in_order(run: Run) -> None:
    names = run("docs/tags.md")
    names["enrol"](student=2, course=9)
    with pytest.raises(ValueError, match="no seat"):
        names["enrol"](student=3, course=9)
    with pytest.raises(ConditionFailed):
        names["take"]("ann", owner="2")
    names["store"].close()


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


def test_the_guide_has_every_error_and_every_setting() -> None:
    guide = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
    variables = {variable for variable, _, _ in _SETTINGS.values()}
    named = {*errors.__all__, *variables, "EVENTSTORE_DATABASE_URL"} - {"EventStoreError"}
    assert {name for name in named if f"`{name}`" not in guide} == set()
