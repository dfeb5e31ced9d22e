"""`eventstore streams info | close | reopen | describe`: what becomes of one stream."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstore.cli.opening import open_log, open_store
from eventstore.cli.options import Options
from eventstore.cli.output import print_record

if TYPE_CHECKING:
    from eventstore.append import Receipt

__all__ = ["close", "describe", "info", "reopen"]

Stream = Annotated[str, typer.Argument(metavar="STREAM", help="A stream id.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for those who ask later.")]
Agent = Annotated[
    str | None, typer.Option("--agent", help="Who says so; by default the user of the machine.")
]
Expected = Annotated[
    int | None,
    typer.Option("--expected-version", min=1, max=2**62, help="Only at this stream_version."),
]


def info(context: typer.Context, stream_id: Stream) -> None:
    """Show what is known of a stream as a whole."""
    options = Options.of(context)
    with open_log(options) as store:
        print_record(options, asdict(store.streams.info(stream_id)))


def close(
    context: typer.Context,
    stream_id: Stream,
    reason: Reason,
    agent: Agent = None,
    expected_version: Expected = None,
) -> None:
    """Close a stream: from then on it takes no more events."""
    options = Options.of(context)
    with open_store(options) as store:
        receipt = store.streams.close(stream_id, reason=reason, **_said(agent, expected_version))
    _print(options, receipt)


def reopen(
    context: typer.Context,
    stream_id: Stream,
    reason: Reason,
    agent: Agent = None,
    expected_version: Expected = None,
) -> None:
    """Let a closed stream take events again."""
    options = Options.of(context)
    with open_store(options) as store:
        receipt = store.streams.reopen(stream_id, reason=reason, **_said(agent, expected_version))
    _print(options, receipt)


def describe(
    context: typer.Context,
    stream_id: Stream,
    description: Annotated[
        str, typer.Argument(metavar="JSON", help="A JSON object; - reads it from stdin.")
    ],
    agent: Agent = None,
    expected_version: Expected = None,
) -> None:
    """Say what is to be known of a stream as a whole, in place of what was said before."""
    import orjson

    options = Options.of(context)
    text = sys.stdin.read() if description == "-" else description
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise typer.BadParameter(f"no JSON: {error}", param_hint="JSON") from None
    with open_store(options) as store:
        receipt = store.streams.describe(stream_id, values, **_said(agent, expected_version))
    _print(options, receipt)


def _said(agent: str | None, expected_version: int | None) -> dict[str, Any]:
    from eventstore.append import STREAM_EXISTS
    from eventstore.cli.user import user

    return {
        "agent": agent or user("--agent"),
        "expected_version": STREAM_EXISTS if expected_version is None else expected_version,
    }


def _print(options: Options, receipt: Receipt) -> None:
    print_record(
        options,
        {
            "stream_id": receipt.stream_id,
            "stream_version": receipt.stream_version,
            "position": receipt.position,
            "event_id": receipt.event_ids[0],
        },
    )
