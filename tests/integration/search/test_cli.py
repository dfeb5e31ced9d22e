"""`eventstore search`: what it prints, and what it says when it can't."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from eventstore import EventStore
from eventstore.cli.main import main
from eventstore.vocabulary import packaging
from projections.packaging import Packaging
from tests.integration.projections.running import catch_up, number, until

ITEMS = {
    1: ("Silent install", "Run the setup with /S and wait for it"),
    2: ("Restart", "Some installers ask for a restart"),
}


@pytest.fixture
def url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with two items, which is also what commands work on."""
    monkeypatch.setenv("EVENTSTORE_DATABASE_URL", database_url)
    with EventStore.open(database_url) as store:
        for n, (title, content) in ITEMS.items():
            added = packaging.KnowledgeItemAdded(
                knowledge_item_id=number(n), title=title, content=content
            )
            store.append(f"knowledge_item-{n}", [added])
    assert not catch_up(database_url, Packaging())
    return database_url


def run(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """What a command prints as JSON."""
    assert main(["search", *words, "--json"]) == 0
    return orjson.loads(capsys.readouterr().out)


def test_words_are_found(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = run(capsys, "knowledge_items", "setup")
    assert found["key"] == [str(number(1))]
    assert (found["title"], found["text_place"], found["vector_place"]) == (
        "Silent install",
        1,
        None,
    )
    assert main(["search", "knowledge_items", "restart installer"]) == 0
    shown = capsys.readouterr().out
    assert "Restart" in shown
    assert "Some installers ask" in shown
    assert run(capsys, "knowledge_items", "zebra") == []
    assert run(capsys, "--limit", "1", "knowledge_items", "setup or restart", "--mode=text") != []


def test_embeddings_are_recorded_and_used(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENTSTORE_EMBEDDER", "hashing")
    assert run(capsys, "backfill", "knowledge_items", "mem_docs") == {
        "knowledge_items": 2,
        "mem_docs": 0,
    }
    assert not catch_up(url, Packaging())
    assert run(capsys, "backfill")["knowledge_items"] == 0
    found = run(capsys, "knowledge_items", "silent setup")
    assert found[0]["vector_place"] == found[0]["text_place"] == 1
    one = run(capsys, "knowledge_items", "silent", "--where", f"id={number(2)}", "--mode", "vector")
    assert [each["key"] for each in one] == [[str(number(2))]]


def test_the_projector_embeds_when_an_embedder_is_set(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENTSTORE_EMBEDDER", "hashing")
    command = ["projections", "run", "packaging", "--once"]
    assert main(command) == 0  # from here on the hook is told
    with EventStore.open(url) as store:
        added = packaging.KnowledgeItemAdded(
            knowledge_item_id=number(3), title="Third", content="more"
        )
        store.append("knowledge_item-3", [added])
        assert main(command) == 0
        until(
            lambda: list(store.read_all(event_types=["packaging.knowledge_item_embedded"])),
            "the hook has appended an embedding",
        )


MISTAKES: list[tuple[list[str], int, str]] = [
    (["packages", "x"], 3, "searchable table"),
    (["knowledge_items", " "], 2, "needs words"),
    (["knowledge_items", "x", "--mode", "best"], 2, "hybrid"),
    (["knowledge_items", "x", "--mode", "vector"], 2, "embedder"),
    (["knowledge_items", "x", "--where", "id"], 2, "COLUMN=VALUE"),
    (["knowledge_items", "x", "--where", "ids=1"], 3, "no column"),
    (["knowledge_items", "x", "--where", "id=1"], 2, "uuid"),
    (["backfill"], 2, "EVENTSTORE_EMBEDDER"),
    (["knowledge_items"], 2, "WORDS"),
]


def test_mistakes_are_told(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words, code, said in MISTAKES:
        assert main(["search", *words]) == code, words
        assert said in capsys.readouterr().err, words


def test_an_embedder_that_is_not_there(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENTSTORE_EMBEDDER", "nobody")
    assert main(["search", "knowledge_items", "x"]) == 2
    assert "hashing" in capsys.readouterr().err
    assert main(["search", "knowledge_items", "x", "--mode", "text"]) == 0
