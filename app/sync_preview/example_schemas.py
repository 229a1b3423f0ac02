"""Mapping by example: one registration's answers beside its future records, and whom a draft touches."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from app.api.auth import OPAQUE_ID
from app.field_mapping.request_schemas import EXAMPLE, MappingGiven

Change = Literal["same", "new", "changed", "gone"]
Written = Literal["created", "found", "unlinked", "off"]
Severity = Literal["refused", "left_out", "cut", "note"]


class MappingToPreview(BaseModel):
    """A mapping that is not saved, and the registration to try it on: by default one that answered much."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"mapping": EXAMPLE}]})

    mapping: MappingGiven
    registration_id: Annotated[str, StringConstraints(pattern=OPAQUE_ID)] | None = None
    count: StrictBool = Field(True, description="whether to count whom the mapping touches")


class ValueGiven(BaseModel):
    """What the registration has at a source, as text; an answer's `label` is the question."""

    path: str
    label: str
    value: str
    is_answer: bool


class FieldTrouble(BaseModel):
    """`refused`: the registration fails; `left_out`, `cut`: so is the value; `note`: it is not theirs."""

    severity: Severity
    code: str
    text: str


class FieldExample(BaseModel):
    """One field. `now`: by the saved mapping, `then`: by the one given; null where nothing is written."""

    field: str
    label: str
    now: Any
    then: Any
    from_: str | None = Field(serialization_alias="from")
    change: Change
    trouble: FieldTrouble | None


class RecordExample(BaseModel):
    """One record. `written`: `created`; `found` (only where the person is there already); `unlinked` (once a
    campaign is linked); `off` (this kind of write is switched off).
    """

    object: str
    written: Written
    change: Change
    fields: list[FieldExample]


class EventReach(BaseModel):
    """How many of an event's registrations a mapping changes."""

    event_id: str
    title: str
    registrations: int


class MappingReach(BaseModel):
    """Whom a mapping changes: `registrations` of the latest `looked_at` would be written otherwise.

    `is_all`: no registration was left out. `written`: of those that change, how many are in Salesforce
    already. `retried`: failed ones that saving tries again. `events`: the five with most, of `events_total`.
    """

    registrations: int
    looked_at: int
    is_all: bool
    written: int
    retried: int
    events: list[EventReach]
    events_total: int


class Registrant(BaseModel):
    """Somebody who registered, for a choice of examples."""

    registration_id: str
    event_id: str
    event_title: str
    name: str | None
    email: str | None
    registered_at: datetime
    answers: int


class MappingExample(BaseModel):
    """What a mapping makes of one registration, as for a person who is new; `registration` is null where
    nobody registered yet. `is_checked`: whether the org's fields were at hand. Salesforce was not asked.
    """

    registration: Registrant | None
    given: list[ValueGiven]
    records: list[RecordExample]
    reach: MappingReach | None
    is_checked: bool


class Registrants(BaseModel):
    """The latest first; older ones than the latest `searched_at_most` are not looked at."""

    items: list[Registrant]
    searched_at_most: int
