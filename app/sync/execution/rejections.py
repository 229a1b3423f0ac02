"""What the rejection of one operation means for its rows. Pure: `write_transitions` applies it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from app.salesforce.composite import ALLOW_ALERTS, RowResult, SubResponse
from app.salesforce.errors import ApiError, ErrorClass
from app.salesforce.package import without_namespace
from app.sync.errors.message_codes import CREATE_REFUSED
from app.sync.field_values.states_and_countries import is_place
from app.sync.model.batch import ACCOUNT_SLOT, PERSON, PERSON_UPDATE
from app.sync.model.mapping_rules import FIXED
from app.sync.model.record_kinds import EVENT_TIMES, kind_of_slot
from app.sync.model.records import CAMPAIGN_MEMBER, EMAIL_MESSAGE, EVENT
from app.sync.model.retry_policy import DRAIN_STOPPING, ErrorAction, action_for
from app.sync.model.slot_details import NO_DETAILS, SlotDetails
from app.sync.model.work_item import WorkItem, WriteOperation, is_new_lead

OPTIONAL_FIELDS = frozenset(
    {
        "LeadSource",
        "Title",
        "Phone",
        "FirstName",
        "PersonLeadSource",
        "PersonTitle",
        "OwnerId",
        "RecordTypeId",
    }
)
"""Fields of a person without which it can stand; the org may hide or restrict them."""

RESTRICTED_PICKLIST = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
UNKNOWN_FIELD_CODES = frozenset({"INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE"})
FIELD_ERROR_CODES = UNKNOWN_FIELD_CODES | {RESTRICTED_PICKLIST}
STALE_DESCRIBE_CODES = FIELD_ERROR_CODES | {
    "REQUIRED_FIELD_MISSING",
    "STRING_TOO_LONG",
    "NUMBER_OUTSIDE_VALID_RANGE",
}
"""What Salesforce only says where a describe was out of date, or is read for another user."""

HIDDEN_OBJECT_CODES = frozenset({"INVALID_TYPE", "NOT_FOUND"})
"""What Salesforce says of a new record whose object the connected user can no longer see."""

REFERENCE_ERROR_CODES = frozenset({"INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"})
"""An id in the record is none of this org, or not one that the connected user may use."""

FIELD_INTEGRITY = "FIELD_INTEGRITY_EXCEPTION"
"""Of a state or country, among others: not listed, or the state is none of the country."""

OWNER = "OwnerId"
EVENT_SPAN = ("StartDateTime", "EndDateTime")
EVENT_LENGTH_CODES = frozenset({FIELD_INTEGRITY, "NUMBER_OUTSIDE_VALID_RANGE", "REQUIRED_FIELD_MISSING"})
"""What a calendar Event of several days is refused with, in an org that takes none."""

OWNER_CANNOT_READ = "TRANSFER_REQUIRES_READ"
"""The chosen owner may not see records of this kind: Salesforce gives them to nobody who cannot."""

INACTIVE_OWNER_CODES = frozenset({"INACTIVE_OWNER_OR_USER", "OPERATION_WITH_INACTIVE_USER"})

RECORD_GONE_CODES = frozenset(
    {"CANNOT_UPDATE_CONVERTED_LEAD", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"}
)
"""The record, or the person it points to, was converted, merged or deleted since we looked."""

CROSS_REFERENCE_ACCESS = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
"""The record points to one that the connected user may not see."""

OWNER_FIELD_CODES = UNKNOWN_FIELD_CODES | REFERENCE_ERROR_CODES | {FIELD_INTEGRITY, CROSS_REFERENCE_ACCESS}
"""Of a failure that names the owner's field."""

VALUE_TAKEN = "DUPLICATE_VALUE"
"""Of a unique field, and of a campaign member that is there."""

FIELD_NAME = re.compile(r"\b[A-Za-z]\w+\b")


@dataclass(frozen=True)
class DropFields:
    """The org does not take these fields: the items are planned again without them."""

    fields: frozenset[str]
    leaves_failed_slot: ClassVar[bool] = True

    @property
    def hints(self) -> SlotDetails:
        return SlotDetails(dropped=tuple(sorted(self.fields)))


@dataclass(frozen=True)
class AlreadyExists:
    """Somebody added the member since we looked: the items are planned again and recover it."""

    leaves_failed_slot: ClassVar[bool] = False
    hints: ClassVar[SlotDetails] = NO_DETAILS


@dataclass(frozen=True)
class RefreshDescribe:
    """What does not fit the describe we have may fit the one of now: the items are planned again, once."""

    leaves_failed_slot: ClassVar[bool] = True
    hints: ClassVar[SlotDetails] = SlotDetails(was_misjudged=True)


@dataclass(frozen=True)
class FollowRecord:
    """The record went elsewhere since we looked: it is looked for by its id, once, and written there."""

    leaves_failed_slot: ClassVar[bool] = True
    hints: ClassVar[SlotDetails] = SlotDetails(was_moved=True)


