"""How long the server may take for what it is asked."""

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the database may take, in seconds; each is enforced by the server."""

    command: float = 60.0
    """One statement."""
    lock: float = 10.0
    """Waiting for one lock."""
    transaction: float = 60.0
    """One transaction; bounds how long an append can hold the watermark back."""
    connect: float = 10.0
    """Making a connection."""
    reconnect: float = 15.0
    """Getting an answer again after the server was lost."""
