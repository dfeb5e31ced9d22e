"""Event classes in which everything occurs that pydantic lets a class say about its fields."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NaiveDatetime,
    PlainValidator,
    PrivateAttr,
    StringConstraints,
    ValidationInfo,
    WrapValidator,
    computed_field,
    create_model,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from eventstore import BigInt, Event, EventRegistry

__all__ = ["LEFT_TO_PYDANTIC", "QUICK", "TEXTS"]

ODD: Final = EventRegistry()


class Plain(Event, event_type="odd.plain", registry=ODD):
    text: str
    whole: int
    real: float
    yes: bool
    id: UUID
    anything: Any


class Empty(Event, event_type="odd.empty", registry=ODD):
    pass


class Holders(Event, event_type="odd.holders", registry=ODD):
    ids: list[UUID]
    by_name: dict[str, UUID]
    deep: dict[str, list[dict[str, Any]]]
    gaps: list[float | None]
    kinds: list[Literal["a", "b"]]
    maybe: dict[str, Any] | None


class Defaults(Event, event_type="odd.defaults", registry=ODD):
    text: str = "x"
    whole: int | None = None
    tags: list[str] = []
    more: dict[str, Any] = Field(default_factory=dict)


def _of_one(annotation: Any) -> type[Event]:
    name = f"one_{len(list(ODD))}"
    options = {"event_type": f"odd.{name}", "registry": ODD}
    return create_model(name, __base__=Event, __cls_kwargs__=options, one=(annotation, ...))


LIMITED: Final = tuple(
    _of_one(annotation)
    for annotation in (
        Annotated[str, StringConstraints(min_length=2, max_length=3)],
        Annotated[str, StringConstraints(pattern=r"^[a-z]+$")],
        Annotated[float, Field(ge=0, le=1)],
        Annotated[float, Field(gt=-1, lt=1)],
        Annotated[int, Field(ge=0, le=4)] | None,
        Annotated[int, Field(gt=0)],
        Annotated[int, BigInt, Field(ge=0)],
        Annotated[list[int], Field(min_length=1, max_length=2)],
        dict[Annotated[str, StringConstraints(min_length=1, max_length=2)], bool | None],
    )
)
"""Each with a field of which not every value is taken: alone, so that nothing else refuses it."""

TEXTS: Final = tuple(
    _of_one(annotation)
    for annotation in (
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=3)],
        Annotated[str, StringConstraints(to_lower=True)] | None,
        Decimal,
        Annotated[Decimal, Field(ge=0, max_digits=6, decimal_places=2)],
        datetime,
        AwareDatetime,
        NaiveDatetime | None,
        Annotated[datetime, Field(ge=datetime(2000, 1, 1))],  # noqa: DTZ001
        date,
        time,
        timedelta,
    )
)
"""Each with a field that pydantic makes of a string in a way of its own."""


Word = Annotated[str, StringConstraints(pattern=r"^[a-z]+$"), AfterValidator(str.upper)]


class Base(Event):
    text: str


class Derived(Base, event_type="odd.derived", registry=ODD):
    whole: int


class Judged(Event, event_type="odd.judged", registry=ODD):
    low: int
    high: int

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


class Doubled(Event, event_type="odd.doubled", registry=ODD):
    """Rules that change the value, one after the other, and the whole event."""

    text: str
    whole: Annotated[int, AfterValidator(lambda n: n + 1), AfterValidator(lambda n: n * 2)]
    maybe: Annotated[str, AfterValidator(lambda text: text or None), AfterValidator(repr)] | None
    kind: Annotated[Word | None, AfterValidator(repr)]

    @field_validator("text")
    @classmethod
    def _loud(cls, value: str) -> str:
        return value.upper()

    @model_validator(mode="after")
    def _repeated(self) -> Self:
        return self.model_copy(update={"text": self.text * 2})


def _told(value: str, info: ValidationInfo) -> str:
    return value + repr([*info.data.items(), info.field_name, info.mode, info.context, info.config])


class Told(Event, event_type="odd.told", registry=ODD):
    """Rules that look at everything that pydantic tells them."""

    first: str
    second: str
    third: list[str]
    fourth: Annotated[str, AfterValidator(_told)] | None

    @field_validator("second", "third")
    @classmethod
    def _after_first(cls, value: Any, info: ValidationInfo) -> Any:
        said = [*info.data.items(), info.field_name, info.mode, info.context, info.config]
        return [*value, repr(said)] if isinstance(value, list) else value + repr(said)

    @model_validator(mode="after")
    def _whole(self, info: ValidationInfo) -> Self:
        said = (info.data, info.field_name, info.mode, info.context, info.config)
        self.__dict__["first"] += repr(said) + repr(self.__pydantic_private__)
        return self


class Meddling(Event, event_type="odd.meddling", registry=ODD):
    """A rule that changes a field that it is only shown."""

    first: str
    second: str

    @field_validator("second")
    @classmethod
    def _meddle(cls, value: str, info: ValidationInfo) -> str:
        info.data["first"] = "changed"
        return value


class Shown(Event, event_type="odd.shown", registry=ODD):
    """What only matters when an event is written."""

    text: str

    @field_serializer("text")
    def _quoted(self, value: str) -> str:
        return f"<{value}>"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def length(self) -> int:
        return len(self.text)


class Before(Event, event_type="odd.before", registry=ODD):
    whole: Annotated[int, BeforeValidator(lambda value: value or 7)]


class BeforeAll(Event, event_type="odd.before_all", registry=ODD):
    whole: int

    @model_validator(mode="before")
    @classmethod
    def _doubled(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value * 2 for name, value in values.items()}


class Wrapped(Event, event_type="odd.wrapped", registry=ODD):
    whole: Annotated[int, WrapValidator(lambda value, inner: inner(value) + 1)]


class WrappedAll(Event, event_type="odd.wrapped_all", registry=ODD):
    whole: int

    @model_validator(mode="wrap")
    @classmethod
    def _changed(cls, values: Any, inner: Any) -> Any:
        return inner(values).model_copy(update={"whole": 0})


class Instead(Event, event_type="odd.instead", registry=ODD):
    whole: Annotated[int, PlainValidator(lambda value: str(value))]


class AfterInside(Event, event_type="odd.after_inside", registry=ODD):
    many: list[Annotated[str, AfterValidator(str.upper)]]


class Renamed(Event, event_type="odd.renamed", registry=ODD):
    whole: Annotated[int, Field(alias="number")]


class Multiple(Event, event_type="odd.multiple", registry=ODD):
    whole: Annotated[int, Field(multiple_of=5)]


class FewNames(Event, event_type="odd.few_names", registry=ODD):
    names: Annotated[dict[str, str], Field(max_length=1)]


class NamedByPattern(Event, event_type="odd.named_by_pattern", registry=ODD):
    by_name: dict[Annotated[str, StringConstraints(pattern="^[a-z]+$")], str]


class Colour(Enum):
    RED = "red"


class Coloured(Event, event_type="odd.coloured", registry=ODD):
    colour: Colour


class Mixed(Event, event_type="odd.mixed", registry=ODD):
    either: int | str
    which: Literal[1, "a"]


class Shapes(Event, event_type="odd.shapes", registry=ODD):
    pair: tuple[int, float]
    several: tuple[str, ...]
    distinct: frozenset[str]
    raw: bytes


class Numbered(Event, event_type="odd.numbered", registry=ODD):
    by_number: dict[int, str]


class Inner(BaseModel):
    real: float


class Nested(Event, event_type="odd.nested", registry=ODD):
    inner: Inner


class Strict(Event, event_type="odd.strict", registry=ODD):
    real: Annotated[float, Field(strict=True)]


class Upper(str):
    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            lambda text: cls(text.upper()), core_schema.str_schema()
        )


class Custom(Event, event_type="odd.custom", registry=ODD):
    shout: Upper
    shouts: list[Upper]


class Trimming(Event, event_type="odd.trimming", registry=ODD):
    model_config = ConfigDict(str_strip_whitespace=True)
    text: str


class Lenient(Event, event_type="odd.lenient", registry=ODD):
    model_config = ConfigDict(extra="ignore")
    text: str


class Initialised(Event, event_type="odd.initialised", registry=ODD):
    text: str

    def __init__(self, **fields: Any) -> None:
        super().__init__(**{name: value * 2 for name, value in fields.items()})


class PostInit(Event, event_type="odd.post_init", registry=ODD):
    text: str

    def model_post_init(self, context: Any) -> None:
        self.__dict__["text"] += "!"


class Private(Event, event_type="odd.private", registry=ODD):
    text: str
    _seen: int = PrivateAttr(default=3)


class OwnNew(Event, event_type="odd.own_new", registry=ODD):
    text: str

    def __new__(cls, *args: Any, **fields: Any) -> Self:
        made = super().__new__(cls)
        object.__setattr__(made, "__dict__", {"early": 1})
        return made


class OwnReading(Event, event_type="odd.own_reading", registry=ODD):
    text: str

    @classmethod
    def model_validate_json(cls, *args: Any, **options: Any) -> Self:
        return super().model_validate_json(*args, **options).model_copy(update={"text": "own"})


QUICK: Final[tuple[type[Event], ...]] = (
    Plain, Empty, Holders, Defaults, *LIMITED, *TEXTS,
    Derived, Judged, Doubled, Told, Meddling, Shown,
)  # fmt: skip
LEFT_TO_PYDANTIC: Final = tuple(cls for cls in ODD if cls not in QUICK)
