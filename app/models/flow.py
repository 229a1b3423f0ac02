"""How much came in and went out: figures of the past for operations, without anything of a person."""

from datetime import datetime

from sqlalchemy import DateTime, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class FlowInterval(Base):
    """What an org received and wrote in the five minutes from `at`; no row where nothing happened.

    `org_id` is empty in the row of the whole service, which is there for each interval that was counted.
    """

    __tablename__ = "flow_intervals"
    __table_args__ = (Index("ix_flow_intervals_at", "at", postgresql_using="brin"),)

    org_id: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    received: Mapped[int] = mapped_column(Integer, server_default="0")
    synced: Mapped[int] = mapped_column(Integer, server_default="0")
    failed: Mapped[int] = mapped_column(Integer, server_default="0")
