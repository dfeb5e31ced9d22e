"""The rules of the ladder as a deployment sets them, in one variable of the environment.

Everything that runs projections has to have the same: the rows are the result of the rules, so
after a change they are made anew, by `eventstore projections rebuild trust`.
"""

from __future__ import annotations

import os
from dataclasses import fields
from typing import Final

from eventstore.errors import ConfigurationError
from projections.trust.ladder import LadderRules

__all__ = ["VARIABLE", "ladder_rules"]

VARIABLE: Final = "EVENTSTORE_TRUST_LADDER"
"""For example `streak=10, lower_by=0.25`; what is not named stays as it is by default."""


def ladder_rules() -> LadderRules:
    """The rules in force here; raises ConfigurationError when the variable makes no sense."""
    text = os.environ.get(VARIABLE, "")
    types: dict[str, type] = {field.name: type(field.default) for field in fields(LadderRules)}
    values: dict[str, int | float] = {}
    try:
        for part in filter(None, map(str.strip, text.split(","))):
            name, _, value = part.partition("=")
            values[name.strip()] = types[name.strip()](value)
        return LadderRules(**values)  # type: ignore[arg-type]
    except KeyError as error:
        raise ConfigurationError(VARIABLE, f"no {error}, but {', '.join(types)}") from None
    except ValueError as error:
        raise ConfigurationError(VARIABLE, f"{text!r}: {error}") from None
