"""What Salesforce's rejection of one record means for its rows, case by case."""

from dataclasses import replace
from typing import Any

import pytest

from app.salesforce.composite import Record
from app.salesforce.errors import ApiError
from app.sync.execution.rejections import (
    AlreadyExists,
    AwaitOrg,
    CampaignsHidden,
    DropFields,
    FailItems,
    FollowRecord,
    LeadHidden,
    RefreshDescribe,
    Rejection,
    Retry,
    classify_rejection,
    is_describe_stale,
    is_key_taken,
)
from app.sync.execution.write_transitions import decide_rejection, slot_intended
from app.sync.model.batch import MEMBER, PERSON, PERSON_UPDATE, REGISTERED, SlotKey, WrittenSlot
from app.sync.model.batch_items import BatchItems
from app.sync.model.mapping_rules import MappingRules
from app.sync.model.record_key import RecordKey
from app.sync.model.slot_details import SlotDetails
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.planning.record_builder import with_key
from tests.factories import NOW
from tests.unit.sync.builders import described, job

LEAD_ID = "00Q000000000001AAA"
STRANGER = ApiError("INVALID_CROSS_REFERENCE_KEY", "no such owner", ("OwnerId",))
OWNED = {"OwnerId": "005"}
WITHOUT_OWNER = DropFields(frozenset(OWNED))
FIXED_OWNER = (job(rules=MappingRules.of({"owner": {"how": "fixed", "id": "005"}})),)
HIDDEN = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"


def lead(record_id: str | None = None, **changes: Any) -> WriteOperation:
    fields = {"LastName": "Otter", "Company": "River", "Title": "CTO", "Own__c": "mine"}
    fields |= changes.pop("fields", {})
    values: dict[str, Any] = {
        "key": SlotKey(PERSON_UPDATE if record_id else PERSON),
        "jobs": (job(),),
    }
    return WriteOperation(record=Record("Lead", fields, record_id), **(values | changes))


def member(**changes: Any) -> WriteOperation:
    record = Record("CampaignMember", {"LeadId": LEAD_ID, "Status": "Sent"})
    values: dict[str, Any] = {"key": SlotKey(MEMBER, "701"), "jobs": (job(),)}
    return WriteOperation(record=record, **(values | changes))


def task(**changes: Any) -> WriteOperation:
    fields = {"Subject": "Registered", "Description": "EVS", "ActivityDate": "2026-05-04"}
    record = Record("Task", fields | changes.pop("fields", {}))
    return WriteOperation(SlotKey(REGISTERED), changes.pop("jobs", (job(),)), record)


def of_new_lead(is_ours: bool = True) -> WorkItem:
    made = SlotDetails(is_created_by_us=is_ours)
    lead = WrittenSlot("written", "create", "Lead", LEAD_ID, details=made)
    return WorkItem.of(job())._replace(slots={SlotKey(PERSON): lead})


def error(code: str, *fields: str, message: str = "no") -> ApiError:
    return ApiError(code, message, fields)


