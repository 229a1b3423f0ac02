"""The shapes of the operations' endpoints; rows carry ids, never personal data."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from app.api.errors import FieldError, FilterEmpty
from app.operations.concerns import Concern
from app.registrations.schemas import IDS_MAX, OpaqueId, ShortText

Reason = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00@]*$")]
JobStateName = Literal["pending", "running", "synced", "failed", "held", "ambiguous", "skipped"]
ErrorClassName = Literal[
    "configuration", "data", "duplicate", "transient", "access", "limit", "ambiguous", "other"
]


class Filter(BaseModel):
    """Members that are set must all hold; to act, one must be set."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    def checked(self) -> Self:
        """Itself. Raises FilterEmpty."""
        if not self.model_dump(exclude_none=True, exclude={"limit", "cursor"}):
            raise FilterEmpty
        return self


class JobFilter(Filter):
    """Which jobs, across hosts: all members that are set must hold; to act on them, one must be set.

    `state` is the job's own; `older_than` compares with its last change.
    """

    host_id: OpaqueId | None = None
    org_id: OpaqueId | None = None
    event_id: OpaqueId | None = None
    state: JobStateName | None = None
    error_class: ErrorClassName | None = Field(None, alias="class")
    error_code: ShortText | None = None
    older_than: AwareDatetime | None = None
    registration_ids: list[OpaqueId] | None = Field(None, min_length=1, max_length=IDS_MAX)


class JobsQuery(JobFilter):
    """A filter and a page."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=4096)


class ActOnJobs(BaseModel):
    """Jobs to act on; a dry run only counts, and is what happens unless it is refused."""

    model_config = ConfigDict(extra="forbid")

    filter: JobFilter
    dry_run: StrictBool = True


class Act(BaseModel):
    """A deed without a filter; a dry run unless it is refused. `reason` is kept for ever in the audit log of
    each host that is concerned, which its people read: it names nobody, so it has no e-mail address.
    """

    model_config = ConfigDict(extra="forbid")

    dry_run: StrictBool = True
    reason: Reason | None = None

    @property
    def because(self) -> dict[str, str]:
        """The reason as details of an entry."""
        return {} if self.reason is None else {"reason": self.reason}


class JobShown(BaseModel):
    """One job. `by`: who asked for what it does now, null where nobody had to."""

    model_config = ConfigDict(from_attributes=True, serialize_by_alias=True)

    host_id: str
    event_id: str
    registration_id: str
    org_id: str
    state: str
    waiting_for: str | None
    why: str = Field(validation_alias="reason")
    priority: int
    attempts: int
    deaths: int = Field(validation_alias="worker_crashes")
    due_at: datetime
    error_class: str | None = Field(serialization_alias="class")
    error_code: str | None
    group_id: str | None
    skipped_because: str | None
    by: str | None = Field(validation_alias="requested_by")
    updated_at: datetime


class Jobs(BaseModel):
    """One page of jobs."""

    items: list[JobShown]
    next_cursor: str | None


class Acted(BaseModel):
    """What an act did: `matched` jobs in all, of which `queued` will move, and a sample of at most ten."""

    dry_run: bool
    matched: int
    queued: int
    sample: list[JobShown]


class OrgShown(BaseModel):
    """An org that somebody may have to look at, and why."""

    org_id: str
    hosts: int
    connection_states: list[str]
    not_before: datetime | None
    not_before_reason: str | None
    failures: int
    is_slow: bool
    is_paused: bool


class HostToReconnect(BaseModel):
    """A host whose connection Salesforce no longer accepts: all of its rows wait for a person."""

    host_id: str
    org_id: str
    code: str
    since: datetime


class HostFault(BaseModel):
    """A host whose own turn broke off: its work rests until `until`, that of its neighbours goes on.

    `count` is how often in a row.
    """

    host_id: str
    org_id: str
    code: str
    count: int
    until: datetime | None


class HostProblem(BaseModel):
    """What a connected user lacks while the connection itself works; some of the host's rows wait for it."""

    host_id: str
    org_id: str
    code: str
    object: str | None
    field: str | None
    since: datetime


class BudgetShown(BaseModel):
    """One host's share of its org's calls; the fullest come first."""

    host_id: str
    org_id: str
    org_used: int
    org_limit: int
    cap_percent: int
    closed_until: datetime | None
    measured_at: datetime | None


class WorkerShown(BaseModel):
    """One worker process by its heartbeat."""

    worker_id: str
    hostname: str
    pid: int
    started_at: datetime
    beat_at: datetime
    silent_seconds: float
    is_stopping: bool
    drains: int


