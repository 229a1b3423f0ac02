"""The shapes of orgs, their hosts, events and rows for operations: nothing of a person."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.operations.flow import Flow
from app.registrations.schemas import OpaqueId

OrgStateName = Literal[
    "stuck",
    "ended",
    "late",
    "failing",
    "doubt",
    "budget",
    "access",
    "failed",
    "paused",
    "well",
    "disconnected",
]
"""The most important first."""


class OrgsQuery(BaseModel):
    """Which orgs: members that are set must all hold. `state`: the org is in it, whatever else it is in."""

    model_config = ConfigDict(extra="forbid")

    org_id: OpaqueId | None = None
    host_id: OpaqueId | None = None
    state: OrgStateName | None = None
    limit: int = Field(25, ge=1, le=100)
    cursor: str | None = Field(None, max_length=4096)


class HostOfOrg(BaseModel):
    """A host on an org. `code`: why its connection ended or its turn broke off; `problems`: what it lacks."""

    host_id: str
    name: str | None
    connection_state: str
    code: str | None
    since: datetime
    failed: int
    problems: list[str]
    is_paused: bool


class OrgBudget(BaseModel):
    """The newest measurement by any host of the org; `cap_percent`: the lowest at which one of them stops."""

    used: int
    limit: int
    cap_percent: int
    closed_until: datetime | None
    measured_at: datetime | None


class OrgLine(BaseModel):
    """One org. `states`: all that hold, the most important first; `reason`: the code of the first.

    `failed`: failed rows now; `hosts`: the first 50, those with trouble first.
    """

    org_id: str
    name: str | None
    is_sandbox: bool | None
    states: list[OrgStateName]
    reason: str | None
    since: datetime | None
    not_before: datetime | None
    paused_by: str | None
    oldest_wait_seconds: float
    failed: int
    running: int
    budget: OrgBudget | None
    day: Flow
    hosts_total: int
    hosts: list[HostOfOrg]


class Orgs(BaseModel):
    """One page of orgs, the most important first; `total`: all that the filter matches."""

    items: list[OrgLine]
    total: int
    next_cursor: str | None
    as_of: datetime


class EventOfHost(BaseModel):
    """An event with its rows by state; those with most failures come first."""

    event_id: str
    title: str
    starts_at: datetime | None
    timezone: str
    is_paused: bool
    jobs: dict[str, int]


class EventsOfHost(BaseModel):
    """One page of a host's events."""

    items: list[EventOfHost]
    next_cursor: str | None


class AttemptOfJob(BaseModel):
    """One run of a registration that reached Salesforce, without what was sent. `by`: who asked for it."""

    model_config = ConfigDict(serialize_by_alias=True)

    at: datetime
    kind: str
    why: str
    by: str | None
    outcome: str
    error_class: str | None = Field(serialization_alias="class")
    error_code: str | None


class AttemptsOfJob(BaseModel):
    """One page, the latest first."""

    items: list[AttemptOfJob]
    next_cursor: str | None
