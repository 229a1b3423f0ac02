"""The catalogue of record kinds: one row reaches every list of objects, and the lists agree with it."""

from collections.abc import Collection, Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, cast, get_args

import pytest

from app.field_mapping.request_schemas import Mappable
from app.field_mapping.source_catalog import reserved_reason
from app.hosts.kind_settings import EventWrites, WritesChosen, WritesToSet
from app.models import WrittenRecord
from app.preflight.checks import required_permissions, run_checks, shown_objects
from app.preflight.findings import PreflightContext
from app.preflight.mapping_checks import blocked_by
from app.preflight.org_queries import OrgSnapshot
from app.registrations.part_status import parts_of
from app.registrations.row_view import activity_links, current_slots
from app.salesforce.describe import Field, SObjectDescribe
from app.salesforce.errors import ApiError, RequestRejected
from app.salesforce.ids import to18
from app.states import Milestone
from app.sync.field_values.required_fields import missing_required
from app.sync.field_values.validation import find_mapping_issues
from app.sync.lookup.lost_creates import find_lost_creates
from app.sync.matching.person_matching import PersonIndex
from app.sync.model.batch import (
    Attendee,
    Batch,
    EventSnapshot,
    Job,
    RegistrationFacts,
    SlotKey,
    WriteToggles,
    WrittenSlot,
)
from app.sync.model.mapping_rules import DEFAULT_RULES, FieldRule, MappingRules
from app.sync.model.record_kind import COMMON_FIELDS, LostCreateQuery, Permission, RecordKind
from app.sync.model.record_kinds import (
    RECORD_KINDS,
    described_objects,
    mapped_objects,
    milestone_of,
    milestones,
    person_object,
    written_objects,
)
from app.sync.model.slot_details import SlotDetails
from tests.factories import NOW
from tests.integration.registrations.sample_event import job, link, record, registration
from tests.kinds import catalogue_with

REFERENCE: Final = "EVS-ABCDEFGHIJKLMNOP"
LEAD_ID: Final = to18("00Q5g00000AbCdE")
BADGE_ID: Final = to18("0bg5g00000AbCdE")
OUR_OTHER_BADGE: Final = to18("0bg5g00000AbCdF")

BADGE = RecordKind(
    sobject="EventBadge",
    slot="badge",
    toggle="task",
    blocks="badge",
    system_fields=COMMON_FIELDS | {"HolderId"},
    written_fields=("HolderId", "Note"),
    filled_fields=frozenset({"Note"}),
    needed_fields=frozenset({"HolderId"}),
    permissions=(Permission("EventBadge", "create", ("badge",)),),
    is_activity=True,
    milestone="badge_printed",
    lost_create=LostCreateQuery("EventBadge", "HolderId", "Note", "Label"),
)


@pytest.fixture
def badge() -> Iterator[RecordKind]:
    """A kind that nobody writes, in the catalogue."""
    with catalogue_with(BADGE):
        yield BADGE


def field(name: str, *, is_createable: bool = True, is_required: bool = False) -> Field:
    return Field(name, name, "string", 80, is_createable, True, not is_required, False, False)


def described(*known: Field, is_createable: bool = True) -> SObjectDescribe:
    """The describe of the made-up object."""
    return SObjectDescribe(
        name="EventBadge",
        label="Badge",
        is_queryable=True,
        is_createable=is_createable,
        is_updateable=True,
        fields={each.name: each for each in known},
        record_types=(),
    )


def findings(org: SObjectDescribe) -> set[tuple[str, str | None, tuple[str, ...]]]:
    look = OrgSnapshot(objects={"EventBadge": org})
    found, _ = run_checks(look, PreflightContext())
    return {(each.code, each.field, tuple(each.blocks)) for each in found if each.object == "EventBadge"}


def test_preflight_asks_for_the_object_of_every_kind(badge: RecordKind) -> None:
    assert described_objects()[-1] == "EventBadge"
    assert Permission("EventBadge", "create", ("badge",)) in required_permissions(DEFAULT_RULES)
    assert [line.object for line in shown_objects(OrgSnapshot())][-1] == "EventBadge"
    assert blocked_by("EventBadge", DEFAULT_RULES) == "badge"


