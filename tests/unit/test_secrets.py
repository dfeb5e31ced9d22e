"""Secrets in events are sealed, or the event can't be said."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter

from eventstore.encoding.codec import encode
from eventstore.errors import InvalidEvent
from eventstore.vocabulary.projects import DeploymentConfigChanged, EnvironmentChanged
from eventstore.vocabulary.secrets import OpenJson, Sealed
from eventstore.vocabulary.workspaces import IntegrationConfigured, WorkspaceServicesChanged
from projections.testing import recorded

ID = UUID(int=1)
SEALED = Sealed(ciphertext=base64.b64encode(b"what only the key opens").decode(), key_id="k1")


@pytest.mark.parametrize(
    ("config", "where"),
    [
        ({"DB_PASSWORD": "x"}, "DB_PASSWORD"),
        ({"password": "x"}, "password"),
        ({"clientSecret": "x"}, "clientSecret"),
        ({"auth": {"apiKey": "x"}}, "auth.apiKey"),
        ({"services": [{"private-key": "x"}]}, "services.private-key"),
        ({"GITHUB_TOKEN": "x"}, "GITHUB_TOKEN"),
        ({"db": "postgresql://ann:x@db/wind"}, "db"),
        ({"credentials": "x"}, "credentials"),
    ],
)
def test_what_looks_like_a_secret_is_refused(config: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidEvent, match=f"{where} looks like a secret") as refused:
        DeploymentConfigChanged(project_id=ID, deployment_config=config)
    assert refused.value.path == "deployment_config"


@pytest.mark.parametrize(
    "config",
    [
        {"DB_PASSWORD": SEALED.model_dump()},
        {"db_password_ref": "vault/wind"},
        {"DB_PASSWORD": ""},
        {"token_ttl": 30, "TOKEN": None, "keyboard": "de", "secretary": "ann"},
        {"db": "postgresql://ann@db/wind", "at": "12:30", "mail": "ann@example.org"},
    ],
)
def test_what_is_none_is_not(config: dict[str, Any]) -> None:
    said = DeploymentConfigChanged(project_id=ID, deployment_config=config)
    assert recorded(said).event == said


def test_a_variable_is_text_or_sealed() -> None:
    said = EnvironmentChanged(
        project_id=ID, environment_vars={"LOG_LEVEL": "info", "API_KEY": SEALED}
    )
    assert recorded(said).event == said
    assert b'"API_KEY":{"ciphertext":' in encode(said)
    with pytest.raises(InvalidEvent, match="API_KEY looks like a secret"):
        EnvironmentChanged(project_id=ID, environment_vars={"API_KEY": "x"})
    wrongs: list[dict[str, Any]] = [{"A B": "x"}, {"A": 1}, {"A": {"token": "x"}}]
    for wrong in wrongs:
        with pytest.raises(InvalidEvent):
            EnvironmentChanged(project_id=ID, environment_vars=wrong)


@pytest.mark.parametrize(
    "config",
    [
        {"PGPASSWORD": "x"}, {"SECRET_KEY": "x"}, {"MYSQL_PWD": "x"}, {"DB_PASS": "x"},
        {"passwords": ["x"]}, {"githubtoken": "x"}, {"ssh_key": "x"}, {"Authorization": "Bearer x"},
        {"password": {"value": "x"}}, {"dsn": "postgres://u:p/w@h/d"},
        {"origin": "https://ghp_x@example.org/r"}, {"jwt": "x"},
    ],
)  # fmt: skip
def test_secrets_by_other_names(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="looks like a secret"):
        TypeAdapter(OpenJson).validate_python(config)


@pytest.mark.parametrize(
    "config",
    [
        {"password": {"ciphertext": "c2VhbA==", "key_id": "k"}}, {"password_ref": "vault:x"},
        {"max_tokens": 4096}, {"compass": "north"}, {"site": "https://example.org/@ann"},
    ],
)  # fmt: skip
def test_what_is_no_secret(config: dict[str, Any]) -> None:
    assert TypeAdapter(OpenJson).validate_python(config) == config


@pytest.mark.parametrize("ciphertext", ["", "plain text", "c2VhbGVk\n", "c2VhbGV", "a" * 65_540])
def test_an_envelope_holds_base64(ciphertext: str) -> None:
    with pytest.raises(ValueError, match="ciphertext"):
        Sealed(ciphertext=ciphertext, key_id="k1")


def test_credentials_are_an_envelope_and_are_not_shown() -> None:
    said = IntegrationConfigured(
        integration_id=ID, service_type="github", name="GitHub", credentials=SEALED
    )
    assert recorded(said).event == said
    assert SEALED.ciphertext not in repr(said)
    for wrong in ("token", {"token": "x"}, SEALED.model_dump() | {"token": "x"}):
        with pytest.raises(InvalidEvent):
            IntegrationConfigured(
                integration_id=ID,
                service_type="github",
                name="GitHub",
                credentials=wrong,  # type: ignore[arg-type]
            )


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("https://github.example/wind.git", True),
        ("git@github.example:wind/mills.git", True),
        ("ssh://git@github.example/wind.git", True),
        ("https://ann:x@github.example/wind.git", False),
        ("wind", False),
        ("https://github.example/a b", False),
    ],
)
def test_a_repository_has_an_address_without_a_password(url: str, right: bool) -> None:
    def say() -> WorkspaceServicesChanged:
        return WorkspaceServicesChanged(
            workspace_id=ID, github_repo_url=url, sharepoint_config={}, ignis_config={}
        )

    if right:
        assert recorded(say()).event == say()
    else:
        with pytest.raises(InvalidEvent):
            say()


def test_what_is_recorded_is_not_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules of today must not make the log of yesterday unreadable."""
    said = DeploymentConfigChanged(project_id=ID, deployment_config={"site": "x"})
    in_log = recorded(said)
    monkeypatch.setattr("eventstore.vocabulary.secrets._secrets", lambda value, path: iter([path]))
    assert in_log.event == said
    with pytest.raises(InvalidEvent):
        DeploymentConfigChanged(project_id=ID, deployment_config={"site": "x"})
