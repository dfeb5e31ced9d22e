"""The limits of the log: everything that can grow has one.

The lengths are also those of the columns; a test compares the two.
"""

from typing import Final

MAX_STREAM_ID: Final = 255
"""Characters of a stream_id."""
MAX_NAME: Final = 128
"""Characters of an event_type, an agent or a tenant."""
MAX_TAG: Final = 255
"""Characters of a tag."""
MAX_TAGS: Final = 64
"""Tags of one event, and of one item of a query."""
MAX_ITEMS: Final = 64
"""Items of one query, and of all conditions of one append or append_many."""
MAX_TYPES: Final = 1_000
"""Event types of one item of a query."""
MAX_PAYLOAD_BYTES: Final = 1024 * 1024
"""Bytes of one event's payload, and of its metadata; a store can be opened with another limit."""
MAX_DESCRIPTION_BYTES: Final = 16 * 1024
"""Bytes of what describes a stream."""
MAX_NESTING: Final = 100
"""Levels of nesting in a payload."""
MAX_EVENTS_PER_CALL: Final = 10_000
"""Events of one append or append_many."""
MAX_CALL_BYTES: Final = 128 * 1024 * 1024
"""Bytes of all events of one append or append_many, with what goes with them."""
MAX_SAFE_INTEGER: Final = 2**53
"""Largest magnitude of an integer that every JSON reader keeps exact."""
MAX_BIG_INTEGER: Final = 2**63 - 1
"""Largest magnitude of an integer in a field marked BigInt."""
APPEND_TIMEOUT: Final = 60.0
"""Seconds that an append may take in all; a store can be opened with another limit."""
LONGEST_TIMEOUT: Final = 86_400
"""Seconds that a caller or a setting may give it."""
MAX_PENDING_APPENDS: Final = 10_000
"""Appends of one store that may wait to be sent; a store can be opened with another limit."""
MAX_PENDING_BYTES: Final = 128 * 1024 * 1024
"""Bytes of the appends that wait; a store can be opened with another limit."""
MONTHS_AHEAD: Final = 2
"""Months after this one that have partitions, unless somebody wants another number."""