@dataclass(frozen=True)
class EventTooLong:
    """The org takes no calendar Event of several days: the items are planned again with the first day."""

    leaves_failed_slot: ClassVar[bool] = True
    hints: ClassVar[SlotDetails] = SlotDetails(is_first_day=True)


@dataclass(frozen=True)
class CampaignsHidden:
    """The user may not write members at all: the items wait until that is changed, and none fails."""

    leaves_failed_slot: ClassVar[bool] = False
    hints: ClassVar[SlotDetails] = NO_DETAILS


@dataclass(frozen=True)
class LeadHidden:
    """A Lead left the connected user's sight as it was created: its items wait until it is seen again."""

    leaves_failed_slot: ClassVar[bool] = False
    hints: ClassVar[SlotDetails] = NO_DETAILS


@dataclass(frozen=True)
class Retry:
    """The items try again later and spend an attempt."""

    leaves_failed_slot: ClassVar[bool] = False
    hints: ClassVar[SlotDetails] = NO_DETAILS


@dataclass(frozen=True)
class FailItems:
    """A person must act."""

    leaves_failed_slot: bool = True
    hints: ClassVar[SlotDetails] = NO_DETAILS


@dataclass(frozen=True)
class AwaitOrg:
    """The whole org or connection has to wait: the items spend no attempt and show no error of their own."""

    leaves_failed_slot: ClassVar[bool] = False
    hints: ClassVar[SlotDetails] = NO_DETAILS


@dataclass(frozen=True)
class TaskInstead:
    """The org takes no e-mails of people as EmailMessage: they become Tasks, unless the host forbids it."""

    leaves_failed_slot: ClassVar[bool] = True
    hints: ClassVar[SlotDetails] = NO_DETAILS


Rejection = (
    DropFields
    | AlreadyExists
    | RefreshDescribe
    | FollowRecord
    | EventTooLong
    | CampaignsHidden
    | LeadHidden
    | Retry
    | FailItems
    | AwaitOrg
    | TaskInstead
)


def classify_rejection(operation: WriteOperation, failure: ApiError, items: Iterable[WorkItem]) -> Rejection:
    """The first that holds: what can be planned again goes before what waits, and that before what fails."""
    is_member = operation.record.sobject == CAMPAIGN_MEMBER
    hints = operation.rejection_hints
    if dropped := _droppable_fields(operation, failure):
        earlier = (each.dropped or () for each in (operation.details, hints))
        return DropFields(frozenset(dropped).union(*earlier))
    if operation.record.sobject == EMAIL_MESSAGE and _is_of_all_emails(failure):
        return TaskInstead()
    if is_member and failure.error_code == VALUE_TAKEN:
        return AlreadyExists()
    if _is_too_long(operation, failure) and not hints.is_first_day:
        return EventTooLong()
    if _contradicts_describe(operation, failure) and not hints.was_misjudged:
        return RefreshDescribe()
    if failure.error_code in RECORD_GONE_CODES and not (
        is_reference_configured(operation, failure) or hints.was_moved
    ):
        return FollowRecord()
    if is_member and failure.error_code == CREATE_REFUSED and failure.error_class is ErrorClass.ACCESS:
        return CampaignsHidden()
    if failure.error_code == CROSS_REFERENCE_ACCESS and all(map(is_new_lead, items)):
        return LeadHidden()
    return _by_policy(failure)


def _is_too_long(operation: WriteOperation, failure: ApiError) -> bool:
    """Whether the times of a calendar Event of more than a day are what was refused."""
    sent = operation.record.fields
    if operation.record.sobject != EVENT or failure.error_code not in EVENT_LENGTH_CODES:
        return False
    start, end = (datetime.fromisoformat(sent[name]) if name in sent else None for name in EVENT_SPAN)
    is_about_times = not failure.fields or not EVENT_TIMES.isdisjoint(failure.fields)
    return start is not None and end is not None and end - start > timedelta(days=1) and is_about_times


def _is_of_all_emails(failure: ApiError) -> bool:
    """Whether the org's set-up refuses such an e-mail, whoever it was sent to.

    Without Enhanced Email, an e-mail has to name its Case.
    """
    if failure.error_code in (FIELD_INTEGRITY, "INVALID_TYPE", "NOT_FOUND"):
        return True
    is_of_org = failure.error_class in (ErrorClass.ACCESS, ErrorClass.CONFIGURATION)
    is_of_person = failure.error_code in (CROSS_REFERENCE_ACCESS, "ENTITY_IS_LOCKED")
    return is_of_org and not is_of_person and action_for(failure) is ErrorAction.FAIL


