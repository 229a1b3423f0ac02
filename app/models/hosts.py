"""Hosts (tenants) and their events."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, HostId, Json


class Host(Base):
    """One tenant. `settings` holds what the host chose: exclusions, kinds of write switched on or off.

    `app_mode`: shared (the platform's Salesforce app) or own. `public_url`: the address of ours that it is
    bound to, None for the default.
    """

    __tablename__ = "hosts"

    host_id: Mapped[HostId]
    name: Mapped[str | None]
    settings: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    api_cap_percent: Mapped[int] = mapped_column(Integer, server_default="80")
    app_mode: Mapped[str] = mapped_column(server_default="shared")
    public_url: Mapped[str | None]
    paused_at: Mapped[datetime | None]
    paused_by: Mapped[str | None]
    resumed_at: Mapped[datetime | None]
    personal_data_checked_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


class Event(Base):
    """The latest snapshot of an event; `version`, else `snapshot_at`, decides which is the latest.

    `has_had_link`: it was linked once, so that no campaign is made for it unasked. `is_enabled` (None: on)
    and `writes` (kinds that differ from the host's) are the host's own choice: no webhook changes them.
    `settings_version` rises with each change of theirs.
    """

    __tablename__ = "events"

    host_id: Mapped[HostId]
    event_id: Mapped[str] = mapped_column(Text, primary_key=True)
    title: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="in_person")
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    timezone: Mapped[str] = mapped_column(server_default="UTC")
    location: Mapped[str | None]
    url: Mapped[str | None]
    organizer: Mapped[Json | None]
    is_cancelled: Mapped[bool] = mapped_column(Boolean, server_default="false")
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]
    has_had_link: Mapped[bool] = mapped_column(Boolean, server_default="false")
    is_enabled: Mapped[bool | None] = mapped_column(Boolean)
    writes: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    settings_version: Mapped[int] = mapped_column(Integer, server_default="0")
    version: Mapped[int | None] = mapped_column(BigInteger)
    snapshot_at: Mapped[datetime]
    merge_state: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    paused_at: Mapped[datetime | None]
    paused_by: Mapped[str | None]
    resumed_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
