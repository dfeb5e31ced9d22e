"""Who works at the command line, for what is said there."""

from __future__ import annotations

import getpass

from eventstore.errors import ConfigurationError

__all__ = ["user"]


def user(option: str) -> str:
    """The user of the machine; raises ConfigurationError, naming the option that says it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise ConfigurationError(option, "say who decides, the machine does not know") from None
