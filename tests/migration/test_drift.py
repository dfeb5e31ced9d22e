"""Up, down and up again gives the same schema, to the letter."""

from __future__ import annotations

import re
import subprocess

from eventstore import bootstrap, migrate, schema
from eventstore.embedded import EmbeddedServer


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
