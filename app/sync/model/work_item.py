"""One item of a batch while it is worked on: what is known of its slots, and how each part ended."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from enum import Enum, auto
from typing import Any, Final, NamedTuple

from app.salesforce.composite import Record
from app.salesforce.describe import SObjectDescribe
from app.salesforce.value_class import value_class
from app.states import SkipReason, WriteState
from app.sync.model.batch import PERSON, Job, SlotKey, WrittenSlot
from app.sync.model.item_errors import ItemError, ItemWarning
from app.sync.model.job_outcome import NO_ACCESS, Obstacle
from app.sync.model.record_key import RecordKey
from app.sync.model.record_kinds import kind_of_slot, milestone_of
from app.sync.model.records import LEAD, FoundPerson
from app.sync.model.slot_details import NO_DETAILS, SlotDetails

NO_SLOTS: Final[Mapping[SlotKey, WrittenSlot]] = {}
NO_PARTS: "Final[Mapping[SlotKey, PartEnd]]" = {}


class LoggedRequest(NamedTuple):
    """One record as it was sent for an item, and Salesforce's word on it; `slot` and `instance_key` of its
    place, `milestone` as in `WriteOperation`.
    """

    slot: str
    milestone: str
    request: Mapping[str, Any]
    answer: Mapping[str, Any]
    instance_key: str = ""


class PartEnding(Enum):
    """How the write of an optional part ended, short of success."""

    FAILED = auto()
    LATER = auto()
    """It may go well in another run."""

    AGAIN = auto()
    """It can be planned otherwise, now."""

    REFUSED = auto()
    """The org takes no such object at all."""


class PartEnd(NamedTuple):
    """How the write of an optional part ended, and why."""

    how: PartEnding
    error: ItemError


class WorkItem(NamedTuple):
    """A job and what became of it so far; `BatchItems.apply` makes the next value of it. A tuple, since each
    attendee takes a dozen values.

    `persisted_slots` is what the database holds of its slots, `stale_describes` the objects whose describe
    may be out of date. `inaccessible_lead` is the refusal to write to a Lead that the user lost access to as
    it was created; with the obstacle LEAD_ACCESS it did so earlier. Optional parts have their own ends and
    time to look again; `has_tried_parts` says whether their turn has come.
    """

    job: Job
    slots: Mapping[SlotKey, WrittenSlot] = NO_SLOTS
    persisted_slots: Mapping[SlotKey, WrittenSlot] = NO_SLOTS
    person: FoundPerson | None = None
    skipped_because: SkipReason | None = None
    error: ItemError | None = None
    retry: ItemError | None = None
    last_rejection: ItemError | None = None
    recheck_at: datetime | None = None
    obstacles: frozenset[Obstacle] = frozenset()
    inaccessible_lead: ItemError | None = None
    must_replan: bool = False
    is_processed: bool = False
    warnings: tuple[ItemWarning, ...] = ()
    logged_requests: tuple[LoggedRequest, ...] = ()
    stale_describes: frozenset[str] = frozenset()
    part_ends: Mapping[SlotKey, PartEnd] = NO_PARTS
    part_recheck_at: datetime | None = None
    has_tried_parts: bool = False

    @classmethod
    def of(cls, job: Job) -> "WorkItem":
        return cls(job, job.written, job.written)

    @property
    def registration_id(self) -> str:
        return self.job.registration_id

    @property
    def is_undecided(self) -> bool:
        """Whether the planner still has something to decide for this item."""
        is_stopped = self.must_replan or self.has_no_access
        return self.skipped_because is None and self.error is None and not is_stopped

    @property
    def has_no_access(self) -> bool:
        """Whether the connected user may not look for the item's person, or not see it."""
        return not NO_ACCESS.isdisjoint(self.obstacles)

    @property
    def has_member(self) -> bool:
        """Whether the campaign member of the linked campaign is written."""
        slot = self.slots.get(self.job.member_key) if self.job.member_key else None
        return slot is not None and slot.state == WriteState.WRITTEN

    def changed_slots(self) -> dict[SlotKey, WrittenSlot | None]:
        """Slots that differ from what the database holds; None where a row must go."""
        slots, persisted = self.slots, self.persisted_slots
        if slots is persisted:
            return {}
        changed: dict[SlotKey, WrittenSlot | None] = {
            key: slot for key, slot in slots.items() if slot != persisted.get(key)
        }
        return changed | {key: None for key in persisted if key not in slots}


@value_class(frozen=True)
class WriteOperation:
    """One record to create or update. It fills the slot `key` of all its jobs; its create locks are stored
    under `primary_registration_id`, which is one of them.

    `mapped` are the fields that the host's rules filled, `describe` is the object's where rules need one.
    `rejection_hints` is what earlier refusals taught; it goes with the slot until something is written.
    `details_by_item` are details of single items, by registration. `record_key` is the unique key that a new
    record carries, in an org that has a field for it.
    """

    key: SlotKey
    jobs: tuple[Job, ...] = field(compare=False, hash=False)
    record: Record = field(compare=False, hash=False)
    primary_registration_id: str = ""
    meaning: str | None = None
    label: str | None = None
    reference_tag: str | None = None
    create_lock: bytes | None = None
    external_id_locks: tuple[bytes, ...] = ()
    details: SlotDetails = field(default=NO_DETAILS, compare=False, hash=False)
    headers: tuple[tuple[str, str], ...] = ()
    mapped: frozenset[str] = frozenset()
    describe: SObjectDescribe | None = field(default=None, compare=False, hash=False)
    rejection_hints: SlotDetails = field(default=NO_DETAILS, compare=False, hash=False)
    details_by_item: Mapping[str, SlotDetails] = field(default_factory=dict, compare=False, hash=False)
    record_key: RecordKey | None = None

    @property
    def create_locks(self) -> tuple[bytes, ...]:
        """What nobody else may create meanwhile: a person's e-mail and external ids, or a company."""
        return (self.create_lock, *self.external_id_locks) if self.create_lock is not None else ()

    @property
    def is_create(self) -> bool:
        return self.record.id is None

    @property
    def is_key_alone(self) -> bool:
        """Whether it gives a record that stands its unique key, and nothing else."""
        return not self.is_create and self.record_key is not None

    @property
    def is_optional(self) -> bool:
        """Whether the registration's state does not depend on it."""
        return is_optional(self.key)

    @property
    def milestone(self) -> str:
        """The part of the registration it belongs to, as rows and errors name it."""
        return milestone_of(self.key.slot, self.meaning)


def is_optional(key: SlotKey) -> bool:
    """Whether a registration's state does not depend on this slot."""
    kind = kind_of_slot(key.slot)
    return kind is not None and kind.is_optional


def is_lead_created_by_us(slot: WrittenSlot | None) -> bool:
    """Whether the person is a Lead that we created."""
    return bool(
        slot and slot.sobject == LEAD and slot.state == WriteState.WRITTEN and slot.details.is_created_by_us
    )


def is_new_lead(item: WorkItem) -> bool:
    """Whether the item's person is a Lead that was created in this run."""
    before, now = item.job.slot(PERSON), item.slots.get(SlotKey(PERSON))
    if now is None or not is_lead_created_by_us(now):
        return False
    return before is None or before.state != WriteState.WRITTEN or before.sf_id != now.sf_id


def undecided_items(items: Iterable[WorkItem]) -> list[WorkItem]:
    return [item for item in items if item.is_undecided]
