"""Which value of a setting wins, and what a senseless one leads to."""

from __future__ import annotations

from pathlib import Path

import pytest

from eventstore.config import load, mask
from eventstore.errors import ConfigurationError

URL = "postgresql://app:secret@db.example/store"


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_any_setting_the_server_is_embedded() -> None:
    settings = load()
    assert settings.database_url is None
    assert settings.tenant == "default"
    assert set(settings.origins.values()) == {"default"}


def test_the_first_name_that_is_set_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each source in turn is put in front of all that follow it."""
    dotenv = Path(".env")
    dotenv.write_text("DATABASE_HOST=a\nDATABASE_NAME=b\n")
    assert origin() == "DATABASE_* (.env)"
    dotenv.write_text(dotenv.read_text() + f"DATABASE_URL={URL}\n")
    assert origin() == "DATABASE_URL (.env)"
    dotenv.write_text(dotenv.read_text() + f"EVENTSTORE_DATABASE_URL={URL}\n")
    assert origin() == "EVENTSTORE_DATABASE_URL (.env)"
    monkeypatch.setenv("DATABASE_HOST", "h")
    monkeypatch.setenv("DATABASE_NAME", "n")
    assert origin() == "DATABASE_* (environment)"
    monkeypatch.setenv("DATABASE_URL", URL)
    assert origin() == "DATABASE_URL (environment)"
    monkeypatch.setenv("EVENTSTORE_DATABASE_URL", URL)
    assert origin() == "EVENTSTORE_DATABASE_URL (environment)"
    assert origin(URL) == "--database-url"


def origin(flag: str | None = None) -> str:
    return load(flag).origins["database_url"]


def test_other_settings_have_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("EVENTSTORE_TENANT=from-file\n")
    assert load().tenant == "from-file"
    monkeypatch.setenv("EVENTSTORE_TENANT", "from-environment")
    assert load().tenant == "from-environment"
    settings = load(tenant="from-flag")
    assert (settings.tenant, settings.origins["tenant"]) == ("from-flag", "--tenant")


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("DATABASE_HOST", "")
    monkeypatch.setenv("EVENTSTORE_TENANT", "")
    assert load().database_url is None
    assert load().tenant == "default"


@pytest.mark.parametrize(
    ("parts", "url"),
    [
        ({"HOST": "h", "NAME": "n"}, "postgresql://h/n"),
        (
            {"HOST": "h", "PORT": "6432", "NAME": "n", "USER": "u", "PASSWORD": "p@/:? %"},
            "postgresql://u:p%40%2F%3A%3F%20%25@h:6432/n",
        ),
        ({"HOST": "/run/pg", "NAME": "n", "USER": "u"}, "postgresql://u@%2Frun%2Fpg/n"),
        ({"HOST": "::1", "PORT": "5432", "NAME": "n"}, "postgresql://[::1]:5432/n"),
    ],
)
def test_parts_make_a_url(parts: dict[str, str], url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for part, value in parts.items():
        monkeypatch.setenv(f"DATABASE_{part}", value)
    assert load().database_url == url


@pytest.mark.parametrize("missing", ["HOST", "NAME"])
def test_half_a_set_of_parts_is_refused(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in {"HOST", "NAME", "PASSWORD"} - {missing}:
        monkeypatch.setenv(f"DATABASE_{part}", "x")
    with pytest.raises(ConfigurationError, match=f"DATABASE_{missing}: not set, but .* is"):
        load()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("EVENTSTORE_POOL_MAX_SIZE", "many"),
        ("EVENTSTORE_POOL_MAX_SIZE", "0"),
        ("EVENTSTORE_POOL_MIN_SIZE", "11"),
        ("EVENTSTORE_COMMAND_TIMEOUT", "nan"),
        ("EVENTSTORE_COMMAND_TIMEOUT", "-1"),
        ("EVENTSTORE_LOCK_TIMEOUT", "soon"),
        ("EVENTSTORE_MAX_PAYLOAD_BYTES", "1e3"),
        ("EVENTSTORE_TENANT", "t" * 129),
        ("EVENTSTORE_TENANT", "a\tb"),
        ("EVENTSTORE_HOME", "~nobody-of-that-name/x"),
    ],
)
def test_a_senseless_value_is_named_with_its_source(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as raised:
        load()
    assert variable in str(raised.value)
    assert "environment" in str(raised.value)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    "url", ["postgresql://u:hunter2%zz@h/x", "host=h password=hunter2 port", "hunter2"]
)
def test_a_malformed_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(url)
    assert "--database-url" in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_url_to_read_from_is_named_by_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"^read_url: the value of --read-url is no"):
        load(read_url="nonsense")
    monkeypatch.setenv("EVENTSTORE_READ_URL", "nonsense")
    with pytest.raises(ConfigurationError, match=r"of EVENTSTORE_READ_URL \(environment\) is no"):
        load()
    assert load("postgresql://there/db").read_url is None


def test_a_url_for_another_driver_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"write postgresql:// instead"):
        load("postgresql+asyncpg://u@h/x")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@h/x", "postgresql://u:***@h/x"),
        ("postgresql://u@h/x", "postgresql://u@h/x"),
        ("postgresql://h:5432/x", "postgresql://h:5432/x"),
        ("postgresql://h/x?user=u&password=secret", "postgresql://h/x?user=u&password=***"),
        ("host=h password='se cret' dbname=x", "host=h password=*** dbname=x"),
        ("postgresql://u:s%40cret@h1,h2/x", "postgresql://u:***@h1,h2/x"),
    ],
)
def test_passwords_are_masked(url: str, shown: str) -> None:
    assert mask(url) == shown
    assert load(url).shown()["database_url"] == shown
