"""The shapes of one registration's history and dry run: what was sent, and what would be."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from app.registrations.schemas import MemberLink, PersonLink, RecordLink, RowError, RowWarning


class RequestShown(BaseModel):
    """One request to Salesforce; never with a token. `path` is relative to the org's instance URL."""

    method: str
    path: str
    body: dict[str, Any] | None


class MatchShown(BaseModel):
    """A record that a duplicate rule named; name and e-mail where the connected user may see it."""

    object: str
    id: str
    name: str | None
    email: str | None
    engine: str | None
    confidence: float | None


class AnswerShown(BaseModel):
    """Salesforce's word on the request of the same position; nobody knows where `is_lost`."""

    success: bool | None
    id: str | None
    errors: list[dict[str, Any]]
    is_lost: bool
    matches: list[MatchShown] = Field(default_factory=list)


class AttemptShown(BaseModel):
    """One run that reached Salesforce. `by`: who asked for it, null where nobody had to."""

    at: datetime
    kind: str
    why: str
    requests: list[RequestShown]
    answers: list[AnswerShown]
    outcome: str
    error: RowError | None
    by: str | None


class History(BaseModel):
    """One page of attempts, the latest first. Kept for 90 days; nothing remains of an erased attendee."""

    items: list[AttemptShown]
    next_cursor: str | None


class PersonPlan(BaseModel):
    """`action`: found (`person` is who), update (with `fields`, too), create (with `fields`), none."""

    action: str
    person: PersonLink | None
    fields: dict[str, Any] | None


class ActivityPlan(BaseModel):
    """`action`: create (with `fields`), stands."""

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
    requests: list[RequestShown]
    error: RowError | None
    warnings: list[RowWarning] = Field(default_factory=list)
    calls_spent: int
    as_of: datetime
