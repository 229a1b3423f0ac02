"""A record to create as the host's rules have it: its fields, record type, owner and headers. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Any, Final

from app.salesforce.composite import NO_ASSIGNMENT, Record
from app.salesforce.describe import SObjectDescribe
from app.salesforce.error_codes import ErrorClass
from app.salesforce.ids import QUEUE_PREFIX
from app.salesforce.value_class import value_class
from app.states import WriteState
from app.sync.errors.item_error import mapping_error, outcome_unknown_error
from app.sync.errors.message_codes import RECORD_TYPE_NOT_AVAILABLE
from app.sync.field_values.builder import build_field_values
from app.sync.field_values.lead_fields import lead_fields
from app.sync.field_values.rule_evaluation import OWNER, MappingError, owner_refused_warning
from app.sync.field_values.system_fields import custom_rules, field_name, object_of
from app.sync.lookup.create_context import CreateContext
from app.sync.lookup.requirements import distinct_rules
from app.sync.model.batch import Job, SlotKey, WrittenSlot
from app.sync.model.decisions import Fail, ItemDecision
from app.sync.model.item_errors import ItemWarning
from app.sync.model.mapping_rules import DEFAULT_FIELDS, FIXED, ORGANIZER, MappingRules
from app.sync.model.record_key import RecordKey
from app.sync.model.record_kinds import milestone_of
from app.sync.model.records import ACCOUNT, CASE, CONTACT, LEAD, PERSON_ACCOUNT
from app.sync.model.retry_policy import MAX_FINISHED_CALL_CREATES, MAX_UNSETTLED_CREATES, Clock
from app.sync.model.slot_details import NO_DETAILS, SlotDetails
from app.sync.model.work_item import WorkItem, WriteOperation
from app.user_messages.phrases import Phrase

ASSIGNMENT_RULE_OBJECTS: Final = frozenset({LEAD, ACCOUNT, CASE})
"""The objects that an org's assignment rules may give to somebody."""

OWNED: Final = frozenset({LEAD, CONTACT, ACCOUNT, CASE})
QUEUE_OWNED: Final = frozenset({LEAD, CASE})
EMPTY_CONTEXT: Final = CreateContext()


