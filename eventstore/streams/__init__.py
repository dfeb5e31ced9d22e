"""Streams as things: what becomes of them, what is known of them, and listings without a scan."""

from eventstore.streams.counts import CategoryCount, TypeCount
from eventstore.streams.info import StreamInfo
from eventstore.streams.links import LinkedStream, Run
from eventstore.streams.surface import AsyncStreams, StreamListings, Streams

__all__ = [
    "AsyncStreams",
    "CategoryCount",
    "LinkedStream",
    "Run",
    "StreamInfo",
    "StreamListings",
    "Streams",
    "TypeCount",
]
