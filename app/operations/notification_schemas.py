"""The shapes of the operations' endpoints about notifications of the platform."""

from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool

from app.operations.schemas import Filter
from app.registrations.schemas import IDS_MAX, OpaqueId

NotificationStateName = Literal["pending", "delivered", "failed", "disabled"]
NotificationTypeName = Literal[
    "connection.needs_reconnect", "connection.restored", "connection.problem", "connection.problem_solved",
    "event.failures_started", "event.failures_cleared", "campaign.broken", "campaign.restored",
    "backfill.finished", "budget.stopped", "budget.resumed",
]  # fmt: skip


class NotificationFilter(Filter):
    """Which notifications: all members that are set must hold.

    `disabled` are those that wait since the receiver answered 410; otherwise they are `pending`.
    """

    host_id: OpaqueId | None = None
    event_id: OpaqueId | None = None
    type: NotificationTypeName | None = None
    state: NotificationStateName | None = None
    notification_ids: list[OpaqueId] | None = Field(None, min_length=1, max_length=IDS_MAX)
    created_from: AwareDatetime | None = None
    created_to: AwareDatetime | None = None


class NotificationsQuery(NotificationFilter):
    """A filter, which may be empty, and a page."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=4096)


class ReplayNotifications(BaseModel):
    """Notifications to send again; a dry run only counts, and is what happens unless it is refused."""

    model_config = ConfigDict(extra="forbid")

    filter: NotificationFilter
    dry_run: StrictBool = True


class NotificationShown(BaseModel):
    """One notification, with `notification_id` as its `webhook-id`.

    `sequence` is null for a moment after the fact. `last_status` is what the receiver answered last,
    `last_error` what kept an answer from coming. `due_at`: when it goes out next, of a pending one.
    """

    notification_id: str
    host_id: str
    sequence: int | None
    type: str
    event_id: str | None
    data: dict[str, Any]
    state: str
    attempts: int
    due_at: datetime | None
    last_status: int | None
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None


class Notifications(BaseModel):
    """One page of notifications, the latest first."""

    items: list[NotificationShown]
    next_cursor: str | None


class NotificationsActed(BaseModel):
    """What an act did: of `matched` notifications `queued` go out; a sample holds ten at most."""

    dry_run: bool
    matched: int
    queued: int
    sample: list[NotificationShown]