def test_preflight_finds_what_a_kind_may_not_do(badge: RecordKind) -> None:
    assert ("object_not_createable", None, ("badge",)) in findings(described(is_createable=False))
    closed = findings(described(field("HolderId", is_createable=False), field("Note", is_createable=False)))
    assert ("needed_field_not_writeable", "HolderId", ("badge",)) in closed
    assert ("field_not_writeable", "Note", ()) in closed


def test_preflight_passes_what_a_kind_may_do(badge: RecordKind) -> None:
    _, passed = run_checks(OrgSnapshot(objects={"EventBadge": described()}), PreflightContext())
    assert "event_badge_createable" in passed


def test_a_mapping_reads_and_judges_the_object_of_every_kind(badge: RecordKind) -> None:
    assert "EventBadge" in mapped_objects(DEFAULT_RULES)
    rules = MappingRules(fields=(FieldRule("EventBadge", "Note", constant="x"),))
    assert [each.code for each in find_mapping_issues(rules, {})] == []
    owned = MappingRules(fields=(FieldRule("EventBadge", "HolderId", constant="x"),))
    assert [each.code for each in find_mapping_issues(owned, {})] == ["field_owned"]
    assert reserved_reason("EventBadge", "holderid") == "we fill it ourselves"


def test_what_a_kind_fills_is_not_missing(badge: RecordKind) -> None:
    needed = [field(name, is_required=True) for name in ("HolderId", "Note", "Extra__c")]
    assert [each.name for each in missing_required(DEFAULT_RULES, described(*needed))] == ["Extra__c"]


def test_a_preview_describes_the_object_of_every_kind(badge: RecordKind) -> None:
    assert "EventBadge" in written_objects()


def test_what_is_not_in_the_catalogue_is_not_written() -> None:
    rules = MappingRules(fields=(FieldRule("EventBadge", "Note", constant="x"),))
    assert [each.code for each in find_mapping_issues(rules, {})] == ["object_not_supported"]
    assert "EventBadge" not in {*described_objects(), *written_objects(), *mapped_objects(DEFAULT_RULES)}


def test_the_api_takes_rules_for_what_is_written() -> None:
    assert set(get_args(Mappable)) == written_objects()


def test_what_a_kind_completes_is_a_milestone() -> None:
    assert set(milestones()) <= set(Milestone)


@pytest.mark.parametrize(
    ("slot", "meaning", "milestone"),
    [
        ("task:registered", None, "registered"),
        ("task:checked_in", None, "checked_in"),
        ("member", "attended", "checked_in"),
        ("member", "no_show", "registered"),
        ("person", None, "registered"),
        ("person_update", None, "registered"),
        ("former:member", "attended", "registered"),
        ("badge", None, "badge_printed"),
    ],
)
def test_a_write_belongs_to_the_milestone_of_its_kind(
    badge: RecordKind, slot: str, meaning: str | None, milestone: str
) -> None:
    assert milestone_of(slot, meaning) == milestone


@pytest.mark.parametrize(
    ("creates", "sobject"),
    [("lead", "Lead"), ("contact", "Contact"), ("person_account", "PersonAccount"), ("nobody", "Lead")],
)
def test_the_object_of_a_new_person_is_the_mappings(creates: str, sobject: str) -> None:
    assert person_object(creates) == sobject


def test_every_kind_has_its_switch() -> None:
    toggles = {kind.toggle for kind in RECORD_KINDS}
    assert toggles == {each.name for each in fields(WriteToggles)} == set(WritesChosen.model_fields)
    assert toggles == set(WritesToSet.model_fields) == set(EventWrites.model_fields)


@pytest.mark.parametrize("kind", RECORD_KINDS, ids=lambda kind: f"{kind.name}-{kind.slot}")
def test_a_kind_agrees_with_itself(kind: RecordKind) -> None:
    """What a record is refused without is written, and no rule may take it away."""
    assert kind.needed_fields <= set(kind.written_fields) & kind.system_fields
    assert kind.optional_fields <= {*kind.written_fields, *kind.extra_fields} - kind.needed_fields
    assert {each.sobject for each in kind.permissions} <= set(described_objects())
    assert kind.milestone or not kind.is_activity