@value_class(frozen=True)
class Draft:
    """A record that could be sent. `mapped` are the fields that the host's rules filled."""

    record: Record
    warnings: tuple[ItemWarning, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    mapped: frozenset[str] = frozenset()
    describe: SObjectDescribe | None = None


class RecordBuildError(Exception):
    """The host's rules and the org do not fit together; `error` says where."""

    def __init__(self, error: MappingError, warnings: tuple[ItemWarning, ...] = ()) -> None:
        super().__init__(error.code)
        self.error = error
        self.warnings = warnings


@value_class(frozen=True)
class OrgContext:
    """What is known of the org: objects as the connected user sees them, Accounts, record types; `owners` are
    Salesforce users by the organizer's e-mail.
    """

    describes: Mapping[str, SObjectDescribe]
    create_context: CreateContext = EMPTY_CONTEXT
    owners: Mapping[str, str] = field(default_factory=dict)


def build_record(
    sobject: str,
    job: Job,
    org: OrgContext,
    *,
    system_fields: Mapping[str, Any] | None = None,
    without: frozenset[str] = frozenset(),
) -> Draft:
    """The record with the engine's `system_fields` first; `sobject` may be `PersonAccount`.

    Raises `RecordBuildError`.
    """
    if job.rules.is_default:
        return _default_record(sobject, job, system_fields or {}, without)
    named = object_of(sobject)
    describe = org.describes.get(named)
    filled = build_field_values(sobject, job.rules, job, describe=describe, without=without)
    if filled.error is not None:
        raise RecordBuildError(filled.error, filled.warnings)
    kind, kind_notices = _record_type(sobject, job.rules, org)
    owner, owner_notices = _owner(named, job, org.owners)
    is_owned = bool(owner) or not job.rules.owner.runs_assignment_rules
    fields = {**(system_fields or {}), **filled.fields, **kind, **owner}
    return Draft(
        record=Record(named, {name: value for name, value in fields.items() if name not in without}),
        warnings=(*filled.warnings, *kind_notices, *owner_notices),
        digests=filled.digests,
        headers=tuple(NO_ASSIGNMENT.items()) if named in ASSIGNMENT_RULE_OBJECTS and is_owned else (),
        mapped=mapped_fields(sobject, job.rules, describe),
        describe=describe,
    )


def _default_record(
    sobject: str, job: Job, system_fields: Mapping[str, Any], without: frozenset[str]
) -> Draft:
    """By the default rules, which say the same of a Lead as its table does, and nothing of other objects."""
    fields, warnings = lead_fields(job.attendee, without) if sobject == LEAD else ({}, [])
    if OWNER in without:
        warnings = [*warnings, owner_refused_warning(sobject)]
    kept = {name: value for name, value in system_fields.items() if name not in without}
    return Draft(Record(sobject, {**kept, **fields}), tuple(warnings))


def mapped_fields(sobject: str, rules: MappingRules, describe: SObjectDescribe | None) -> frozenset[str]:
    """The fields that the host chose a value for, under the names that the object has for them."""
    if rules.is_default:
        return frozenset()
    chosen = {rule.field for rule in custom_rules(sobject, rules, describe) if rule not in DEFAULT_FIELDS}
    opt_out = {field_name(sobject, rules.opt_out_field, describe)} if rules.opt_out_field else set()
    return frozenset(chosen | opt_out)


def mapped_by_items(
    sobject: str, items: Iterable[WorkItem], describe: SObjectDescribe | None
) -> frozenset[str]:
    """The fields that the rules of any of these items fill."""
    rules = distinct_rules(item.job.rules for item in items)
    return frozenset().union(*(mapped_fields(sobject, each, describe) for each in rules))


def _record_type(
    sobject: str, rules: MappingRules, org: OrgContext
) -> tuple[dict[str, str], tuple[ItemWarning, ...]]:
    named = object_of(sobject)
    chosen, describe = rules.record_types.get(named), org.describes.get(named)
    if sobject == PERSON_ACCOUNT:
        return {"RecordTypeId": _person_type(chosen, org.create_context)}, ()
    if chosen is None or describe is None:
        return {}, ()
    known = describe.fields.get("RecordTypeId")
    if known is None or not known.is_createable:
        text = Phrase("note.record_type_not_writeable", type=chosen, label=describe.label)
        return {}, (ItemWarning("field_dropped", named, "RecordTypeId", text),)
    found = [each.id for each in describe.record_types if each.developer_name == chosen and each.is_available]
    if not found:
        text = Phrase("unfit.no_record_type", label=describe.label, type=chosen)
        raise RecordBuildError(_no_type(named, chosen, text))
    return {"RecordTypeId": found[0]}, ()


def _person_type(chosen: str | None, create_context: CreateContext) -> str:
    """The record type for persons: the chosen one, else the org's first."""
    types = create_context.person_types
    found = types.get(chosen or "") or next(iter(types.values()), None)
    if found is None:
        text = Phrase("unfit.no_person_type")
        raise RecordBuildError(_no_type(ACCOUNT, chosen or "", text))
    return found


def _no_type(sobject: str, value: str, text: str) -> MappingError:
    return MappingError(
        ErrorClass.CONFIGURATION, RECORD_TYPE_NOT_AVAILABLE, sobject, "RecordTypeId", value, text
    )


def _owner(
    sobject: str, job: Job, owners: Mapping[str, str]
) -> tuple[dict[str, str], tuple[ItemWarning, ...]]:
    owner = job.rules.owner
    if sobject not in OWNED or owner.how not in (FIXED, ORGANIZER):
        return {}, ()
    id_ = owner.id if owner.how == FIXED else owners.get(job.organizer_key or "")
    if id_ is None:
        text = Phrase("note.organizer_unknown")
        return {}, (ItemWarning("fallback_used", sobject, "OwnerId", text),)
    if id_.startswith(QUEUE_PREFIX) and sobject not in QUEUE_OWNED:
        text = Phrase("note.queue_owns_leads_only", object=sobject)
        return {}, (ItemWarning("field_dropped", sobject, "OwnerId", text),)
    return {"OwnerId": id_}, ()


def dropped_fields(*slots: WrittenSlot | None) -> frozenset[str]:
    """The fields that Salesforce refused when these slots were tried last."""
    return frozenset(rejection_hints(*slots).dropped or ())


def rejection_hints(*slots: WrittenSlot | None) -> SlotDetails:
    """What the refusals of these slots showed since something was written, or found to be there, last.

    An update that was refused leaves its slot as written as it was before.
    """
    earlier = [slot.details for slot in slots if slot is not None]
    if not earlier:
        return NO_DETAILS
    dropped = sorted({name for details in earlier for name in details.dropped or ()})
    return SlotDetails(
        dropped=tuple(dropped) or None,
        was_misjudged=any(details.was_misjudged for details in earlier) or None,
        was_moved=any(details.was_moved for details in earlier) or None,
        is_first_day=any(details.is_first_day for details in earlier) or None,
    )


def build_failure(
    items: Iterable[WorkItem], error: RecordBuildError, org: OrgContext, *, milestone: str
) -> tuple[ItemDecision, ...]:
    """Fail these items, since the host's rules and the org do not fit; the org's describe may be stale."""
    sobject = error.error.sobject
    failure = Fail(mapping_error(error.error, milestone=milestone, describe=org.describes.get(sobject)))
    stale = frozenset({sobject})
    return tuple(
        ItemDecision(item, failure, warnings=error.warnings, stale_describes=stale) for item in items
    )


def with_key(operation: WriteOperation, key: RecordKey | None) -> WriteOperation:
    """The create with its unique key, unless the org refused that field when it was tried last."""
    if key is None or key.field in (operation.rejection_hints.dropped or ()):
        return operation
    record = replace(operation.record, fields={**operation.record.fields, key.field: key.value})
    details = operation.details._replace(sent_key=key.text)
    return replace(operation, record=record, record_key=key, details=details)


def create_obstacle(
    item: WorkItem, key: SlotKey, clock: Clock, *, record_key: RecordKey | None = None
) -> ItemDecision | None:
    """Return what keeps the slot from being created now: a wait, or the failure after too many rounds.

    What was sent with the same unique key is sent again at once: Salesforce takes one of them. What carried
    another is looked for from the next run on.
    """
    slot = item.slots.get(key)
    if slot is None or slot.state != WriteState.AMBIGUOUS:
        return None
    is_open = record_key is not None and record_key.field not in dropped_fields(slot)
    is_unique = is_open and record_key is not None and slot.details.sent_key == record_key.text
    if slot.details.sent_key is not None and not is_unique:
        return ItemDecision(item, slots={key: slot.without_key}, recheck_at=clock.next_recheck(slot))
    if not is_unique and not clock.is_settled(slot):
        return ItemDecision(item, recheck_at=clock.next_recheck(slot))
    is_patient = is_unique or slot.has_ended
    if slot.rounds + 1 >= (MAX_FINISHED_CALL_CREATES if is_patient else MAX_UNSETTLED_CREATES):
        failed = slot._replace(state=WriteState.FAILED, rounds=0)
        error = outcome_unknown_error(slot.sobject, milestone=milestone_of(key.slot, slot.meaning))
        return ItemDecision(item, Fail(error), slots={key: failed})
    return None
