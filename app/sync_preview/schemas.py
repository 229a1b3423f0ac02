"""The preview of one registration: per record and field what stands, what would stand, and why."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from app.registrations.schemas import RecordLink, RowError, RowWarning


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
    """One record. `part`: person, account, registered, checked_in, member; `action`: create, update, keep."""

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
