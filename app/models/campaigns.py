"""The link of an event to a Salesforce Campaign, and the backfills it starts."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKeyConstraint, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, HostId, Json, one_of
from app.states import BackfillState, LinkState


class CampaignLink(Base):
    """At most one per event. `statuses` maps our meanings to the campaign's own labels (null: not chosen).

    `state`: linked, broken, creating, create_failed. A broken link stops member writes only. `creation` is
    what was asked for while we create the campaign; since `creation_started_at` it may stand in Salesforce.
    """

    __tablename__ = "campaign_links"
    __table_args__ = (
        CheckConstraint(one_of("state", LinkState), name="state"),
        CheckConstraint(
            "(state IN ('linked', 'broken')) <= (campaign_id IS NOT NULL)", name="linked_has_campaign"
        ),
        ForeignKeyConstraint(["host_id", "event_id"], ["events.host_id", "events.event_id"]),
        Index("ix_campaign_links_host_id_campaign_id", "host_id", "campaign_id"),
        Index("ix_campaign_links_creating", "creation_due_at", postgresql_where=text("state = 'creating'")),
    )

    host_id: Mapped[HostId]
    event_id: Mapped[str] = mapped_column(Text, primary_key=True)
    state: Mapped[str] = mapped_column(server_default=LinkState.LINKED)
    problem_code: Mapped[str | None]
    org_id: Mapped[str]
    campaign_id: Mapped[str | None]
    campaign_name: Mapped[str]
    is_active: Mapped[bool] = mapped_column(Boolean)
    is_created_by_us: Mapped[bool] = mapped_column(Boolean, server_default="false")
    statuses: Mapped[Json]
    available_statuses: Mapped[list[str]] = mapped_column(JSONB)
    creation: Mapped[Json | None]
    creation_started_at: Mapped[datetime | None]
    creation_due_at: Mapped[datetime | None]
    creation_attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    linked_at: Mapped[CreatedAt]
    linked_by: Mapped[str]
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")


class Backfill(Base):
    """Arms the jobs of an event chunk by chunk: a cursor over registration ids, never one big statement.

    `done`, `failed` and `skipped` are counted from the jobs while it runs, and kept here when it ends.
    """

    __tablename__ = "backfills"
    __table_args__ = (
        CheckConstraint(one_of("state", BackfillState), name="state"),
        Index(
            "uq_backfills_running",
            "host_id",
            "event_id",
            unique=True,
            postgresql_where=text("state IN ('running', 'paused')"),
        ),
    )

    host_id: Mapped[HostId]
    backfill_id: Mapped[str] = mapped_column(Text, primary_key=True)
    event_id: Mapped[str]
    org_id: Mapped[str]
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=BackfillState.RUNNING)
    cursor: Mapped[str] = mapped_column(server_default="")
    is_enqueued: Mapped[bool] = mapped_column(Boolean, server_default="false")
    total: Mapped[int] = mapped_column(Integer)
    enqueued: Mapped[int] = mapped_column(Integer, server_default="0")
    done: Mapped[int] = mapped_column(Integer, server_default="0")
    failed: Mapped[int] = mapped_column(Integer, server_default="0")
    skipped: Mapped[int] = mapped_column(Integer, server_default="0")
    api_calls: Mapped[int] = mapped_column(Integer, server_default="0")
    requested_by: Mapped[str]
    started_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]
