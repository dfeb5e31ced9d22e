"""`eventstore audit`: what the read models said at an earlier moment, and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_json, print_record, print_rows, say
from projections.cli.moment import moment

if TYPE_CHECKING:
    from eventstore import RecordedEvent
    from projections.session import Connection

__all__ = ["app"]

_THE_END: Final = 2**63 - 1
"""A position behind every other."""

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
    from projections.audit.replay import owner_of, parse_key, row_as_of

    options = Options.of(context)
    when = moment(at, "--at")
    _, row_type = owner_of(table)
    wanted = parse_key(row_type, key)
    with _auditor(options) as (conn, tenant):
        found = row_as_of(conn, table, wanted, when, tenant=tenant)
    row = {column: getattr(found.row, column) for column in row_type.COLUMNS}
    events = list(map(_event, found.events))
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


@app.command()
def diff(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of `projections list`.")],
    earlier: Annotated[str, typer.Option("--from", metavar="AT", help="A position, or a time.")],
    later: Annotated[str, typer.Option("--to", metavar="AT", help="A position, or a time.")],
) -> None:
    """Show the rows of a projection that differ between two moments, and how."""
    from projections.audit.history import changes_between
    from projections.catalogue import projection
    from projections.cli.checks import print_changes

    options = Options.of(context)
    ends = moment(earlier, "--from"), moment(later, "--to")
    wanted = projection(name)
    with _auditor(options) as (conn, tenant):
        found = changes_between(conn, wanted, *ends, tenant=tenant)
    if options.json:
        print_json(asdict(found))
        return
    print_record(options, {"from": found.from_position, "to": found.to_position})
    print_changes(options, found.changes, "from_and_to")


@app.command()
def history(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="A table of `projections list`.")],
    key: Annotated[str, typer.Argument(help="Its key; several columns as A,B.")],
    column: Annotated[str | None, typer.Argument(help="By default all.")] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="Up to a position, or a time; by default to the end.")
    ] = None,
) -> None:
    """Show every change of a row's values, and the event that made it."""
    from projections.audit.history import cell_history
    from projections.audit.replay import owner_of, parse_key

    options = Options.of(context)
    _, row_type = owner_of(table)
    wanted = parse_key(row_type, key)
    until = moment(at, "--at") if at is not None else _THE_END
    with _auditor(options) as (conn, tenant):
        found = cell_history(
            conn, table, wanted, [column] if column else [], until=until, tenant=tenant
        )
    print_rows(
        options,
        (
            {"column": each.column, "before": each.before, "after": each.after}
            | _event(each.recorded)
            for each in found
        ),
        ("position", "column", "before", "after", "recorded_at", "event_type", "agent"),
    )


@contextmanager
def _auditor(options: Options) -> Iterator[tuple[Connection, str]]:
    """A connection that reads, and the tenant whose past is asked for."""
    from eventstore.connection.server import connect_to
    from eventstore.schema.revision import check_schema
    from projections.session import open_session

    settings = options.settings()
    url, _ = connect_to(settings)
    with closing(open_session(url, part="audit", role="auditor")) as conn:
        check_schema(conn)
        yield conn, settings.tenant


def _event(recorded: RecordedEvent) -> dict[str, Any]:
    return {
        "position": recorded.position,
        "recorded_at": recorded.recorded_at.isoformat(timespec="milliseconds"),
        "event_type": recorded.event_type,
        "agent": recorded.agent,
        "event_id": recorded.event_id,
    }
