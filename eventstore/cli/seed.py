"""`eventstore seed`: made-up data of every context, for demonstrations and measurements."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Annotated, Any

import typer

from eventstore.cli.opening import open_store
from eventstore.cli.options import Options
from eventstore.cli.output import print_json, print_record, print_rows, progress

__all__ = ["app"]

app = typer.Typer()


@app.command()
def seed(
    context: typer.Context,
    scale: Annotated[int, typer.Option("--scale", min=1, help="How many events.")] = 10_000,
    contexts: Annotated[
        list[str] | None,
        typer.Option("--context", metavar="NAME", help="Of this one; again for more; or of all."),
    ] = None,
    number: Annotated[
        int, typer.Option("--seed", min=0, max=999_999, help="Another number, other data.")
    ] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be appended, and append nothing.")
    ] = False,
) -> None:
    """Append made-up data: realistic, and the same events for the same seed.

    What is in the log already is not appended again, so a larger scale only adds the rest. The
    store of a business is no place for it.
    """
    from eventstore.seed import tell
    from eventstore.seed.filling import Filled, fill

    options = Options.of(context)
    appends = islice(tell(contexts or (), number), scale)
    if dry_run:
        types = Counter(event.event_type for append in appends for event in append.events)
        filled = Filled(appended=types)
    else:
        with (
            open_store(options) as store,
            progress(options) as display,
        ):
            task = display.add_task("seed", total=scale)
            filled = fill(store, appends, lambda events: display.advance(task, events))
    summary: dict[str, Any] = {
        "dry_run": dry_run,
        "seed": number,
        "events_appended": filled.appended.total(),
        "events_already_there": filled.already_there,
    }
    types_told = filled.appended.most_common()
    if options.json:
        print_json(summary | {"event_types": dict(types_told)})
        return
    print_record(options, summary)
    rows = [{"event_type": name, "events": events} for name, events in types_told]
    if rows:
        print_rows(options, rows, ("event_type", "events"))
