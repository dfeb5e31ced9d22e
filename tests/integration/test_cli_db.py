"""`eventstore db`, `eventstore config` and the root, as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, version
from pathlib import Path
from typing import Any

import pytest
import typer

from eventstore.cli import main as root
from eventstore.embedded import EmbeddedServer
from eventstore.schema import revision as schema
from tests.commands import run_here

Run = Callable[..., subprocess.CompletedProcess[str]]
HEAD = schema.revisions()[-1]
FIRST = schema.revisions()[0]


@pytest.fixture
def run(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs `eventstore` with a home of its own, in an empty directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVENTSTORE_HOME", str(home))

    def call(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            return run_here(capsys, *words)

    return call


@pytest.fixture
def start(home: Path, tmp_path: Path) -> Run:
    """The same in a process of its own, as a shell runs it."""

    def call(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "eventstore", *words],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"EVENTSTORE_HOME": str(home)} | environment,
        )

    return call


def done(ended: subprocess.CompletedProcess[str]) -> Any:
    """The JSON that a command printed when it succeeded, else what it said."""
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def failed(ended: subprocess.CompletedProcess[str], exit_code: int) -> str:
    """The message of a command that failed as it should: short, and no traceback."""
    assert ended.returncode == exit_code, (ended.stdout, ended.stderr)
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("\n") <= 2
    return ended.stderr


def test_the_life_of_an_embedded_server(run: Run, start: Run, home: Path) -> None:
    assert done(run("db", "status", "--json"))["state"] == "absent"
    up = done(start("db", "up", "--json"))
    assert (up["state"], up["revision"], up["home"]) == ("running", HEAD, str(home))
    assert run("db", "up").stdout.startswith("url  postgresql://eventstore@/eventstore?host=")
    assert done(run("db", "status", "--json")) == up
    assert run("db", "url").stdout.strip() == up["url"]
    assert done(run("db", "url", "--json")) == {"url": up["url"]}
    assert done(run("db", "bootstrap", "--json")) == {"bootstrapped": True, "login": "eventstore"}
    assert done(run("db", "down", "--json")) == {"stopped": True}
    assert done(run("db", "down", "--json")) == {"stopped": False}
    assert done(run("db", "status", "--json"))["state"] == "stopped"


def test_psql_speaks_to_the_store_as_an_auditor(start: Run) -> None:
    ended = start("db", "psql", "--", "-Atc", "SELECT current_user, count(*) FROM events")
    assert (ended.returncode, ended.stdout) == (0, "eventstore_auditor|0\n"), ended.stderr
    ended = start("db", "psql", "--role", "owner", "--", "-Atc", "SELECT current_user")
    assert ended.stdout == "eventstore_owner\n"
    refused = start("db", "psql", "--", "-v", "ON_ERROR_STOP=1", "-c", "DELETE FROM events")
    assert refused.returncode == 1
    assert "permission denied" in refused.stderr


def test_migrations_up_and_down(run: Run, database_url: str) -> None:
    on = ("--database-url", database_url, "--json")
    assert done(run("db", "current", *on)) == {"revision": HEAD}
    assert done(run("db", "upgrade", *on)) == {"before": HEAD, "after": HEAD}
    assert done(run("db", "downgrade", "base", "--yes", *on)) == {"before": HEAD, "after": None}
    assert done(run("db", "current", *on)) == {"revision": None}
    assert done(run("db", "upgrade", FIRST, *on)) == {"before": None, "after": FIRST}
    history = done(run("db", "history", *on))
    assert [each["revision"] for each in history if each["applied"]] == [FIRST]
    checked = run("db", "check", *on)
    assert checked.returncode == 6
    assert "behind" in json.loads(checked.stdout)[0]["detail"]
    assert done(run("db", "upgrade", *on)) == {"before": FIRST, "after": HEAD}
    assert all(finding["ok"] for finding in done(run("db", "check", *on)))
    assert done(run("db", "stamp", FIRST, *on)) == {"before": HEAD, "after": FIRST}


def test_people_get_tables_and_remarks(run: Run, database_url: str) -> None:
    on = {"DATABASE_URL": database_url}
    assert run("db", "current", **on).stdout == f"{HEAD}\n"
    assert run("db", "upgrade", **on).stderr == f"nothing to do: at {HEAD}\n"
    table = run("db", "history", **on).stdout.splitlines()
    assert table[0].split() == ["revision", "applied", "current", "summary"]
    assert [line.split()[0] for line in table[2:]] == list(schema.revisions())
    assert "\x1b" not in run("db", "check", **on).stdout


def test_a_downgrade_asks_first(run: Run, database_url: str) -> None:
    ended = run("db", "downgrade", "base", "--database-url", database_url)
    assert "--yes" in failed(ended, 2)
    assert done(run("db", "current", "--database-url", database_url, "--json"))["revision"] == HEAD


def test_bootstrap_then_upgrade_as_two_people(
    run: Run, server: EmbeddedServer, empty_database: str
) -> None:
    mine = server.url(empty_database)
    assert "eventstore db bootstrap" in failed(run("db", "upgrade", "--database-url", mine), 4)
    admin = server.admin_url(empty_database)
    given = run("db", "bootstrap", "--database-url", admin, "--login", "eventstore", "--json")
    assert done(given) == {"bootstrapped": True, "login": "eventstore"}
    assert done(run("db", "upgrade", "--database-url", mine, "--json"))["after"] == HEAD


@pytest.mark.parametrize(
    ("words", "exit_code", "part"),
    [
        (("db", "upgrade", "7777"), 2, "db history"),
        (("db", "bootstrap", "--login", "nobody-here"), 2, "CREATE ROLE"),
    ],
)
def test_mistakes_are_answered_in_a_line(
    run: Run, admin_url: str, words: tuple[str, ...], exit_code: int, part: str
) -> None:
    assert part in failed(run(*words, "--database-url", admin_url), exit_code)


def test_a_server_that_is_not_there(run: Run, tmp_path: Path) -> None:
    nowhere = f"postgresql://u:secret@/x?host={tmp_path}"
    for words in (("status",), ("upgrade",), ("current",), ("check",), ("history",)):
        said = failed(run("db", *words, "--database-url", nowhere), 4)
        assert "can't be reached" in said
        assert "secret" not in said


def test_an_error_as_json_carries_its_facts(run: Run) -> None:
    ended = run("db", "current", "--json", "--database-url", "postgresql+asyncpg://u@h/x")
    document = json.loads(failed(ended, 2))
    assert document["error"] == "ConfigurationError"
    assert document["facts"]["setting"] == "database_url"
    assert "write postgresql://" in document["message"]


def test_up_refuses_to_start_somebody_elses_server(run: Run) -> None:
    said = failed(run("db", "up", DATABASE_URL="postgresql://db.example/x"), 2)
    assert "DATABASE_URL (environment)" in said


def test_config_show_says_where_each_setting_came_from(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("EVENTSTORE_LOCK_TIMEOUT=3\n")
    url = "postgresql://u:secret@h/x"
    ended = run("config", "show", "--json", "--tenant", "acme", DATABASE_URL=url)
    shown = {each["setting"]: (each["value"], each["origin"]) for each in done(ended)}
    assert shown["database_url"] == ("postgresql://u:***@h/x", "DATABASE_URL (environment)")
    assert shown["tenant"] == ("acme", "--tenant")
    assert shown["lock_timeout"] == (3.0, "EVENTSTORE_LOCK_TIMEOUT (.env)")
    assert shown["pool_max_size"] == (10, "default")


def test_a_password_is_shown_only_on_request(run: Run) -> None:
    url = "postgresql://u:secret@h/x"
    assert run("db", "url", DATABASE_URL=url).stdout == "postgresql://u:***@h/x\n"
    assert run("db", "url", "--reveal", DATABASE_URL=url).stdout == f"{url}\n"


def test_global_options_go_before_or_after_the_command(run: Run) -> None:
    after = run("config", "show", "--json", "--tenant", "acme")
    assert done(after) == done(run("--json", "--tenant", "acme", "config", "show"))


def test_the_version(start: Run) -> None:
    assert start("--version").stdout == f"eventstore {version('agent-eventstore')}\n"


@pytest.mark.parametrize("words", [(), ("db",), ("confgi",), ("db", "status", "--bogus")])
def test_usage_errors(start: Run, words: tuple[str, ...]) -> None:
    ended = start(*words)
    assert ended.returncode == 2
    assert "Usage: eventstore" in ended.stdout + ended.stderr


def test_a_similar_command_is_suggested(run: Run) -> None:
    assert "'config'" in run("confgi").stderr


def test_a_reader_that_goes_away_is_no_error(run: Run, home: Path) -> None:
    command = [sys.executable, "-m", "eventstore", "config", "show"]
    environment = os.environ | {"EVENTSTORE_HOME": str(home)}
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        command, stdout=write, stderr=subprocess.PIPE, env=environment, check=False, timeout=60
    )
    os.close(write)
    assert ended.stderr == b""


def test_a_command_of_another_package_that_fails_to_load(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named on stderr, and every other command goes on working."""
    broken = EntryPoint("broken", "nowhere.to_be_found:app", root.GROUP)
    monkeypatch.setattr(root, "entry_points", lambda group: [broken])
    assert root.main(["--help"]) == 0
    told = capsys.readouterr()
    assert "the command broken can't be loaded: No module named 'nowhere'" in told.err
    assert "config" in told.out
    assert root.main(["broken"]) == 2
    assert root.main(["config", "show"]) == 0


def test_our_own_commands_cannot_be_replaced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    thief = EntryPoint("config", "nowhere.to_be_found:app", root.GROUP)
    monkeypatch.setattr(root, "entry_points", lambda group: [thief])
    assert root.main(["config", "show"]) == 0
    assert capsys.readouterr().err == ""


def test_an_interrupt_ends_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = typer.Typer()

    @app.command()
    def wait() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(root, "_loaders", lambda: {"wait": lambda: app})
    assert root.main(["wait"]) == 130
    assert capsys.readouterr() == ("", "")
