"""The shapes of stats, rows and retry, as the dashboard reads and sends them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from app.api.api_budget import Budget
from app.api.auth import OPAQUE_ID
from app.api.errors import FilterEmpty
from app.campaigns.schemas import BackfillShown
from app.user_messages.rows import Advice

IDS_MAX = 1000
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
OpaqueId = Annotated[str, StringConstraints(pattern=OPAQUE_ID)]


class EventShown(BaseModel):
    """The event that the numbers are about; `timezone` is UTC, too, where the platform named none."""

    id: str
    title: str
    starts_at: datetime | None
    timezone: str
    is_paused: bool


class Counts(BaseModel):
    """Registrations once confirmed or checked in; `total` is the sum of the next four."""

    total: int
    synced: int
    pending: int
    failed: int
    skipped: int
    attended: int
    checked_in: int


class PendingBecause(BaseModel):
    """The pending ones by what they wait for."""

    queued: int = 0
    running: int = 0
    retry_later: int = 0
    ambiguous: int = 0
    connection: int = 0
    api_budget: int = 0
    paused: int = 0
    campaign: int = 0
    org_backoff: int = 0
    salesforce_access: int = 0
    person: int = 0


class SkippedBecause(BaseModel):
    """The skipped ones by why nothing is written."""

    no_match: int = 0
    excluded: int = 0
    no_email: int = 0
    before_connection: int = 0
    nothing_wanted: int = 0
    cancelled: int = 0
    erased: int = 0
    switched_off: int = 0


class Group(BaseModel):
    """Failures that are the same one; `message` is Salesforce's without what attendees typed."""

    model_config = ConfigDict(serialize_by_alias=True)

    group_id: str
    error_class: str = Field(serialization_alias="class")
    error_code: str
    object: str | None
    fields: list[str]
    title: str
    message: str
    advice: Advice
    count: int
    can_retry: bool
    first_at: datetime | None
    last_at: datetime | None


class Stats(BaseModel):
    """One event at a moment; holds no personal data."""

    event: EventShown
    is_linked: bool
    counts: Counts
    pending_because: PendingBecause
    skipped_because: SkippedBecause
    next_retry_at: datetime | None
    groups: list[Group]
    backfill: BackfillShown | None
    budget: Budget | None
    connection_state: str
    last_synced_at: datetime | None
    as_of: datetime
    version: int


class AttendeeShown(BaseModel):
    """Who registered; all null once erased."""

    name: str | None
    email: str | None
    company: str | None


class RecordLink(BaseModel):
    """A record in Salesforce and where a person opens it."""

    object: str
    id: str
    url: str | None


class PersonLink(RecordLink):
    """The Lead or Contact, and how it was found."""

    found_by: str | None
    is_created_by_us: bool


class ActivityLink(RecordLink):
    """One activity on the person's timeline; `status` is what a calendar Event says of the registration."""

    kind: str
    subject: str | None
    status: str | None
    written_at: datetime | None


class MemberLink(RecordLink):
    """The campaign member; `status` is the campaign's own label."""

    status: str | None
    was_member_before: bool


class Part(BaseModel):
    """One happening and how far it is written; `attempts` are the job's."""

    kind: str
    state: str
    attempts: int
    written_at: datetime | None


class RowError(BaseModel):
    """Salesforce's own words on the part that failed, and ours."""

    model_config = ConfigDict(serialize_by_alias=True)

    group_id: str
    error_class: str = Field(serialization_alias="class")
    kind: str | None
    object: str | None
    error_code: str
    message: str
    fields: list[str]
    field_label: str | None
    value: str | None
    matches: list[RecordLink] = Field(
        default_factory=list, description="the records that a duplicate rule or a unique field named"
    )
    advice: Advice
    attempts: int
    first_at: datetime | None
    last_at: datetime | None
    next_attempt_at: datetime | None


class RowWarning(BaseModel):
    """Something that was left out or changed, without a failure."""

    code: str
    object: str | None
    field: str | None
    text: str


class Row(BaseModel):
    """One registration, with links to what stands in Salesforce; `case` may be one that its link named."""

    registration_id: str
    attendee: AttendeeShown
    registration_status: str
    is_checked_in: bool
    registered_at: datetime
    checked_in_at: datetime | None
    state: str
    is_attended: bool
    waiting_for: str | None
    skipped_because: str | None
    person: PersonLink | None
    activities: list[ActivityLink]
    member: MemberLink | None
    case: RecordLink | None
    parts: list[Part]
    error: RowError | None
    warnings: list[RowWarning]
    can_retry: bool
    is_excluded: bool = Field(description="left out by hand, until it is taken in again")
    is_erased: bool
    updated_at: datetime
    version: int


class Rows(BaseModel):
    """One page; `matched` is null above 10,000."""

    items: list[Row]
    next_cursor: str | None
    matched: int | None


class CheckIns(BaseModel):
    """Who came lately: `minutes` are counts of the 30 minutes up to `as_of`, the oldest first."""

    minutes: list[int]
    as_of: datetime


class RetryFilter(BaseModel):
    """Which rows: exactly one member is set."""

    model_config = ConfigDict(extra="forbid")

    all: StrictBool | None = None
    group_id: ShortText | None = None
    error_code: ShortText | None = None
    registration_ids: list[OpaqueId] | None = Field(None, max_length=IDS_MAX)

    def chosen(self) -> tuple[str, Any]:
        """The one member that is set, and its value. Raises FilterEmpty."""
        given = [(name, value) for name, value in self if value]
        if len(given) != 1:
            raise FilterEmpty
        return given[0]


class RetryRequest(BaseModel):
    """Retry what the filter matches; a dry run only counts."""

    model_config = ConfigDict(extra="forbid")

    filter: RetryFilter
    dry_run: StrictBool = False


class NotQueued(BaseModel):
    """Rows that the retry left alone, by why."""

    why: str
    count: int


class RetryOutcome(BaseModel):
    """What a retry did: `matched` is `queued` plus the sum of `not_queued`."""

    dry_run: bool
    matched: int
    queued: int
    not_queued: list[NotQueued]
    waiting_for: str | None
    row: Row | None
