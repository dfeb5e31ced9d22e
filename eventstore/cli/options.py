"""The options that every command takes, before or after its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from eventstore.config import Settings

__all__ = ["Options", "global_options"]


@dataclass(slots=True)
class Options:
    """What the user said about every command; `json` asks for machine-readable output."""

    database_url: str | None = None
    read_url: str | None = None
    tenant: str | None = None
    json: bool = False

    @classmethod
    def of(cls, context: typer.Context) -> Options:
        """The options of the command that runs."""
        return context.find_root().ensure_object(cls)

    def settings(self) -> Settings:
        """The settings in force; raises ConfigurationError."""
        from eventstore.config import load

        return load(self.database_url, read_url=self.read_url, tenant=self.tenant)


def _remember(context: typer.Context, param: typer.CallbackParam, value: object) -> None:
    if value not in (None, False):
        setattr(Options.of(context), str(param.name), value)


def global_options(
    database_url: Annotated[
        str | None,
        typer.Option(
            "--database-url",
            metavar="URL",
            help="PostgreSQL to use instead of the embedded one.",
            callback=_remember,
            expose_value=False,
        ),
    ] = None,
    read_url: Annotated[
        str | None,
        typer.Option(
            "--read-url",
            metavar="URL",
            help="PostgreSQL to read the log from, such as a standby.",
            callback=_remember,
            expose_value=False,
        ),
    ] = None,
    tenant: Annotated[
        str | None,
        typer.Option(
            "--tenant",
            metavar="NAME",
            help="Tenant to act for.",
            callback=_remember,
            expose_value=False,
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON.", callback=_remember, expose_value=False),
    ] = False,
) -> None:
    """Declares the options; their callbacks put the values into Options."""
