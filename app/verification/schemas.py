"""The JSON of verification and repair."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from app.api.errors import FilterEmpty
from app.registrations.schemas import OpaqueId

REPAIR_IDS_MAX = 1_000


class DifferenceShown(BaseModel):
    """One record that differs from what we wrote; `url` opens it, or the person where it is gone."""

    registration_id: str
    kind: str
    ours: str | None
    theirs: str | None
    url: str | None


class VerificationShown(BaseModel):
    """An event's latest verification, with one page of its differences.

    `checked` of `total` registrations were read, `in_order` of them without a difference.
    """

    state: str
    checked: int
    total: int
    api_calls: int
    in_order: int
    resumes_at: datetime | None
    started_at: datetime
    finished_at: datetime | None
    items: list[DifferenceShown]
    next_cursor: str | None


class RepairToStart(BaseModel):
    """Which rows to repair: `registration_ids`, or `all` that differ; a dry run counts them."""

    model_config = ConfigDict(extra="forbid")

    registration_ids: list[OpaqueId] | None = Field(None, max_length=REPAIR_IDS_MAX)
    all: Literal[True] | None = None
    dry_run: StrictBool = True

    def chosen_ids(self) -> list[str] | None:
        """The registrations; None for all. Raises FilterEmpty."""
        if bool(self.registration_ids) == bool(self.all):
            raise FilterEmpty
        return self.registration_ids or None
