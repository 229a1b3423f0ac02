"""The Accounts that new Contacts belong to: found, or made once per company. Pure but for the rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from app.infrastructure.keyed_hash import keyed_hash
from app.states import Milestone, WriteState
from app.sync.lookup.create_context import company_for_account
from app.sync.matching.account_matching import match, normalized_name
from app.sync.model.batch import ACCOUNT_SLOT, Batch, SlotKey
from app.sync.model.clock import Clock
from app.sync.model.notices import ItemWarning
from app.sync.model.records import ACCOUNT
from app.sync.model.work_item import WorkItem, WriteOperation
from app.sync.planning.create_guard import may_create
from app.sync.planning.merge_registrations import primary_item
from app.sync.planning.record_builder import (
    OrgContext,
    RecordBuildError,
    dropped_fields,
    fail_build,
    rejection_hints,
)
from app.sync.planning.record_builder import build_record as drafted

KEY = SlotKey(ACCOUNT_SLOT)
PersonGroup = Sequence[WorkItem]
"""The rows of one new person."""


@dataclass
class Accounts:
    """`known` has the Account of each carrier that has one, `creates` what has to be made first; who is in
    `waiting` cannot be created yet.
    """

    known: dict[str, str] = field(default_factory=dict)
    creates: list[WriteOperation] = field(default_factory=list)
    waiting: list[PersonGroup] = field(default_factory=list)


def plan_accounts(
    missing: Sequence[PersonGroup], org: OrgContext, *, batch: Batch, clock: Clock, pepper: bytes
) -> Accounts:
    """Match every new Contact's company; one create for all who come from a company that is not there."""
    plan = Accounts()
    companies: dict[str, list[PersonGroup]] = {}
    for alike in missing:
        company = company_for_account(primary_item(alike).job, org.describes)
        if company is not None:
            companies.setdefault(normalized_name(company), []).append(alike)
    for essence, people in companies.items():
        _plan_company(essence, people, plan, org, batch=batch, clock=clock, pepper=pepper)
    return plan


def settle_accounts(plan: Accounts, missing: Sequence[PersonGroup]) -> list[PersonGroup]:
    """After the creates: note the Accounts that were made; returns the people who can be created now."""
    planned = {id(row) for operation in plan.creates for row in operation.rows}
    waiting = {id(row) for alike in plan.waiting for row in alike}
    ready = []
    for alike in missing:
        carrier = primary_item(alike)
        slot = carrier.slots.get(KEY) if id(carrier) in planned else None
        if slot is not None and slot.state == WriteState.WRITTEN and slot.sf_id:
            plan.known[carrier.job.registration_id] = slot.sf_id
        is_made = id(carrier) not in planned or carrier.job.registration_id in plan.known
        if is_made and id(carrier) not in waiting and carrier.is_open:
            ready.append(alike)
    return ready


def _plan_company(
    essence: str,
    people: Sequence[PersonGroup],
    plan: Accounts,
    org: OrgContext,
    *,
    batch: Batch,
    clock: Clock,
    pepper: bytes,
) -> None:
    carriers = [primary_item(alike) for alike in people]
    rows = [row for alike in people for row in alike]
    found = {carrier.job.registration_id: id_ for carrier in carriers if (id_ := _found(carrier, org))}
    if found:
        plan.known |= found
        _note_found(rows, next(iter(found.values())))
    elif not org.describes[ACCOUNT].is_createable:
        text = "The connected user may not create Accounts, so the Contact belongs to none."
        for row in rows:
            row.notices.append(ItemWarning("field_dropped", "Contact", "AccountId", text))
    elif _may_create_all(rows, clock):
        plan.creates += _create(essence, rows, org, batch, pepper=pepper)
    else:
        plan.waiting += people


def _found(carrier: WorkItem, org: OrgContext) -> str | None:
    company = company_for_account(carrier.job, org.describes)
    account = match(company, org.around.accounts) if company else None
    return account.id if account else None


def _note_found(rows: Iterable[WorkItem], account_id: str) -> None:
    """A lost create that turned up."""
    for row in rows:
        slot = row.slots.get(KEY)
        if slot is not None and slot.state == WriteState.AMBIGUOUS:
            row.slots[KEY] = slot._replace(state=WriteState.WRITTEN, sf_id=account_id)


def _may_create_all(rows: Sequence[WorkItem], clock: Clock) -> bool:
    """While a lost create of the company may still land, nobody of it is created."""
    free = [may_create(row, KEY, clock) for row in rows]
    looks = [row.look_at for row, is_now in zip(rows, free, strict=True) if not is_now and row.look_at]
    for row, is_now in zip(rows, free, strict=True):
        if is_now and not all(free):
            row.is_fenced = True
            row.wait_until(min(looks, default=clock.now))
    return all(free)


def _create(
    essence: str, rows: Sequence[WorkItem], org: OrgContext, batch: Batch, *, pepper: bytes
) -> list[WriteOperation]:
    carrier = primary_item(rows)
    try:
        draft = drafted(ACCOUNT, carrier.job, org, without=dropped_fields(carrier.slots.get(KEY)))
    except RecordBuildError as reason:
        fail_build(rows, reason, org, kind=Milestone.REGISTERED)
        return []
    for row in rows:
        row.notices += draft.notices
    record = draft.record
    if company_for_account(carrier.job, org.describes) == carrier.job.rules.account_for_nobody:
        record = replace(record, fields={**record.fields, "Name": carrier.job.rules.account_for_nobody})
    return [
        WriteOperation(
            key=KEY,
            rows=tuple(rows),
            record=record,
            carrier=carrier.job.registration_id,
            fence=keyed_hash(pepper, f"{batch.org_id}:account", essence),
            details={"is_created_by_us": True},
            headers=draft.headers,
            mapped=draft.mapped,
            describe=draft.describe,
            tried=rejection_hints(carrier.slots.get(KEY)),
        )
    ]