def written(slot: str, **values: Any) -> WrittenRecord:
    return record("r1", slot, sobject="EventBadge", sf_id="0bg1", **values)


def test_a_row_shows_the_activity_and_the_part_of_a_kind(badge: RecordKind) -> None:
    records = [written("badge", details={"subject": "Badge"})]
    [activity] = activity_links(records, None)
    assert (activity.object, activity.kind, activity.subject) == ("EventBadge", "badge_printed", "Badge")
    parts = parts_of(
        registration("r1"),
        job("r1", "synced", attempts=1),
        slots=current_slots(records, None),
        link=None,
        writes=WriteToggles(),
    )
    assert {part.kind: part.state for part in parts}["badge_printed"] == "synced"


def test_of_records_of_several_campaigns_that_of_the_link_is_shown() -> None:
    records = [written("member", instance_key="701A"), written("member", instance_key="701B")]
    assert current_slots(records, link(campaign_id="701A"))["member"].instance_key == "701A"


class Org:
    """Answers every query with the same records, and keeps the queries."""

    def __init__(self, *records: dict[str, Any], refuses: str = "") -> None:
        self.records, self.refuses = list(records), refuses
        self.queries: list[str] = []

    async def query(self, soql: str, *, include_deleted: bool) -> list[dict[str, Any]]:
        self.queries.append(soql)
        if self.refuses and self.refuses in soql:
            raise RequestRejected((ApiError("INVALID_FIELD", "No such column"),))
        return self.records


def doubtful(slot: str) -> Batch:
    """One registration whose record was sent, and Salesforce never answered."""
    lost = WrittenSlot(
        state="ambiguous",
        action="create",
        sobject="EventBadge",
        reference=REFERENCE,
        details=SlotDetails(subject="Badge of Ada"),
        first_attempt_at=NOW,
    )
    person = WrittenSlot(state="written", action="create", sobject="Lead", sf_id=LEAD_ID)
    job = Job(
        "r1",
        EventSnapshot("evt_1", "Otter Summit"),
        Attendee(),
        RegistrationFacts("confirmed", NOW),
        written={SlotKey("person"): person, SlotKey(slot): lost},
    )
    return Batch("host_a", "00D1", 1, NOW, (job,))


async def written_by_us(since: datetime, slots: Collection[str]) -> frozenset[str]:
    assert set(slots) == {"badge"}
    return frozenset({OUR_OTHER_BADGE})


async def test_a_lost_create_of_a_kind_is_found_by_its_reference(badge: RecordKind) -> None:
    org = Org({"Id": BADGE_ID, "Note": f"Hello. {REFERENCE}"})
    found = await find_lost_creates(cast(Any, org), doubtful("badge"), PersonIndex(), written_by_us)
    assert found == {REFERENCE: BADGE_ID}
    [queries] = org.queries
    assert queries.startswith(
        f"SELECT Id, Note FROM EventBadge WHERE HolderId IN ('{LEAD_ID}') AND CreatedDate"
    )


async def test_a_lost_create_is_found_by_its_label_where_the_reference_is_hidden(badge: RecordKind) -> None:
    ours = {"Id": OUR_OTHER_BADGE, "HolderId": LEAD_ID, "Label": "Badge of Ada"}
    org = Org(ours, ours | {"Id": BADGE_ID}, refuses="Id, Note")
    found = await find_lost_creates(cast(Any, org), doubtful("badge"), PersonIndex(), written_by_us)
    assert found == {REFERENCE: BADGE_ID}


async def test_nothing_is_asked_of_a_kind_that_is_not_in_the_catalogue() -> None:
    org = Org({"Id": BADGE_ID, "Note": REFERENCE})
    assert await find_lost_creates(cast(Any, org), doubtful("badge"), PersonIndex(), written_by_us) == {}
    assert org.queries == []
