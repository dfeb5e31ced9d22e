"""Up, down and up again gives the same schema, to the letter; so do the pages made from it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from eventstore.embedded import EmbeddedServer
from eventstore.schema import bootstrap, migrate
from eventstore.schema import revision as schema
from projections.reference import event_pages, pages
from projections.reference.event_schema import known_events
from projections.reference.files import differences
from projections.reference.tables import read_schemas, read_tables
from projections.session import open_session

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def dump(server: EmbeddedServer, database: str) -> str:
    """The schema as pg_dump writes it, without what differs from run to run."""
    command = [str(server.binary("pg_dump")), "--schema-only", server.admin_url(database)]
    written = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return re.sub(r"^\\(un)?restrict .*$", "", written, flags=re.MULTILINE)


def test_every_step_down_undoes_its_step_up(server: EmbeddedServer, empty_database: str) -> None:
    bootstrap.bootstrap(server.admin_url(empty_database), "eventstore")
    url = server.url(empty_database)
    migrate.upgrade(url, "+1")
    migrate.downgrade(url, "base")  # only the table of revisions stays, empty
    dumps = [dump(server, empty_database)]
    for revision in schema.revisions():
        migrate.upgrade(url, revision)
        dumps.append(dump(server, empty_database))
        assert dumps[-1] != dumps[-2]
    for before in reversed(dumps[:-1]):
        migrate.downgrade(url, "-1")
        assert dump(server, empty_database) == before
    migrate.upgrade(url)
    assert dump(server, empty_database) == dumps[-1]


def test_a_copied_test_database_is_what_the_migrations_make(
    server: EmbeddedServer, database: str, empty_database: str
) -> None:
    bootstrap.bootstrap(server.admin_url(empty_database), "eventstore")
    migrate.upgrade(server.url(empty_database))
    assert dump(server, database) == dump(server, empty_database)


def test_the_reference_says_what_the_database_and_the_events_say(database_url: str) -> None:
    """`make docs` makes it so."""
    ours = [
        cls for cls in known_events() if cls.__module__.startswith(("eventstore.", "projections."))
    ]
    with open_session(database_url, part="test", role="auditor") as conn:
        found = pages.chapters(read_tables(conn), ours, read_schemas(conn))
    assert not differences(REFERENCE, pages.reference_files(found), pages.MARK)
    assert not differences(REFERENCE / "events", event_pages.event_files(ours), event_pages.MARK)
