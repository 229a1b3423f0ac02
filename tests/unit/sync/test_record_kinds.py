"""The catalogue of record kinds: one row reaches every list of objects, and the lists agree with it."""

from dataclasses import fields
from typing import get_args

import pytest

from app.field_mapping.request_schemas import Mappable
from app.field_mapping.source_catalog import reserved_reason
from app.hosts.settings import WritesChosen
from app.preflight.checks import required_permissions, run_checks, shown_objects
from app.preflight.findings import PreflightContext
from app.preflight.mapping_checks import blocked_by
from app.preflight.org_queries import OrgSnapshot
from app.salesforce.describe import Field, SObjectDescribe
from app.sync.field_values.required_fields import missing_required
from app.sync.field_values.validation import validate_mapping
from app.sync.model import record_kinds
from app.sync.model.batch import WriteToggles
from app.sync.model.mapping_rules import DEFAULT_RULES, FieldRule, MappingRules
from app.sync.model.record_kinds import (
    COMMON_FIELDS,
    PLANNED_OBJECTS,
    RECORD_KINDS,
    LostCreateQuery,
    Permission,
    RecordKind,
    described_objects,
    mapped_objects,
    written_objects,
)

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
    lost_create=LostCreateQuery("HolderId", "Note", "Label"),
)


@pytest.fixture
def badge(monkeypatch: pytest.MonkeyPatch) -> RecordKind:
    """A kind that nobody writes, in the catalogue."""
    monkeypatch.setattr(record_kinds, "RECORD_KINDS", (*RECORD_KINDS, BADGE))
    return BADGE


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
    assert [each.code for each in validate_mapping(rules, {})] == []
    owned = MappingRules(fields=(FieldRule("EventBadge", "HolderId", constant="x"),))
    assert [each.code for each in validate_mapping(owned, {})] == ["field_owned"]
    assert reserved_reason("EventBadge", "holderid") == "we fill it ourselves"


def test_what_a_kind_fills_is_not_missing(badge: RecordKind) -> None:
    needed = [field(name, is_required=True) for name in ("HolderId", "Note", "Extra__c")]
    assert [each.name for each in missing_required(DEFAULT_RULES, described(*needed))] == ["Extra__c"]


def test_a_preview_describes_the_object_of_every_kind(badge: RecordKind) -> None:
    assert "EventBadge" in written_objects()


def test_what_is_not_in_the_catalogue_is_not_written() -> None:
    rules = MappingRules(fields=(FieldRule("EventBadge", "Note", constant="x"),))
    assert [each.code for each in validate_mapping(rules, {})] == ["object_not_supported"]
    assert "EventBadge" not in {*described_objects(), *written_objects(), *mapped_objects(DEFAULT_RULES)}


def test_the_api_takes_rules_for_what_is_written_or_planned() -> None:
    assert set(get_args(Mappable)) == written_objects() | PLANNED_OBJECTS
    assert not written_objects() & PLANNED_OBJECTS


def test_every_kind_has_its_switch() -> None:
    toggles = {kind.toggle for kind in RECORD_KINDS}
    assert toggles == {each.name for each in fields(WriteToggles)} == set(WritesChosen.model_fields)


@pytest.mark.parametrize("kind", RECORD_KINDS, ids=lambda kind: f"{kind.name}-{kind.slot}")
def test_a_kind_agrees_with_itself(kind: RecordKind) -> None:
    """What a record is refused without is written, and no rule may take it away."""
    assert kind.needed_fields <= set(kind.written_fields) & kind.system_fields
    assert kind.optional_fields <= set(kind.written_fields) - kind.needed_fields
    assert {each.sobject for each in kind.permissions} <= set(described_objects())
    assert (kind.milestone is not None) == kind.is_activity