class FailureCount(BaseModel):
    """Failed jobs of one class and code."""

    model_config = ConfigDict(serialize_by_alias=True)

    error_class: str | None = Field(serialization_alias="class")
    error_code: str | None
    count: int


class DeliveryFilter(Filter):
    """Which webhooks: all members that are set must hold; to replay them, one must be set.

    `is_quarantined`: those that could not be used; of these host and times alone are known, where readable.
    """

    webhook_ids: list[ShortText] | None = Field(None, min_length=1, max_length=IDS_MAX)
    host_id: OpaqueId | None = None
    event_id: OpaqueId | None = None
    registration_id: OpaqueId | None = None
    type: ShortText | None = None
    received_from: AwareDatetime | None = None
    received_to: AwareDatetime | None = None
    is_quarantined: bool | None = None


class DeliveriesQuery(DeliveryFilter):
    """A filter and a page."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=4096)


class ReplayDeliveries(BaseModel):
    """Webhooks to apply again; a dry run only counts, and is what happens unless it is refused."""

    model_config = ConfigDict(extra="forbid")

    filter: DeliveryFilter
    dry_run: StrictBool = True


class DeliveryShown(BaseModel):
    """One webhook as it was received, without its payload.

    `reason`: why it is in quarantine; `faults`: where it is wrong.
    """

    model_config = ConfigDict(from_attributes=True)

    webhook_id: str
    received_at: datetime
    host_id: str | None = None
    type: str | None = None
    occurred_at: datetime | None = None
    event_id: str | None = None
    registration_id: str | None = None
    outcome: str | None = None
    reason: str | None = None
    faults: list[FieldError] | None = None


class Deliveries(BaseModel):
    """One page of webhooks, the latest first."""

    items: list[DeliveryShown]
    next_cursor: str | None


class Replayed(BaseModel):
    """What a replay did: `queued` of `matched` webhooks were applied again; `unusable` still cannot be."""

    dry_run: bool
    matched: int
    queued: int
    unusable: int
    sample: list[DeliveryShown]


class AuditQuery(BaseModel):
    """Which entries of which hosts, the latest first."""

    model_config = ConfigDict(extra="forbid")

    host_id: OpaqueId | None = None
    actor: ShortText | None = None
    action: ShortText | None = None
    since: AwareDatetime | None = None
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=4096)


class Deed(BaseModel):
    """Who did what. No host: an act that touched none."""

    model_config = ConfigDict(from_attributes=True)

    host_id: str
    seq: int
    at: datetime
    actor: str
    action: str
    details: dict[str, Any]


class Deeds(BaseModel):
    """One page of the audit log."""

    items: list[Deed]
    next_cursor: str | None


class VerifyAudit(BaseModel):
    """The host whose chain is checked; all of them without one."""

    model_config = ConfigDict(extra="forbid")

    host_id: OpaqueId | None = None


class BrokenChain(BaseModel):
    """The first entry of a host that does not fit. No host: the log of acts that touched none.

    `why`: `changed`, `missing`, or `no_head` where none is kept of a log from before there were any.
    """

    host_id: str
    seq: int
    why: Literal["changed", "missing", "no_head"]


class AuditVerified(BaseModel):
    """How many hosts' chains were followed from their first entry, and where they break."""

    hosts: int
    is_whole: bool
    broken: list[BrokenChain]


class Overview(BaseModel):
    """The service at a moment, across hosts. `stuck_orgs` have running rows and nobody who runs them.

    `concerns`: what needs somebody, the most urgent first; none: all is well.
    """

    backlog: dict[str, int]
    oldest_due_age_seconds: float
    orgs_with_backlog: int
    orgs_with_trouble: list[OrgShown]
    hosts_to_reconnect: list[HostToReconnect]
    host_faults: list[HostFault]
    host_problems: list[HostProblem]
    budgets: list[BudgetShown]
    workers: list[WorkerShown]
    failures: list[FailureCount]
    stuck_orgs: list[str]
    quarantined: int
    concerns: list[Concern]
    received_last_minute: int
    as_of: datetime


class LeaseShown(BaseModel):
    """Who drains an org, until when, and what the org asked for."""

    model_config = ConfigDict(from_attributes=True)

    org_id: str
    owner: str | None
    is_held: bool
    until: datetime | None
    acquired_at: datetime | None
    fence: int
    not_before: datetime | None
    not_before_reason: str | None
    failures: int
    is_slow: bool
    batch_size: int
    paused_at: datetime | None
    paused_by: str | None
    running: int


class Leases(BaseModel):
    """Every org that was ever drained, in the order of ids; one page."""

    items: list[LeaseShown]
    next_cursor: str | None