@pytest.mark.parametrize(
    ("operation", "failure", "expected"),
    [
        # Fields that the record can stand without.
        (lead(), error("INVALID_FIELD", "Title"), DropFields(frozenset({"Title"}))),
        (lead(), error("INVALID_FIELD", message="No such column 'Title'"), DropFields(frozenset({"Title"}))),
        (lead(), error("INVALID_FIELD", "LastName"), FailItems()),
        (lead(), error("INVALID_FIELD", "Title", "LastName"), FailItems()),
        (lead(), error("INVALID_FIELD", "Phone"), FailItems()),
        (
            lead(mapped=frozenset({"Own__c"})),
            error("INVALID_FIELD", "Own__c"),
            DropFields(frozenset({"Own__c"})),
        ),
        (
            lead(mapped=frozenset({"Title"})),
            error("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Title"),
            FailItems(),
        ),
        (
            lead(
                rejection_hints=SlotDetails(dropped=("Phone",)), details=SlotDetails(dropped=("LeadSource",))
            ),
            error("INVALID_FIELD", "Title"),
            DropFields(frozenset({"Title", "Phone", "LeadSource"})),
        ),
        (task(), error("INVALID_FIELD", "ActivityDate"), DropFields(frozenset({"ActivityDate"}))),
        (task(), error("INVALID_FIELD", "Subject"), FailItems()),
        (
            lead(fields={"State": "Bayern", "Country": "Peru"}),
            error("FIELD_INTEGRITY_EXCEPTION", "State"),
            DropFields(frozenset({"State"})),
        ),
        (lead(), error("FIELD_INTEGRITY_EXCEPTION", "Title"), FailItems()),
        (
            lead(fields={"OwnerId": "005"}),
            error("TRANSFER_REQUIRES_READ"),
            DropFields(frozenset({"OwnerId"})),
        ),
        (lead(), error("TRANSFER_REQUIRES_READ"), FailItems()),
        # Owners that the host did not choose by id.
        (lead(fields=OWNED), error("INACTIVE_OWNER_OR_USER"), WITHOUT_OWNER),
        (task(fields=OWNED), error("OPERATION_WITH_INACTIVE_USER"), WITHOUT_OWNER),
        (task(fields=OWNED), error("INVALID_CROSS_REFERENCE_KEY", "OwnerId"), WITHOUT_OWNER),
        (task(fields=OWNED), error(HIDDEN, "OwnerId"), WITHOUT_OWNER),
        (task(fields=OWNED), error("INVALID_FIELD_FOR_INSERT_UPDATE", "OwnerId"), WITHOUT_OWNER),
        (task(fields=OWNED), error(HIDDEN, "WhoId"), FailItems()),
        (task(), error("INACTIVE_OWNER_OR_USER"), FailItems()),
        (lead(fields=OWNED, jobs=FIXED_OWNER), error("INACTIVE_OWNER_OR_USER"), FailItems()),
        (lead(fields=OWNED, jobs=FIXED_OWNER), error("TRANSFER_REQUIRES_READ"), WITHOUT_OWNER),
        (task(fields=OWNED, jobs=FIXED_OWNER), error("INACTIVE_OWNER_OR_USER"), WITHOUT_OWNER),
        # Members.
        (member(), error("DUPLICATE_VALUE"), AlreadyExists()),
        (lead(), error("DUPLICATE_VALUE"), FailItems()),
        (member(), error("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"), CampaignsHidden()),
        (lead(), error("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"), FailItems()),
        (
            member(),
            error("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message="Trig: execution of AfterInsert caused by"),
            FailItems(),
        ),
        # Describes that are out of date.
        (lead(describe=described()), error("STRING_TOO_LONG", "Company"), RefreshDescribe()),
        (lead(), error("STRING_TOO_LONG", "Company"), FailItems()),
        (
            lead(describe=described(), rejection_hints=SlotDetails(was_misjudged=True)),
            error("STRING_TOO_LONG", "Company"),
            FailItems(),
        ),
        (lead(describe=described()), error("INVALID_FIELD", "Title"), DropFields(frozenset({"Title"}))),
        # Records that went elsewhere.
        (lead(LEAD_ID), error("ENTITY_IS_DELETED"), FollowRecord()),
        (lead(LEAD_ID, rejection_hints=SlotDetails(was_moved=True)), error("ENTITY_IS_DELETED"), FailItems()),
        (lead(fields=OWNED, jobs=FIXED_OWNER), STRANGER, FailItems()),
        (lead(LEAD_ID, fields={"OwnerId": "005"}), STRANGER, FollowRecord()),
        (lead(), STRANGER, FollowRecord()),
        # The policy.
        (lead(), error("UNABLE_TO_LOCK_ROW"), Retry()),
        (lead(), error("REQUEST_LIMIT_EXCEEDED"), AwaitOrg()),
        (lead(), error("API_DISABLED_FOR_ORG"), AwaitOrg()),
        (lead(), error("FIELD_CUSTOM_VALIDATION_EXCEPTION"), FailItems()),
        (lead(), error("HTTP_503"), FailItems(leaves_failed_slot=False)),
    ],
)
def test_a_rejection_is_classified(operation: WriteOperation, failure: ApiError, expected: Rejection) -> None:
    assert classify_rejection(operation, failure, [WorkItem.of(job())]) == expected


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([of_new_lead()], LeadHidden()),
        ([of_new_lead(is_ours=False)], FailItems()),
        ([of_new_lead(), of_new_lead(is_ours=False)], FailItems()),
    ],
)
def test_leads_that_went_out_of_sight_are_hidden(items: list[WorkItem], expected: Rejection) -> None:
    assert classify_rejection(member(), error(HIDDEN), items) == expected


@pytest.mark.parametrize(
    ("describe", "code", "is_stale"),
    [
        (described(), "STRING_TOO_LONG", True),
        (None, "STRING_TOO_LONG", False),
        (described(), "FIELD_CUSTOM_VALIDATION_EXCEPTION", False),
        (described(), "TRANSFER_REQUIRES_READ", True),
        (None, "TRANSFER_REQUIRES_READ", False),
    ],
)
def test_describes_that_salesforce_contradicts_are_stale(describe: Any, code: str, is_stale: bool) -> None:
    operation = lead(
        describe=describe, fields={"OwnerId": "005"}, rejection_hints=SlotDetails(was_misjudged=True)
    )
    rejection = classify_rejection(operation, error(code), [WorkItem.of(job())])
    assert is_describe_stale(operation, error(code), rejection) == is_stale


