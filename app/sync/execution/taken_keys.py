"""New records whose unique key another record has: that one is ours, sent by a call whose answer was lost."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from app.salesforce.composite import has_reference_text
from app.salesforce.error_codes import ErrorClass
from app.salesforce.errors import ApiError
from app.salesforce.ids import to18
from app.salesforce.soql import in_list
from app.sync.errors.item_error import internal_error
from app.sync.errors.message_codes import RECORD_NOT_VISIBLE
from app.sync.execution.executor import Executor
from app.sync.execution.write_transitions import slot_adopted, slot_not_applied
from app.sync.lookup.lookup import fetch_people
from app.sync.lookup.lost_creates import CLOCK_SKEW
from app.sync.lookup.requirements import LookupRequirements
from app.sync.matching.person_matching import Absent, NeedsLookup, PersonIndex, follow
from app.sync.model.batch import PERSON
from app.sync.model.decisions import ItemDecision, PartEnded, RetryLater, person_found
from app.sync.model.item_errors import ItemWarning
from app.sync.model.records import FoundPerson
from app.sync.model.slot_details import SlotDetails
from app.sync.model.work_item import PartEnd, PartEnding, WriteOperation
from app.user_messages.phrases import Phrase

Refusal = tuple[WriteOperation, ApiError]

KEY_TAKEN: Final = "key_taken"
POINTING: Final = ("WhoId", "ContactId")
"""The fields of activities and Cases that hold their person's id."""

NOT_THEIRS: Final = Phrase("note.key_taken")


async def settle_taken_keys(executor: Executor) -> None:
    """Take the activities and Cases that stand for what was to be created. Raises as `Executor.run` does."""
    refused = _take(executor, is_person=False)
    if not refused:
        return
    found = {
        operation: id_ for operation, failure in refused if (id_ := _named_id(executor, operation, failure))
    }
    deleted = await _look_up(
        executor, [operation for operation, _ in refused if operation not in found], found
    )
    for operation, failure in refused:
        if operation in found:
            items = executor.items.of(operation)
            executor.items.apply(slot_adopted(operation, items, found[operation], failure))
        elif operation not in deleted:
            _retry(executor, operation)
    again = [_without_key(operation) for operation, _ in refused if operation in deleted]
    await executor.run([_with_person(executor, operation) for operation in again])


async def settle_taken_person_keys(
    executor: Executor, people: PersonIndex, requirements: LookupRequirements
) -> PersonIndex:
    """Take the people that stand for those who were to be created, and follow them to where they live now;
    whoever's record has another address by now is created without the key.

    Returns the people known by then. Raises as `Executor.run` does.
    """
    refused = _take(executor, is_person=True)
    if not refused:
        return people
    found = {operation: id_ for operation, failure in refused if (id_ := _id_of_object(operation, failure))}
    unnamed = [operation for operation, _ in refused if operation not in found]
    deleted = await _look_up(executor, unnamed, found)
    missing = frozenset(found.values())
    while missing:
        people = await fetch_people(executor.client, missing, known=people, requirements=requirements)
        ends = [follow(id_, people) for id_ in found.values()]
        missing = frozenset(id_ for end in ends if isinstance(end, NeedsLookup) for id_ in end.ids)
    again = [
        each
        for operation, _ in refused
        if operation not in deleted
        for each in _end(executor, operation, found.get(operation), people)
    ]
    await executor.run([*again, *(_made_anew(executor, operation) for operation in deleted)])
    return people


def _take(executor: Executor, *, is_person: bool) -> list[Refusal]:
    taken = [each for each in executor.taken_keys if (each[0].key.slot == PERSON) == is_person]
    executor.taken_keys = [each for each in executor.taken_keys if each not in taken]
    return taken


def _id_of_object(operation: WriteOperation, failure: ApiError) -> str | None:
    """The id in Salesforce's text, where it is one of such a record."""
    ids = (match.id for match in failure.matches if match.sobject == operation.record.sobject)
    return next(ids, None)


def _named_id(executor: Executor, operation: WriteOperation, failure: ApiError) -> str | None:
    """The id in Salesforce's text, where an earlier call of ours had sent the record; else the record may be
    one that was deleted, and is looked at.
    """
    slots = (item.slots.get(operation.key) for item in executor.items.of(operation))
    is_lost = any(slot is not None and slot.rounds > 0 for slot in slots)
    return _id_of_object(operation, failure) if is_lost else None


async def _look_up(
    executor: Executor, operations: Sequence[WriteOperation], found: dict[WriteOperation, str]
) -> set[WriteOperation]:
    """Add whose key stands to `found`; returns the operations whose key only a deleted record has."""
    deleted: set[WriteOperation] = set()
    for (sobject, field), some in _by_field(operations).items():
        values = in_list(sorted(each.record_key.value for each in some if each.record_key))
        soql = f"SELECT Id, IsDeleted, {field} FROM {sobject} WHERE {field} IN {values}"  # noqa: S608
        rows = await executor.client.query(soql, include_deleted=True)
        standing = _ids_by_key((row for row in rows if not row["IsDeleted"]), field)
        gone = _ids_by_key((row for row in rows if row["IsDeleted"]), field)
        for each in some:
            value = each.record_key.value.casefold() if each.record_key else ""
            if value in standing:
                found[each] = standing[value]
            elif value in gone:
                deleted.add(each)
    return deleted


