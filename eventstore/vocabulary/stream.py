"""What becomes of a stream, said in the stream itself by `store.streams` alone.

With the event the log does what it says: a closed stream's last event is the one that closed it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from eventstore.event import Event
from eventstore.registry import default_registry
from eventstore.vocabulary.fields import Json

__all__ = ["ABOUT_STREAMS", "Closed", "Described", "Reason", "Reopened"]

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
"""Why, for those who ask later."""


class Closed(Event, event_type="stream.closed", retention="audit"):
    """The stream takes no more events."""

    reason: Reason


class Reopened(Event, event_type="stream.reopened", retention="audit"):
    """The stream takes events again."""

    reason: Reason


class Described(Event, event_type="stream.described", retention="audit"):
    """What is to be known of the stream as a whole, in place of what was said before."""

    description: Json


ABOUT_STREAMS = (Closed, Reopened, Described)
"""What only `store.streams` appends: said by anybody else, nothing would come of it."""

for _kind in ABOUT_STREAMS:
    default_registry.reserve(_kind, "store.streams")
