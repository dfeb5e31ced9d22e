"""What can go wrong between an event and its rows.

ProjectionError (an EventStoreError)
├── EventNotApplied    a projection can't apply an event, which is held, or ends a test
├── NotHeld            the projection holds no event at that position
├── WaitsForAnother    the event is held, but only because another one failed
├── NotTried           whoever holds the projection has not tried the events again in time
├── ProjectionPaused   so much is held that the projection goes no further
├── TooMuchHeld        so few events can be applied that a verification or comparison is no use
├── MissingRow         the event needs a row that no earlier event made
├── RowExists          the event makes a row that is there already
├── IllegalTransition  the event moves a row where its rules do not allow
├── RowClosed          the event comes to a row with which it is over
├── Contradiction      the event says of a row what is not so
├── Unstorable         a row has a value that has no form in JSON
├── KeyNotNamed        a handler asked for a row that its event does not name (a bug in it)
├── LeaseLost          another projector holds the projection now; nothing was written
├── LeaseHeld          another process is at the same work
├── RulesDiffer        the rows were made by another version of the rules
├── ShardsDiffer       the events were divided by another field than these rules name
├── RebuildRefused     the tables can't be rebuilt beside the live ones
├── NotInstalled       the projection has no tables yet
├── TablesNotMade      the SQL file of a projection doesn't make the tables that its rules fill
├── FoldNotStated      the file in which a projection states its fold in SQL states nothing
├── SqlRefused         the fold in SQL does not take some events; the rules are asked
├── NotLoaded          another package's projection can't be loaded
├── ReshardRefused     a projection can't be divided into that many shards now
├── SwitchRefused      a build can't change places with the live one
├── NoOldBuild         there is no old build
├── WorkerLost         a process that folds a shard died
├── RulesNotFound      the rules to compare with can't be loaded
├── CompareRefused     the rules can't be compared with the live tables
├── UnknownProjection  no projection of that name
├── UnknownVersion     the projection has no such version here
├── UnknownTable       no projection has a table of that name
├── UnknownHook        no hook of that name was ever told anything
├── HookFailed         a hook raised an error; it is tried again for ever
├── HookRefused        what is registered as a hook is none that can be run
├── EmbedderRefused    no embedder of that name can be used
├── QuestionRefused    a question asks for more than one answer may hold
├── SearchRefused      a search without words or vector, or with a value that can't be compared
├── UnknownColumn      the table has no column of that name
└── NoSuchRow          the row did not exist at that moment
"""

from __future__ import annotations

from projections.errors.applying import (
    Contradiction,
    EventNotApplied,
    IllegalTransition,
    KeyNotNamed,
    MissingRow,
    NotHeld,
    NotTried,
    ProjectionPaused,
    RowClosed,
    RowExists,
    TooMuchHeld,
    Unstorable,
    WaitsForAnother,
)
from projections.errors.base import (
    ProjectionError,
)
from projections.errors.building import (
    CompareRefused,
    FoldNotStated,
    LeaseHeld,
    LeaseLost,
    NoOldBuild,
    NotInstalled,
    RebuildRefused,
    ReshardRefused,
    RulesDiffer,
    ShardsDiffer,
    SqlRefused,
    SwitchRefused,
    TablesNotMade,
    WorkerLost,
)
from projections.errors.finding import (
    EmbedderRefused,
    HookFailed,
    HookRefused,
    NoSuchRow,
    NotLoaded,
    QuestionRefused,
    RulesNotFound,
    SearchRefused,
    UnknownColumn,
    UnknownHook,
    UnknownProjection,
    UnknownTable,
    UnknownVersion,
)

__all__ = [
    "CompareRefused",
    "Contradiction",
    "EmbedderRefused",
    "EventNotApplied",
    "FoldNotStated",
    "HookFailed",
    "HookRefused",
    "IllegalTransition",
    "KeyNotNamed",
    "LeaseHeld",
    "LeaseLost",
    "MissingRow",
    "NoOldBuild",
    "NoSuchRow",
    "NotHeld",
    "NotInstalled",
    "NotLoaded",
    "NotTried",
    "ProjectionError",
    "ProjectionPaused",
    "QuestionRefused",
    "RebuildRefused",
    "ReshardRefused",
    "RowClosed",
    "RowExists",
    "RulesDiffer",
    "RulesNotFound",
    "SearchRefused",
    "ShardsDiffer",
    "SqlRefused",
    "SwitchRefused",
    "TablesNotMade",
    "TooMuchHeld",
    "UnknownColumn",
    "UnknownHook",
    "UnknownProjection",
    "UnknownTable",
    "UnknownVersion",
    "Unstorable",
    "WaitsForAnother",
    "WorkerLost",
]
