"""People whom a duplicate rule or a unique field refused: adopted, saved beside the match, or failed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from app.salesforce.composite import ALLOW_ALERTS
from app.salesforce.errors import ApiError, DuplicateMatch
from app.salesforce.ids import to18
from app.salesforce.soql import in_list, quote
from app.states import WriteAction, WriteState
from app.sync.execution.attempt_log import name_matches
from app.sync.execution.executor import Executor
from app.sync.execution.rejections import VALUE_TAKEN
from app.sync.execution.taken_keys import settle_taken_person_keys
from app.sync.lookup.describe_cache import load_describes
from app.sync.lookup.lookup import fetch_people
from app.sync.lookup.queries import ACCOUNT_PREFIX
from app.sync.lookup.requirements import LookupRequirements
from app.sync.matching.account_matching import normalized_name
from app.sync.matching.duplicate_matching import (
    Decision,
    alert_warning,
    decide,
    is_same_name,
    other_account_warning,
    other_name_warning,
    pick_match,
    record_title,
)
from app.sync.matching.person_matching import NeedsLookup, PersonIndex, resolve
from app.sync.model.batch import ACCOUNT_SLOT, SlotKey, WrittenSlot
from app.sync.model.decisions import ItemDecision, person_found
from app.sync.model.item_errors import ItemWarning
from app.sync.model.records import ACCOUNT, FoundPerson, PersonRow
from app.sync.model.slot_details import SlotDetails
from app.sync.model.work_item import WriteOperation

DUPLICATE_PASSES: Final = 2
"""What was saved beside an alert may meet a rule that blocks."""

Refusals = Sequence[tuple[WriteOperation, ApiError]]


async def resolve_duplicates(
    executor: Executor, people: PersonIndex, requirements: LookupRequirements
) -> PersonIndex:
    """Bring the refused creates to an end, as the hosts' rules say; returns the people known by then.

    Raises as `Executor.run` does.
    """
    for _ in range(DUPLICATE_PASSES):
        refused = [await _with_matches(executor, *each) for each in await executor.identify_duplicates()]
        if not refused:
            break
        people = await _look_up(executor, refused, people, requirements)
        again = [
            operation for each in refused if (operation := _resolve(executor, *each, people)) is not None
        ]
        await executor.run(again)
    # What is saved beside an alert meets the unique key only then.
    if executor.taken_keys:
        people = await settle_taken_person_keys(executor, people, requirements)
    return people


async def _with_matches(
    executor: Executor, operation: WriteOperation, failure: ApiError
) -> tuple[WriteOperation, ApiError]:
    """Where a unique field does not say whose its value is, that is asked for."""
    unique = _unique_values(operation) if failure.error_code == VALUE_TAKEN and not failure.matches else {}
    if not unique:
        return operation, failure
    sobject = operation.record.sobject
    alternatives = " OR ".join(f"{name} = {quote(value)}" for name, value in unique.items())
    rows = await executor.client.query(f"SELECT Id FROM {sobject} WHERE {alternatives}")  # noqa: S608
    matches = tuple(DuplicateMatch(sobject, to18(row["Id"])) for row in rows)
    return operation, replace(failure, matches=matches)


def _unique_values(operation: WriteOperation) -> dict[str, str]:
    known = operation.describe.fields if operation.describe else {}
    return {
        name: value
        for name, value in operation.record.fields.items()
        if isinstance(value, str) and name in known and known[name].is_unique and known[name].is_filterable
    }


async def resolve_duplicate_accounts(executor: Executor) -> None:
    """The same for Accounts; who fails, fails with the people that were to belong to them.

    Raises as `Executor.run` does.
    """
    for _ in range(DUPLICATE_PASSES):
        refused = await executor.identify_duplicates()
        if not refused:
            break
        ids = {match.id for _, failure in refused for match in failure.matches if match.sobject == ACCOUNT}
        soql = f"SELECT Id, Name FROM Account WHERE Id IN {in_list(sorted(ids))}" if ids else None  # noqa: S608
        rows = await executor.client.query(soql) if soql else []
        names = {to18(row["Id"]): str(row["Name"]) for row in rows}
        again = [
            operation
            for each in refused
            if (operation := _resolve_account(executor, *each, names)) is not None
        ]
        await executor.run(again)


def _resolve_account(
    executor: Executor, operation: WriteOperation, failure: ApiError, names: Mapping[str, str]
) -> WriteOperation | None:
    essence = normalized_name(str(operation.record.fields.get("Name") or ""))
    known = [each.id for each in failure.matches if each.id in names]
    same = [id_ for id_ in known if normalized_name(names[id_]) == essence]
    if not known:
        executor.apply_rejection(operation, failure)
        return None
    id_ = (same or known)[0]
    named = f"{names[id_]} (Account {id_})"
    adopts = operation.jobs[0].rules.duplicate_policy
    match decide(failure, is_same=bool(same), adopts=adopts):
        case Decision.ADOPT:
            _adopt_account(executor, operation, id_)
        case Decision.ADOPT_WARNED:
            _adopt_account(executor, operation, id_, other_account_warning(named))
        case Decision.SAVE_AS_NEW:
            return _allow_alert(executor, operation, alert_warning(named, ACCOUNT, ACCOUNT))
        case Decision.FAIL:
            executor.apply_rejection(operation, failure)
    return None


async def _look_up(
    executor: Executor, refused: Refusals, people: PersonIndex, requirements: LookupRequirements
) -> PersonIndex:
    """The records that were named, by name, followed to where they live now."""
    named = {match.id for _, failure in refused for match in failure.matches}
    if any(id_.startswith(ACCOUNT_PREFIX) for id_ in named) and ACCOUNT not in requirements.describes:
        requirements = await _with_accounts(executor, requirements)
    missing = frozenset(named)
    while missing:
        people = await fetch_people(
            executor.client, missing, known=people, requirements=requirements, with_names=True
        )
        ends = [_named_match(operation, failure, people) for operation, failure in refused]
        missing = frozenset(id_ for end in ends if isinstance(end, NeedsLookup) for id_ in end.ids)
    for operation, _ in refused:
        executor.items.apply(name_matches(item, people) for item in executor.items.of(operation))
    return people


async def _with_accounts(executor: Executor, requirements: LookupRequirements) -> LookupRequirements:
    """In an org with Person Accounts a rule for Leads may name one."""
    batch = executor.store.batch
    known = await load_describes(
        executor.store.database,
        executor.client,
        host_id=batch.host_id,
        org_id=batch.org_id,
        sobjects=(ACCOUNT,),
    )
    return replace(requirements, describes={**requirements.describes, **known})


def _named_match(
    operation: WriteOperation, failure: ApiError, people: PersonIndex
) -> PersonRow | NeedsLookup | None:
    return pick_match([match.id for match in failure.matches], people, operation.record.fields)


def _resolve(
    executor: Executor, operation: WriteOperation, failure: ApiError, people: PersonIndex
) -> WriteOperation | None:
    """The same create once more where it is to be saved beside its match."""
    same = resolve(operation.jobs[0], people)
    match = _named_match(operation, failure, people)
    if isinstance(same, FoundPerson):
        # Somebody made the record since we looked: it has the attendee's own address or key.
        _adopt(executor, operation, same)
        return None
    if not isinstance(match, PersonRow):
        executor.apply_rejection(operation, failure)
        return None
    rules = operation.jobs[0].rules
    is_same = is_same_name(operation.record.fields, match)
    found = FoundPerson(match.sobject, match.id, "duplicate_rule")
    match decide(failure, is_same=is_same, adopts=rules.duplicate_policy):
        case Decision.ADOPT:
            _adopt(executor, operation, found)
        case Decision.ADOPT_WARNED:
            _adopt(executor, operation, found, other_name_warning(match))
        case Decision.SAVE_AS_NEW:
            warning = alert_warning(record_title(match), match.sobject, operation.record.sobject)
            return _allow_alert(executor, operation, warning)
        case Decision.FAIL:
            executor.apply_rejection(operation, failure)
    return None


def _adopt(
    executor: Executor, operation: WriteOperation, person: FoundPerson, warning: ItemWarning | None = None
) -> None:
    """The person that exists is the items' person, whatever their slot says of another."""
    details = SlotDetails(warning=warning)
    executor.items.apply(
        person_found(item._replace(slots={}), person, details) for item in executor.items.of(operation)
    )


def _allow_alert(executor: Executor, operation: WriteOperation, warning: ItemWarning) -> WriteOperation:
    """The same create, with the header that lets an alert pass."""
    executor.items.apply(ItemDecision(item, warnings=(warning,)) for item in executor.items.of(operation))
    headers = {**dict(operation.headers), **ALLOW_ALERTS}
    details = operation.details._replace(warning=warning)
    return replace(operation, headers=tuple(headers.items()), details=details)


def _adopt_account(
    executor: Executor, operation: WriteOperation, account_id: str, *warnings: ItemWarning
) -> None:
    """Take the Account that a duplicate rule named."""
    found = WrittenSlot(
        state=WriteState.WRITTEN,
        action=WriteAction.CREATE,
        sobject=ACCOUNT,
        sf_id=account_id,
        details=SlotDetails(found_by="duplicate_rule", is_created_by_us=False),
    )
    executor.items.apply(
        ItemDecision(item, slots={SlotKey(ACCOUNT_SLOT): found}, warnings=warnings)
        for item in executor.items.of(operation)
    )
