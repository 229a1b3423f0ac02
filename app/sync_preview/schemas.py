"""The dry run of one registration, and its preview: per record and field the value now, then, and why."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from app.registrations.history import RequestShown
from app.registrations.schemas import MemberLink, PersonLink, RecordLink, RowError, RowWarning


class PersonPlan(BaseModel):
    """`action`: found (`person` is who), update (with `fields`, too), create (with `fields`), none."""

    action: str
    person: PersonLink | None
    fields: dict[str, Any] | None


class ActivityPlan(BaseModel):
    """`action`: create or update (with `fields`), stands."""

    kind: str
    action: str
    activity: RecordLink | None
    fields: dict[str, Any] | None


class MemberPlan(BaseModel):
    """`action`: create or update (with `fields`), none; then `reason` says why nothing would be written.

    Reasons: `not_linked`, `campaign_broken`, `stands`, `no_person`, `not_wanted`, `uncertain`.
    """

    action: str
    reason: str | None
    member: MemberLink | None
    fields: dict[str, Any] | None


class CasePlan(BaseModel):
    """`action`: create or update (with `fields`), stands, none."""

    action: str
    case: RecordLink | None
    fields: dict[str, Any] | None


class DryRun(BaseModel):
    """What the engine would do now. Look-ups were real, and nothing was written.

    `outcome` is how the run would end if Salesforce took everything. `requests` are the exact calls, in
    order; `@{newLead.id}` stands for the id of a record that does not exist yet. `calls_spent` were spent on
    looking.
    """

    registration_id: str
    outcome: str
    waiting_for: str | None
    skipped_because: str | None
    person: PersonPlan
    activities: list[ActivityPlan]
    member: MemberPlan
    case: CasePlan
    requests: list[RequestShown]
    error: RowError | None
    warnings: list[RowWarning] = Field(default_factory=list)
    calls_spent: int
    as_of: datetime


class FieldPreview(BaseModel):
    """One field. `then`: what would stand after the run; `from`: a source or template, null if neither.

    `mode` is the rule's, `ours` for what is written whatever is mapped. `why`: `new`, `changed`, `same`,
    `kept` (only if empty, and it is not), `create_only`, `not_updating` (people we found are not touched),
    `theirs` (ours is not news, so what somebody changed in Salesforce stays), `no_value`, `left_out` (`text`
    tells the reason).
    """

    object: str
    field: str
    label: str
    now: Any
    then: Any
    mode: str
    from_: str | None = Field(serialization_alias="from")
    why: str
    text: str | None


class RecordPreview(BaseModel):
    """One record. `part`: person, account, registered, checked_in, member, case; `action`: create, update,
    keep.
    """

    part: str
    object: str
    record: RecordLink | None
    action: str
    fields: list[FieldPreview]


class Preview(BaseModel):
    """What would be created or changed now, beside what stands. Looked up for real, and nothing was written.

    `outcome` is how the run would end if Salesforce took everything; no records where it would write none.
    """

    registration_id: str
    outcome: str
    waiting_for: str | None
    skipped_because: str | None
    records: list[RecordPreview]
    error: RowError | None
    warnings: list[RowWarning]
    calls_spent: int
    as_of: datetime
