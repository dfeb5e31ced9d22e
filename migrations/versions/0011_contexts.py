"""The complete tables of all five contexts.

A context that has rows keeps the tables of its former version, until a rebuild replaces them.
"""

from eventstore.schema.frozen import drop_tables, live_version, replace_tables, run

revision = "0011_contexts"
down_revision = "0010_decisions"

CONTEXTS: dict[str, int] = {
    "packaging": 2,
    "work": 2,
    "trust": 2,
    "projects": 1,
    "workspaces": 1,
}
"""Each context whose NAME_vN.sql this migration puts in place, with that N."""
FORMER = ("packaging", "work", "trust")


def upgrade() -> None:
    run("0011_contexts.up.sql")
    run("0011_months.up.sql")
    for context, version in CONTEXTS.items():
        replace_tables(context, version)


def downgrade() -> None:
    for context in CONTEXTS:
        if context not in FORMER or live_version(context) != 1:
            drop_tables(context)
            if context in FORMER:
                replace_tables(context, 1)
    run("0011_months.down.sql")
    run("0011_contexts.down.sql")