def _by_field(operations: Iterable[WriteOperation]) -> dict[tuple[str, str], list[WriteOperation]]:
    groups: dict[tuple[str, str], list[WriteOperation]] = {}
    for each in operations:
        if each.record_key is not None:
            groups.setdefault((each.record.sobject, each.record_key.field), []).append(each)
    return groups


def _ids_by_key(rows: Iterable[Mapping[str, str]], field: str) -> dict[str, str]:
    return {str(row[field]).casefold(): to18(row["Id"]) for row in rows}


def _end(
    executor: Executor, operation: WriteOperation, id_: str | None, people: PersonIndex
) -> Iterable[WriteOperation]:
    """Adopt the person; the create once more, where it is to be made without the key."""
    end = follow(id_, people) if id_ else Absent("")
    if isinstance(end, Absent | NeedsLookup):
        _retry(executor, operation)
    elif isinstance(end, FoundPerson) and (end.id != id_ or _is_theirs(executor, operation, end, people)):
        _adopt(executor, operation, end, is_same=end.id == id_)
    else:
        yield _made_anew(executor, operation)


def _made_anew(executor: Executor, operation: WriteOperation) -> WriteOperation:
    """The create without the key, which a record keeps that is not the attendee's any more."""
    warning = ItemWarning(KEY_TAKEN, operation.record.sobject, "Email", NOT_THEIRS)
    executor.items.apply(ItemDecision(item, warnings=(warning,)) for item in executor.items.of(operation))
    return _without_key(operation)


def _is_theirs(
    executor: Executor, operation: WriteOperation, found: FoundPerson, people: PersonIndex
) -> bool:
    """Whether it has the attendee's address, or is the lost create itself: an automation of the org may have
    changed the address at once.
    """
    if _has_same_address(operation, found, people):
        return True
    stored = people.rows[found.id].created_at
    created_at = datetime.fromisoformat(stored) if stored else datetime.min.replace(tzinfo=UTC)
    slots = (item.slots.get(operation.key) for item in executor.items.of(operation))
    lost = (slot.first_attempt_at for slot in slots if slot is not None and slot.rounds > 0)
    return any(at is not None and created_at >= at - CLOCK_SKEW for at in lost)


def _has_same_address(operation: WriteOperation, found: FoundPerson, people: PersonIndex) -> bool:
    """Whether the record still has the attendee's address, as far as the connected user may see that."""
    key = people.rows[found.id].email_key
    return found.sobject in people.without_email or key == operation.jobs[0].attendee.email_key


def _adopt(executor: Executor, operation: WriteOperation, person: FoundPerson, *, is_same: bool) -> None:
    """The person is the items'; a lost create that turned up is ours."""
    for item in executor.items.of(operation):
        slot = item.slots.get(operation.key)
        is_ours = slot is not None and slot.rounds > 0
        found = replace(person, found_by="created" if is_ours and is_same else person.found_by)
        details = SlotDetails(is_created_by_us=is_ours, sent_key=operation.details.sent_key)
        executor.items.apply([person_found(item._replace(slots={}), found, details)])


def _retry(executor: Executor, operation: WriteOperation) -> None:
    """Who has the key is hidden, or was not saved yet: it is tried again later."""
    items, sobject = executor.items.of(operation), operation.record.sobject
    text = Phrase("unfit.key_not_seen", object=sobject)
    error = internal_error(
        ErrorClass.ACCESS, RECORD_NOT_VISIBLE, text, milestone=operation.milestone, sobject=sobject
    )
    executor.items.apply(slot_not_applied(operation, items))
    end = (
        PartEnded(operation.key, PartEnd(PartEnding.LATER, error))
        if operation.is_optional
        else RetryLater(error)
    )
    executor.items.apply(ItemDecision(item, end) for item in items)


def _without_key(operation: WriteOperation) -> WriteOperation:
    key = operation.record_key
    fields = {
        name: value for name, value in operation.record.fields.items() if key is None or name != key.field
    }
    record, details = replace(operation.record, fields=fields), operation.details._replace(sent_key=None)
    return replace(operation, record=record, details=details, record_key=None)


def _with_person(executor: Executor, operation: WriteOperation) -> WriteOperation:
    """What was sent in one composite with its new person, by whose reference there, names that record now."""
    person = next((item.person for item in executor.items.of(operation) if item.person), None)
    fields = operation.record.fields
    named = {name: person.id for name in POINTING if person and has_reference_text({name: fields.get(name)})}
    return replace(operation, record=replace(operation.record, fields={**fields, **named}))
