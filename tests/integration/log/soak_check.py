"""What must be true of a log after a soak, asked of the database, which may hold millions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from eventstore.connection.database import Connection

__all__ = ["assert_nothing_is_wrong"]

_TABLES: Final = """
CREATE UNLOGGED TABLE IF NOT EXISTS public.acknowledged (
    task text, call bigint, event_id uuid, stream_id text, stream_version bigint, position bigint
);
CREATE UNLOGGED TABLE IF NOT EXISTS public.delivered (
    place bigint GENERATED ALWAYS AS IDENTITY, position bigint
);
CREATE UNLOGGED TABLE IF NOT EXISTS public.handled (
    at bigint, position bigint, stream_id text, stream_version bigint
);
TRUNCATE public.acknowledged, public.delivered, public.handled RESTART IDENTITY
"""
_QUESTIONS: Final = {
    "acknowledged, and not stored as the receipt said": """
        SELECT * FROM public.acknowledged AS a
         WHERE NOT EXISTS (SELECT FROM eventstore.events AS e
                            WHERE e.event_id = a.event_id AND e.stream_id = a.stream_id
                              AND e.stream_version = a.stream_version
                              AND e.position = coalesce(a.position, e.position))""",
    "acknowledged as two things": """
        SELECT event_id FROM public.acknowledged GROUP BY event_id HAVING count(*) > 1""",
    "stored twice": """
        SELECT event_id FROM eventstore.events GROUP BY event_id HAVING count(*) > 1""",
    "other bytes than were hashed": """
        SELECT position FROM eventstore.events
         WHERE data_hash <> sha256(convert_to(data::text, 'UTF8'))""",
    "at one position with another": """
        SELECT position FROM eventstore.events GROUP BY position HAVING count(*) > 1""",
    "a stream with a hole, or another version than it says": """
        SELECT stream_id, count(*), min(stream_version), max(stream_version)
          FROM eventstore.events GROUP BY tenant_id, stream_id
        HAVING count(*) <> max(stream_version) OR min(stream_version) <> 1
            OR count(DISTINCT stream_version) <> count(*)
            OR max(stream_version) <> (SELECT s.stream_version FROM eventstore.streams AS s
                                        WHERE s.tenant_id = events.tenant_id
                                          AND s.stream_id = events.stream_id)""",
    "an event without its guard, or with another": """
        SELECT e.position FROM eventstore.events AS e
          LEFT JOIN eventstore.event_ids AS i USING (tenant_id, event_id)
         WHERE (i.stream_id, i.stream_version) IS DISTINCT FROM (e.stream_id, e.stream_version)""",
    "a guard without its event": """
        SELECT i.event_id FROM eventstore.event_ids AS i
         WHERE NOT EXISTS (SELECT FROM eventstore.events AS e
                            WHERE e.tenant_id = i.tenant_id AND e.stream_id = i.stream_id
                              AND e.stream_version = i.stream_version)""",
    "a stream whose positions go back": """
        SELECT * FROM (SELECT stream_id, stream_version, position,
                              lag(position) OVER (PARTITION BY stream_id ORDER BY stream_version)
                         FROM eventstore.events) AS e WHERE lag >= position""",
    "a task whose later call has the lower position": """
        SELECT * FROM (SELECT task, call, min(position) AS first,
                              lag(max(position)) OVER (PARTITION BY task ORDER BY call)
                         FROM public.acknowledged
                        WHERE stream_id LIKE 'own-%%' GROUP BY task, call) AS a
         WHERE lag >= first""",
    "a seat that is taken twice": """
        SELECT tag FROM eventstore.event_tags WHERE tag LIKE 'seat:%%'
         GROUP BY tag HAVING count(*) > 1""",
    "a tag that its event does not have": """
        SELECT position, tag FROM eventstore.event_tags
        EXCEPT SELECT position, unnest(tags) FROM eventstore.events""",
    "a tag of an event that is not looked up": """
        SELECT position, unnest(tags) FROM eventstore.events
        EXCEPT SELECT position, tag FROM eventstore.event_tags""",
    "meant for the subscription, and never handled": """
        SELECT position FROM eventstore.events
         WHERE category = ANY (%(categories)s) AND position > %(after)s
        EXCEPT SELECT position FROM public.handled""",
    "handled, and not meant for the subscription": """
        SELECT position, stream_id, stream_version FROM public.handled
        EXCEPT SELECT position, stream_id, stream_version FROM eventstore.events
                WHERE category = ANY (%(categories)s) AND position > %(after)s""",
    "first handled before an earlier one of its stream": """
        SELECT * FROM (SELECT stream_id, stream_version, min(at) AS first,
                              lag(min(at)) OVER (PARTITION BY stream_id ORDER BY stream_version)
                         FROM public.handled GROUP BY stream_id, stream_version) AS h
         WHERE lag >= first""",
    "stored, and never delivered": """
        SELECT position FROM eventstore.events
        EXCEPT SELECT position FROM public.delivered""",
    "delivered, and not stored": """
        SELECT position FROM public.delivered
        EXCEPT SELECT position FROM eventstore.events""",
    "delivered twice or out of order": """
        SELECT * FROM (SELECT place, position, lag(position) OVER (ORDER BY place)
                         FROM public.delivered) AS d WHERE lag >= position""",
}


def assert_nothing_is_wrong(
    admin: Connection,
    acknowledged: Iterable[Path],
    delivered: Path,
    handled: Iterable[Path] = (),
    categories: Sequence[str] = (),
    after: int = 0,
) -> tuple[int, int]:
    """Asks everything; returns how many were acknowledged and how many are stored.

    What was handled is of a subscription to those categories from that position on. An import is
    not told its positions: they may be missing (NULL) where it was acknowledged.
    """
    for statement in _TABLES.split(";"):
        admin.execute(statement)
    for path in acknowledged:
        _copy(admin, "COPY public.acknowledged FROM STDIN", _whole_lines(path))
    positions = b"".join(
        line.partition(b":")[0] + b"\n" for line in _whole_lines(delivered).splitlines()
    )
    _copy(admin, "COPY public.delivered (position) FROM STDIN", positions)
    for path in handled:
        _copy(admin, "COPY public.handled FROM STDIN", _whole_lines(path))
    admin.execute(
        "ANALYZE eventstore.events, eventstore.event_ids, eventstore.streams, "
        "public.acknowledged, public.delivered, public.handled"
    )
    about = {"categories": list(categories), "after": after}
    for wrong, question in _QUESTIONS.items():
        found = admin.execute(f"SELECT * FROM ({question}) AS q LIMIT 5", about).fetchall()
        assert not found, f"{wrong}: {found}"
    return _count(admin, "public.acknowledged"), _count(admin, "eventstore.events")


def _whole_lines(path: Path) -> bytes:
    content = path.read_bytes()
    return content[: content.rfind(b"\n") + 1]


def _copy(admin: Connection, statement: str, rows: bytes) -> None:
    with admin.cursor().copy(statement) as copy:
        copy.write(rows)


def _count(admin: Connection, table: str) -> int:
    row = admin.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])
