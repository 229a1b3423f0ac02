"""What hosts decided about people and fields, and what their orgs' objects look like."""

from sqlalchemy import BigInteger, Boolean, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, HostId, Json


class Mapping(Base):
    """One layer of a host's rules: the host's own (`event_id` empty), or one event's over it.

    `layer` holds what was chosen and nothing else; `version` rises with every change.
    """

    __tablename__ = "mappings"

    host_id: Mapped[HostId]
    event_id: Mapped[str] = mapped_column(Text, primary_key=True, server_default="")
    layer: Mapped[Json]
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")
    updated_at: Mapped[CreatedAt]
    updated_by: Mapped[str]


class DescribeCache(Base):
    """An object as a host's connected user sees it; empty `body`: that user may not see the object at all.

    `is_stale`: Salesforce said something that does not fit it, so it is asked for anew.
    """

    __tablename__ = "describe_cache"

    host_id: Mapped[HostId]
    org_id: Mapped[str] = mapped_column(Text, primary_key=True)
    sobject: Mapped[str] = mapped_column(Text, primary_key=True)
    body: Mapped[Json]
    fetched_at: Mapped[CreatedAt]
    is_stale: Mapped[bool] = mapped_column(Boolean, server_default="false")