def is_describe_stale(operation: WriteOperation, failure: ApiError, rejection: Rejection) -> bool:
    """Whether the describe that the operation was planned with is to be fetched anew."""
    dropped = rejection.fields if isinstance(rejection, DropFields) else frozenset[str]()
    is_key_dropped = operation.record_key is not None and operation.record_key.field in dropped
    is_dropped = bool(dropped) and operation.describe is not None
    return is_dropped or is_key_dropped or _contradicts_describe(operation, failure)


def is_reference_configured(operation: WriteOperation, failure: ApiError) -> bool:
    """Whether the record points to something that the host chose: an owner, a record type, a fixed record."""
    is_pointing = not {"OwnerId", "RecordTypeId", *operation.mapped}.isdisjoint(operation.record.fields)
    return is_pointing and operation.is_create and failure.error_code in REFERENCE_ERROR_CODES


def _by_policy(failure: ApiError) -> Retry | FailItems | AwaitOrg:
    action = action_for(failure)
    if action is ErrorAction.RETRY:
        return Retry()
    return (
        AwaitOrg() if action in DRAIN_STOPPING else FailItems(leaves_failed_slot=action is ErrorAction.FAIL)
    )


def _contradicts_describe(operation: WriteOperation, failure: ApiError) -> bool:
    is_hidden = operation.is_create and failure.error_code in HIDDEN_OBJECT_CODES
    return operation.describe is not None and (is_hidden or failure.error_code in STALE_DESCRIBE_CODES)


def _droppable_fields(operation: WriteOperation, failure: ApiError) -> frozenset[str]:
    """The fields that this failure names, if the record can stand without every one of them.

    What the host mapped is left out where the org lost it; a value that the org does not list is the host's
    to map anew.
    """
    sent = operation.record.fields.keys()
    if failure.error_code == FIELD_INTEGRITY and failure.fields and all(map(is_place, failure.fields)):
        return frozenset(failure.fields) & sent
    if OWNER in sent and _is_owner_refused(operation, failure):
        return frozenset({OWNER})
    if failure.error_code not in FIELD_ERROR_CODES:
        return frozenset()
    named = set(failure.fields) & sent or set(FIELD_NAME.findall(failure.message)) & sent
    kind = kind_of_slot(operation.key.slot, operation.record.sobject)
    unneeded = kind.optional_fields if kind else frozenset[str]()
    unneeded = OPTIONAL_FIELDS if operation.key.slot in (PERSON, PERSON_UPDATE) else unneeded
    is_lost = failure.error_code in UNKNOWN_FIELD_CODES
    unneeded |= {name for name in sent if kind is not None and kind.is_of_package(name)}
    unneeded |= {operation.record_key.field} if operation.record_key else set()
    optional = unneeded | operation.mapped if is_lost else unneeded - operation.mapped
    return frozenset(named) if named <= optional else frozenset()


def _is_owner_refused(operation: WriteOperation, failure: ApiError) -> bool:
    """Whether the record can be written without its owner. A fixed one who is inactive is the host's to
    choose anew; an organizer is whom the org has.
    """
    if failure.error_code == OWNER_CANNOT_READ:
        return True
    is_persons = operation.key.slot in (PERSON, ACCOUNT_SLOT)
    is_fixed = is_persons and any(job.rules.owner.how == FIXED for job in operation.jobs)
    if is_fixed or not operation.is_create:
        return False
    names_owner = OWNER in failure.fields and failure.error_code in OWNER_FIELD_CODES
    return names_owner or failure.error_code in INACTIVE_OWNER_CODES


def is_certainly_refused(answer: SubResponse) -> bool:
    """Whether nothing was written: a part may also come back without Salesforce's own word."""
    if not answer.failures or answer.failures[0].may_be_kept:
        return False
    return action_for(answer.failures[0]) is not ErrorAction.RECONCILE


def is_key_taken(operation: WriteOperation, failure: ApiError) -> bool:
    """Whether the unique key of a new record is what another one has, as far as Salesforce says.

    In the user's language the text still names the field, but for a record that the user may not see: then it
    names none, and who has the key is asked for.
    """
    key = operation.record_key
    if key is None or not operation.is_create or failure.error_code != VALUE_TAKEN:
        return False
    named = {*failure.fields, *FIELD_NAME.findall(failure.message)}
    fields = {name for name in named if name in operation.record.fields or name.endswith("__c")}
    return not fields or any(without_namespace(name) == without_namespace(key.field) for name in fields)


def is_alert_refusal(operation: WriteOperation, result: RowResult) -> bool:
    """Whether a duplicate rule refused an update, and alerts were not allowed yet."""
    is_first = ALLOW_ALERTS.keys().isdisjoint(dict(operation.headers))
    return not operation.is_create and is_first and result.failures[0].error_code == "DUPLICATES_DETECTED"


def is_duplicate(result: RowResult) -> bool:
    """Whether a create met a record that is there, by a duplicate rule or a unique field."""
    return result.failures[0].error_code in ("DUPLICATES_DETECTED", VALUE_TAKEN)