APPLIED = {
    "drop": (error("INVALID_FIELD", "Title"), ("failed", {"dropped": ["Title"]}), "last_rejection"),
    "moved": (error("ENTITY_IS_DELETED"), ("failed", {"was_moved": True}), "last_rejection"),
    "retry": (error("UNABLE_TO_LOCK_ROW"), None, "retry"),
    "fail": (error("FIELD_CUSTOM_VALIDATION_EXCEPTION"), ("failed", {}), "error"),
    "wait": (error("REQUEST_LIMIT_EXCEEDED"), None, None),
}


def rejected(operation: WriteOperation, item: WorkItem, failure: ApiError) -> WorkItem:
    """The item after the operation was sent and rejected."""
    items = BatchItems([item])
    items.apply(slot_intended(operation, items, NOW))
    items.apply(decide_rejection(operation, list(items), failure))
    [after] = items
    return after


@pytest.mark.parametrize(("failure", "slot", "set_field"), APPLIED.values(), ids=APPLIED)
def test_a_rejected_create_leaves_its_slot_and_its_row_so(
    failure: ApiError, slot: tuple[str, dict[str, Any]] | None, set_field: str | None
) -> None:
    operation = lead()
    item = rejected(operation, WorkItem.of(job()), failure)
    left = item.slots.get(operation.key)
    assert (left and (left.state, left.details.as_json())) == slot
    errors = {name: getattr(item, name) for name in ("last_rejection", "retry", "error", "inaccessible_lead")}
    assert [name for name, each in errors.items() if each is not None] == ([set_field] if set_field else [])
    assert item.must_replan == (set_field == "last_rejection")


def test_a_rejected_update_leaves_what_was_written_before() -> None:
    key = SlotKey(PERSON_UPDATE)
    before = WrittenSlot(
        "written", "create", "Lead", LEAD_ID, details=SlotDetails(written_digests={"Title": "x"})
    )
    item = WorkItem.of(job(written={key: before}))
    operation = lead(LEAD_ID, details=SlotDetails(pending_digests={"Title": "y"}))
    left = rejected(operation, item, error("FIELD_CUSTOM_VALIDATION_EXCEPTION")).slots[key]
    assert (left.state, left.sf_id, left.details.pending_digests) == ("written", LEAD_ID, None)


KEYED = RecordKey("evs__Eventship_Key__c", "EVS-ABCDEFGHIJKLMNOP")


@pytest.mark.parametrize(
    ("message", "fields", "is_taken"),
    [
        ("duplicate value found: evs__Eventship_Key__c duplicates value on record with id: 00T1", (), True),
        ("duplicate value found: Eventship_Key__c duplicates value on record with id: 00T1", (), True),
        ("Doppelter Wert gefunden: evs__Eventship_Key__c dupliziert den Wert von 00T1", (), True),
        ("duplicate value found: <unknown> duplicates value on record with id: <unknown>", (), True),
        ("duplicate value found", ("evs__Eventship_Key__c",), True),
        ("duplicate value found: Badge__c duplicates value on record with id: 00T1", (), False),
        ("duplicate value found: Set_By_A_Flow__c duplicates value on record with id: 00T1", (), False),
        ("duplicate value found", ("Badge__c",), False),
    ],
)
def test_a_unique_value_that_is_taken_is_our_key_or_another(
    message: str, fields: tuple[str, ...], is_taken: bool
) -> None:
    operation = with_key(task(fields={"Badge__c": "7"}), KEYED)
    assert operation.record.fields[KEYED.field] == KEYED.value
    assert is_key_taken(operation, ApiError("DUPLICATE_VALUE", message, fields)) is is_taken
    assert not is_key_taken(task(), ApiError("DUPLICATE_VALUE", message, fields))


def test_a_key_that_the_org_lost_is_left_out_and_its_describe_read_again() -> None:
    operation = with_key(task(), KEYED)
    lost = ApiError("INVALID_FIELD", f"No such column '{KEYED.field}' on sobject of type Task")
    rejection = classify_rejection(operation, lost, ())
    assert rejection == DropFields(frozenset({KEYED.field}))
    assert is_describe_stale(operation, lost, rejection)
    hints = SlotDetails(dropped=(KEYED.field,))
    assert with_key(replace(task(), rejection_hints=hints), KEYED).record_key is None


def test_what_is_refused_of_a_create_sent_again_says_nothing_of_the_first() -> None:
    operation = with_key(task(), KEYED)
    [job_] = operation.jobs
    lost = WrittenSlot("ambiguous", "create", "Task", details=operation.details)
    items = BatchItems([WorkItem.of(replace(job_, written={operation.key: lost}))])
    items.apply(slot_intended(operation, items, NOW))
    items.apply(decide_rejection(operation, list(items), ApiError("UNABLE_TO_LOCK_ROW", "busy")))
    [row] = items
    assert (row.slots[operation.key].state, row.retry is not None) == ("ambiguous", True)
