"""What we remember of a written record besides its columns: `written_records.details`, parsed once."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from app.sync.model.item_errors import ItemWarning


class SlotDetails(NamedTuple):
    """Each member is a key of the stored JSON; None is not stored. A tuple, as slots are."""

    found_by: str | None = None
    """Of a person, Account or Case: how it was found, or `created`; set when it is known or written."""

    is_created_by_us: bool | None = None
    """Of a person, Account or Case: whether we created it; set with `found_by`."""

    attendee_id: str | None = None
    """Of a person: whose ticket it was written for; set once the person is known to exist."""

    person_account_id: str | None = None
    """Of a Contact: the Person Account that we created and that it belongs to; set after the create."""

    warning: ItemWarning | None = None
    """Of a person: a warning that stays with it; set where a duplicate rule decided."""

    subject: str | None = None
    """Of an activity: its subject, which rows show and a lost create is found by; set by its planner."""

    was_member_before: bool | None = None
    """Of a member: whether it existed before we wrote to it; set by the planner of members."""

    is_manual: bool | None = None
    """Of a member: whether a person chose its status; set by the planner of members."""

    written_digests: Mapping[str, str] | None = None
    """Digests of the values we wrote, by field, by which our writes are told from later edits; set by the
    planners of people and members."""

    pending_digests: Mapping[str, str] | None = None
    """The same of an update on its way: they count once it is written, and go if it is rejected."""

    created_as: Mapping[str, str | None] | None = None
    """Of a calendar Event: its title and times as it was created; set by its planner."""

    dropped: tuple[str, ...] | None = None
    """The fields that Salesforce refused; set by a rejection, and by the create that leaves them out."""

    was_misjudged: bool | None = None
    """Whether the record did not fit its describe, which was fetched again after the rejection; done once."""

    was_moved: bool | None = None
    """Whether the record (merged, converted or deleted) was followed after a rejection: done once."""

    is_first_day: bool | None = None
    """Of a calendar Event: whether it gets its first day, as the org refused the rest; set by a rejection."""

    sent_key: str | None = None
    """Of a create: the unique key that it carried, with its field; set by its planner."""

    call_ended: bool | None = None
    """Of an uncertain write: whether its call is over, so that nothing of it lands later; set by its end."""

    reported_missing: bool | None = None
    """Whether a repair was asked for because the record is gone: it is looked for, and made again."""

    is_suspected: bool | None = None
    """Of an uncertain write: whether only the database that was restored makes it one; cleared when found."""

    others: Mapping[str, Any] | None = None
    """Keys of a later version, kept as they are: while it is rolled out, both write."""

    @classmethod
    def parse(cls, stored: Mapping[str, Any]) -> "SlotDetails":
        """The details as the database has them."""
        if not stored:
            return NO_DETAILS
        values: dict[str, Any] = {name: stored[name] for name in KEYS if name in stored}
        if len(values) < len(stored):
            values["others"] = {name: value for name, value in stored.items() if name not in KEYS}
        if values.get("dropped") is not None:
            values["dropped"] = tuple(values["dropped"])
        if values.get("warning") is not None:
            values["warning"] = ItemWarning.parse(values["warning"])
        return cls(**values)

    def as_json(self) -> dict[str, Any]:
        """The details as they are stored."""
        values: dict[str, Any] = {
            name: value for name, value in zip(KEYS, self, strict=False) if value is not None
        }
        if self.others:
            values = {**self.others, **values}
        if self.dropped is not None:
            values["dropped"] = list(self.dropped)
        if self.warning is not None:
            values["warning"] = self.warning.as_json()
        return values

    def updated(self, changes: "SlotDetails") -> "SlotDetails":
        """These details with those of `changes` that are set."""
        if changes is NO_DETAILS:
            return self
        if self is NO_DETAILS:
            return changes
        pairs = zip(self, changes, strict=True)
        return tuple.__new__(SlotDetails, [before if now is None else now for before, now in pairs])

    def without_hints(self) -> "SlotDetails":
        """Of a slot that is as it should be: what was refused of it may be tried again."""
        return self._replace(
            dropped=None, was_misjudged=None, was_moved=None, is_first_day=None, is_suspected=None
        )


KEYS: Final = SlotDetails._fields[:-1]
NO_DETAILS: Final = SlotDetails()


def pending_digests(before: Mapping[str, str], now: Mapping[str, str]) -> SlotDetails:
    """The details of an update that writes the digests `now`; none if no field is tracked."""
    return SlotDetails(written_digests=before, pending_digests=now) if before or now else NO_DETAILS
