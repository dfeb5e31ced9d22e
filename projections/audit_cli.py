"""`eventstore audit`: what the read models said at an earlier moment, and why."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_json, print_record, print_rows, say
from eventstore.errors import ConfigurationError

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The past, as the events tell it.")


@app.callback()
def _group() -> None:
    pass


@app.command("as-of")
def as_of(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="A table of `projections list`.")],
    key: Annotated[str, typer.Argument(help="Its key; several columns as A,B.")],
    at: Annotated[
        str, typer.Option("--at", help="A position, or a time such as 2026-05-01T12:00:00Z.")
    ],
) -> None:
    """Show a row as it was, and the events that made it so."""
    from eventstore.schema import check_schema
    from eventstore.server import connect_to
    from projections.replay import owner_of, parse_key, row_as_of
    from projections.session import open_session

    options = Options.of(context)
    moment = _moment(at)
    _, row_type = owner_of(table)
    wanted = parse_key(row_type, key)
    settings = options.settings()
    url, _ = connect_to(settings)
    with closing(open_session(url, part="audit", role="auditor")) as conn:
        check_schema(conn)
        found = row_as_of(conn, table, wanted, moment, tenant=settings.tenant)
    row = {column: getattr(found.row, column) for column in row_type.COLUMNS}
    events: list[dict[str, Any]] = [
        {
            "position": each.position,
            "recorded_at": each.recorded_at.isoformat(timespec="milliseconds"),
            "event_type": each.event_type,
            "agent": each.agent,
            "event_id": each.event_id,
        }
        for each in found.events
    ]
    held: list[dict[str, Any]] = [
        {
            "position": each.recorded.position,
            "event_type": each.recorded.event_type,
            "waits_for": each.behind,
            "error": each.error and each.error.reason,
        }
        for each in found.held
    ]
    if options.json:
        print_json(
            {
                "table": table,
                "position": found.position,
                "row": row,
                "events": events,
                "held": held,
            }
        )
        return
    print_record(options, row)
    print_record(options, {"": ""})
    print_rows(options, events, tuple(events[0]))
    if held:
        say("These events name the row and are not in it, because they could not be applied yet:")
        print_rows(options, held, tuple(held[0]))


def _moment(text: str) -> int | datetime:
    """A position, or a time; a time without a zone is UTC."""
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            "--at", f"{text!r} is neither a position nor a time such as 2026-05-01T12:00:00Z"
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
