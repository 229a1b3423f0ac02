"""What is said of one kind of record; the catalogue of all is in `record_kinds`."""

from dataclasses import dataclass
from typing import Final

from app.salesforce.package import without_namespace
from app.user_messages.phrases import Phrase

READ, INSERT, UPDATE = "read", "create", "update"
WARNING, NOTE = "warning", "note"

COMMON_FIELDS: Final = frozenset({"Id", "Name", "OwnerId", "RecordTypeId"})
NAMES: Final = ("LastName", "FirstName")


@dataclass(frozen=True)
class Permission:
    """What the connected user must be allowed to do. Without it `blocks` do not work; `severity` says how bad
    that is where the text of the finding does not.
    """

    sobject: str
    action: str
    blocks: tuple[str, ...]
    severity: str | None = None


@dataclass(frozen=True)
class LostCreateQuery:
    """How a record is found whose create was never answered: among those of the person, by our reference in
    a text; where the user may not read that, by its label, which the slot keeps as its `subject`.

    A record that may stand without its person has the attendee's e-mail in `address_field`: it is looked for
    by person, e-mail and label.
    """

    sobject: str
    person_field: str
    reference_field: str
    subject_field: str
    address_field: str | None = None

    @property
    def owner_field(self) -> str:
        """What tells one attendee's records from another's, where our reference cannot be read."""
        return self.address_field or self.person_field


@dataclass(frozen=True)
class RecordKind:
    """One kind of record. Several kinds may share an object, and a person's share a slot.

    `slot` is its place in `written_records`, `toggle` the member of `WriteToggles` that switches it and that
    names its planner, `blocks` what does not work while it cannot be created. `milestone` is the part of the
    registration that it completes; a kind without is part of what it happens with.

    Of its fields, no rule of the host may fill `system_fields`; `written_fields` are what we give a new
    record, whatever is mapped; `filled_fields` always have a value; without `needed_fields` the record is
    refused. What becomes of an `is_optional` one changes no state of its registration: its failure is a part,
    a warning and a group of its own. `extra_fields` are given to it where the org shows them.
    `package_fields` are our own, where the org has them, under the namespace of the package.
    `reserved_because` ends the sentence "Task.Subject cannot be mapped: …". `changes_later`: what happens
    after the create changes the record.
    """

    sobject: str
    slot: str
    toggle: str
    blocks: str
    system_fields: frozenset[str]
    written_fields: tuple[str, ...]
    permissions: tuple[Permission, ...]
    filled_fields: frozenset[str] = frozenset()
    needed_fields: frozenset[str] = frozenset()
    package_fields: frozenset[str] = frozenset()
    reserved_because: str = Phrase("owned.ours")
    mapped_as: str = ""
    create_modes: frozenset[str] = frozenset()
    described: tuple[str, ...] = ()
    has_record_types: bool = True
    extra_fields: frozenset[str] = frozenset()
    is_per_campaign: bool = False
    is_activity: bool = False
    changes_later: bool = False
    is_optional: bool = False
    milestone: str = ""
    lost_create: LostCreateQuery | None = None

    @property
    def name(self) -> str:
        """The object as the mapping's rules name it."""
        return self.mapped_as or self.sobject

    @property
    def optional_fields(self) -> frozenset[str]:
        """What can be left out where the org does not take it."""
        written = frozenset(self.written_fields) - self.needed_fields if self.needed_fields else frozenset()
        return written | self.extra_fields

    def may_lack(self, name: str) -> bool:
        """Whether the record can stand without this field."""
        return name in self.optional_fields or self.is_of_package(name)

    def is_of_package(self, name: str) -> bool:
        """Whether it is a field of ours that came with the package."""
        return without_namespace(name) in self.package_fields
