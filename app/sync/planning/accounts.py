"""Plan the Accounts that new Contacts belong to: found, or created once per company."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.infrastructure.encryption import keyed_hash
from app.states import Milestone, WriteState
from app.sync.lookup.create_context import company_for_account
from app.sync.matching.account_matching import match_account, normalized_name
from app.sync.model.batch import ACCOUNT_SLOT, Batch, SlotKey
from app.sync.model.decisions import NO_PLAN, Blocked, ItemDecision, Plan, joined
from app.sync.model.item_errors import ItemWarning
from app.sync.model.job_outcome import Obstacle
from app.sync.model.records import ACCOUNT, CONTACT
from app.sync.model.retry_policy import Clock
from app.sync.model.slot_details import SlotDetails
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.planning.merge_registrations import primary_item
from app.sync.planning.record_builder import (
    OrgContext,
    RecordBuildError,
    build_failure,
    build_record,
    create_obstacle,
    dropped_fields,
    rejection_hints,
)
from app.user_messages.phrases import Phrase

KEY = SlotKey(ACCOUNT_SLOT)
NOT_CREATEABLE = Phrase("note.no_account")
PersonGroup = Sequence[WorkItem]
"""The items of one new person."""


@dataclass(frozen=True)
class AccountsPlan:
    """`known` has the Accounts by primary registration, `plan` creates those that are missing; the people of
    `waiting` cannot be created yet.
    """

    known: Mapping[str, str] = field(default_factory=dict)
    plan: Plan = NO_PLAN
    waiting: tuple[PersonGroup, ...] = ()


def plan_accounts(
    without_person: Sequence[PersonGroup], org: OrgContext, *, batch: Batch, clock: Clock, pepper: bytes
) -> AccountsPlan:
    """Match every new Contact's company; one create for all people of a company that has no Account."""
    companies: dict[str, list[tuple[str, PersonGroup]]] = {}
    for group in without_person:
        company = company_for_account(primary_item(group).job, org.describes)
        if company is not None:
            companies.setdefault(normalized_name(company), []).append((company, group))
    plans = [
        _plan_company(name, people, org, batch=batch, clock=clock, pepper=pepper)
        for name, people in companies.items()
    ]
    return AccountsPlan(
        {primary: id_ for each in plans for primary, id_ in each.known.items()},
        joined(each.plan for each in plans),
        tuple(group for each in plans for group in each.waiting),
    )


def people_with_accounts(
    accounts: AccountsPlan, without_person: Sequence[PersonGroup]
) -> tuple[list[PersonGroup], Mapping[str, str]]:
    """After the creates: the people who can be created now, and the Accounts by primary registration."""
    planned = {job.registration_id for operation in accounts.plan.operations for job in operation.jobs}
    waiting = {item.registration_id for group in accounts.waiting for item in group}
    known = dict(accounts.known)
    ready = []
    for group in without_person:
        primary = primary_item(group)
        registration_id = primary.registration_id
        is_planned = registration_id in planned
        slot = primary.slots.get(KEY) if is_planned else None
        if slot is not None and slot.state == WriteState.WRITTEN and slot.sf_id:
            known[registration_id] = slot.sf_id
        is_made = not is_planned or registration_id in known
        if is_made and registration_id not in waiting and primary.is_undecided:
            ready.append(group)
    return ready, known


def _plan_company(
    name: str,
    people: Sequence[tuple[str, PersonGroup]],
    org: OrgContext,
    *,
    batch: Batch,
    clock: Clock,
    pepper: bytes,
) -> AccountsPlan:
    """`people` are of one company, each with the name that it has there."""
    items = [item for _, group in people for item in group]
    matches = {
        primary_item(group).registration_id: account.id
        for company, group in people
        if (account := match_account(company, org.create_context.accounts)) is not None
    }
    if matches:
        recovered = tuple(_recovered(items, next(iter(matches.values()))))
        return AccountsPlan(matches, Plan(decisions=recovered))
    if not org.describes[ACCOUNT].is_createable:
        warnings = (ItemWarning("field_dropped", CONTACT, "AccountId", NOT_CREATEABLE),)
        return AccountsPlan(
            plan=Plan(decisions=tuple(ItemDecision(item, warnings=warnings) for item in items))
        )
    obstacles = _create_obstacles(items, clock)
    if obstacles:
        return AccountsPlan(plan=Plan(decisions=obstacles), waiting=tuple(group for _, group in people))
    return AccountsPlan(plan=_create(name, items, org, batch, pepper=pepper))


def _recovered(items: Iterable[WorkItem], account_id: str) -> Iterable[ItemDecision]:
    """A lost create that turned up."""
    for item in items:
        slot = item.slots.get(KEY)
        if slot is not None and slot.state == WriteState.AMBIGUOUS:
            details = slot.details._replace(is_suspected=None)
            found = slot._replace(state=WriteState.WRITTEN, sf_id=account_id, details=details)
            yield ItemDecision(item, slots={KEY: found})


def _create_obstacles(items: Sequence[WorkItem], clock: Clock) -> tuple[ItemDecision, ...]:
    """While a lost create of the company may still be applied, nobody of it is created."""
    obstacles = [(item, create_obstacle(item, KEY, clock)) for item in items]
    times = [each.recheck_at for _, each in obstacles if each is not None and each.recheck_at]
    if all(each is None for _, each in obstacles):
        return ()
    recheck_at = min(times, default=clock.now)
    shared = Blocked(Obstacle.CREATE_LOCK)
    return tuple(each or ItemDecision(item, shared, recheck_at=recheck_at) for item, each in obstacles)


def _create(name: str, items: Sequence[WorkItem], org: OrgContext, batch: Batch, *, pepper: bytes) -> Plan:
    primary = primary_item(items)
    job, rejected = primary.job, primary.slots.get(KEY)
    try:
        draft = build_record(ACCOUNT, job, org, without=dropped_fields(rejected))
    except RecordBuildError as error:
        return Plan(decisions=build_failure(items, error, org, milestone=Milestone.REGISTERED))
    record = draft.record
    if company_for_account(job, org.describes) == job.rules.no_company_account_name:
        record = replace(record, fields={**record.fields, "Name": job.rules.no_company_account_name})
    operation = WriteOperation(
        key=KEY,
        jobs=tuple(item.job for item in items),
        record=record,
        primary_registration_id=job.registration_id,
        create_lock=keyed_hash(pepper, f"{batch.org_id}:account", name),
        details=SlotDetails(is_created_by_us=True),
        headers=draft.headers,
        mapped=draft.mapped,
        describe=draft.describe,
        rejection_hints=rejection_hints(rejected),
    )
    warned = tuple(ItemDecision(item, warnings=draft.warnings) for item in items if draft.warnings)
    return Plan((operation,), warned)
