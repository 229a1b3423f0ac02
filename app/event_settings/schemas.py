"""What the settings of events take and answer."""

from datetime import datetime
from typing import Annotated, Final, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    model_validator,
)

from app.api.errors import FilterEmpty
from app.hosts.kind_settings import EventWrites, Switch, WritesToSet
from app.registrations.schemas import OpaqueId, RecordLink

IDS_MAX: Final = 500
SearchText = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
EventKind = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]


class EventSettingsShown(BaseModel):
    """What holds for the event. `version` rises with each change."""

    enabled: Switch
    writes: EventWrites
    version: int


class EventSettingsToSet(BaseModel):
    """What to change; a member that is left out stays as it is, null takes the event's own choice away."""

    model_config = ConfigDict(extra="forbid")

    enabled: StrictBool | None = None
    writes: WritesToSet = WritesToSet()

    @property
    def sets_enabled(self) -> bool:
        return "enabled" in self.model_fields_set

    @property
    def kinds(self) -> dict[str, bool | None]:
        """The kinds that were named."""
        return self.writes.model_dump(exclude_unset=True)


class EventsFilter(BaseModel):
    """Which events: all that match every member. `from` is the earliest start, `to` the first too late."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    kind: EventKind | None = None
    from_: AwareDatetime | None = Field(None, alias="from")
    to: AwareDatetime | None = None
    q: SearchText | None = Field(None, description="part of the title")

    @property
    def is_empty(self) -> bool:
        return all(value is None for _, value in self)


class EventsToSet(BaseModel):
    """Exactly one of `event_ids`, `filter` and `all` says which events; `set` what becomes of them."""

    model_config = ConfigDict(extra="forbid")

    event_ids: Annotated[list[OpaqueId], Field(min_length=1, max_length=IDS_MAX)] | None = None
    filter: EventsFilter | None = None
    all: StrictBool | None = None
    set: EventSettingsToSet
    dry_run: StrictBool = True

    @model_validator(mode="after")
    def _sets_something(self) -> Self:
        if not self.set.sets_enabled and not self.set.kinds:
            raise ValueError("set needs enabled or a kind of writes")
        return self

    def chosen(self) -> str:
        """The name of the one member that says which events. Raises FilterEmpty."""
        given = {
            "event_ids": self.event_ids is not None,
            "filter": self.filter is not None and not self.filter.is_empty,
            "all": self.all is True,
        }
        names = [name for name, is_given in given.items() if is_given]
        if len(names) != 1 or (self.filter is not None and names != ["filter"]):
            raise FilterEmpty
        return names[0]


class EventLine(BaseModel):
    """The event of a row of the matrix."""

    id: str
    title: str
    kind: str
    starts_at: datetime | None
    timezone: str


class EventCounts(BaseModel):
    """The event's registrations, counted as in its stats."""

    total: int = 0
    synced: int = 0
    pending: int = 0
    failed: int = 0
    skipped: int = 0
    attended: int = 0


class EventRow(BaseModel):
    """One event with what holds for it and how far its registrations are."""

    event: EventLine
    enabled: Switch
    writes: EventWrites
    campaign: RecordLink | None
    counts: EventCounts
    is_paused: bool


class EventRows(BaseModel):
    """One page, newest start first."""

    items: list[EventRow]
    next_cursor: str | None


class EventsChanged(BaseModel):
    """What was changed, or in a dry run would be; `unknown` of the given ids are no events of the host.

    `sample` are at most ten of the changed rows, as they are after the change.
    """

    dry_run: bool
    matched: int
    changed: int
    unchanged: int
    unknown: int
    sample: list[EventRow]
