"""`eventstore db standby`: a copy of the embedded server that follows it, to read from."""

from __future__ import annotations

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_record
from eventstore.errors import ConfigurationError

__all__ = ["standby"]


def standby(context: typer.Context) -> None:
    """Make a standby of the embedded server, or start it again; prints its URL, to read from.

    Give that to EVENTSTORE_READ_URL or --read-url. `db down` stops both.
    """
    from eventstore.connection.server import prepare
    from eventstore.embedded import EmbeddedServer
    from eventstore.embedded.standby import run_standby

    options = Options.of(context)
    settings = options.settings()
    if settings.database_url is not None:
        raise ConfigurationError(
            "database_url",
            f"{settings.origins['database_url']} names a server of your own: make its standby with "
            "pg_basebackup -R, and set EVENTSTORE_READ_URL to it",
        )
    prepare(settings)
    print_record(options, {"url": run_standby(EmbeddedServer(settings.home)).url()})
