"""Dry run: returns what would be written for one registration, by the engine's own steps."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.api.dependencies import Resources
from app.api.errors import NotConnected, SalesforceUnavailable
from app.connections.counted_calls import budget_reached, org_calls
from app.connections.service import open_client
from app.registrations.context import EventContext, load_context, require_registration
from app.registrations.history import RequestShown
from app.registrations.row_view import error_view, link_to, member_link, person_link, warning_shown
from app.salesforce.client import SalesforceClient
from app.states import JobReason, PendingReason, WaitReason, WriteState
from app.sync.engine.dry_run import DryRunResult, load_single, run_dry
from app.sync.engine.interruptions import BudgetReached
from app.sync.engine.org_drain import DrainContext
from app.sync.jobs.enqueue import JobRequest
from app.sync.model.batch import MEMBER, PERSON, PERSON_UPDATE, SlotKey, WrittenSlot
from app.sync.model.cases import CASE_KEY
from app.sync.model.job_outcome import Obstacle
from app.sync.model.record_kinds import kind_of_slot
from app.sync.model.work_item import WorkItem
from app.sync_preview.schemas import ActivityPlan, CasePlan, DryRun, MemberPlan, PersonPlan


@dataclass(frozen=True)
class DryRunContext:
    """A dry run with the event's context; `client` can query the same org."""

    result: DryRunResult
    context: EventContext
    client: SalesforceClient


async def dry_run(resources: Resources, host_id: str, event_id: str, *, registration_id: str) -> DryRun:
    """Look in Salesforce, plan, and write nothing. Raises as `dry_run_context` does."""
    async with dry_run_context(resources, host_id, event_id, registration_id=registration_id) as run:
        return to_response(run.result, run.context)


@asynccontextmanager
async def dry_run_context(
    resources: Resources, host_id: str, event_id: str, *, registration_id: str
) -> AsyncIterator[DryRunContext]:
    """The engine's own steps for one registration, and a client to ask the org further.

    Raises EventNotFound, RegistrationNotFound, NotConnected, ConnectionNeedsReconnect, ApiBudgetReached,
    ObjectNotVisible, SalesforceRefused and SalesforceUnavailable.
    """
    async with resources.database.tenant(host_id) as session:
        context = await load_context(session, host_id, event_id)
        await require_registration(session, host_id, event_id, registration_id)
    if context.org_id is None:
        raise NotConnected
    if context.gates.is_backing_off:  # a pause does not forbid reads
        raise SalesforceUnavailable(headers={"Retry-After": "60"})
    database, settings = resources.database, resources.settings
    opener = partial(open_client, resources)
    engine = DrainContext(database, settings, opener, worker_id="dry run", pepper=settings.hash_pepper)
    async with org_calls(resources, host_id, is_for_person=True) as client:
        request = JobRequest(host_id, registration_id, event_id, context.org_id, reason=JobReason.LINK)
        try:
            result = await run_dry(engine, client, await load_single(database, request))
        except BudgetReached:
            raise budget_reached() from None
        client.usage = result.client.usage
        yield DryRunContext(result, context, client)


def to_response(result: DryRunResult, context: EventContext) -> DryRun:
    """Convert the dry run for the dashboard."""
    item, outcome, client = result.item, result.outcome, result.client
    waiting_for = (
        WaitReason.PAUSE if context.gates.closed_because == PendingReason.PAUSED else outcome.waiting_for
    )
    error = outcome.error and error_view(
        {**outcome.error.as_json(), "group_id": outcome.error.group_id},
        first_at=context.now,
        last_at=context.now,
    )
    return DryRun(
        registration_id=item.job.registration_id,
        outcome=outcome.settled_as or outcome.state,
        waiting_for=waiting_for,
        skipped_because=outcome.skipped_because,
        person=_person(result, context),
        activities=_activities(result, context),
        member=_member(result, context),
        case=_case(result, context),
        requests=[
            RequestShown(method=each.method, path=each.path, body=client.shown(each.body))
            for each in client.requests
        ],
        error=error,
        warnings=[warning_shown(warning.as_json()) for warning in dict.fromkeys(item.warnings)],
        calls_spent=client.calls,
        as_of=context.now,
    )


def _person(result: DryRunResult, context: EventContext) -> PersonPlan:
    item = result.item
    fields = _sent_fields(result, PERSON)
    if fields is not None:
        return PersonPlan(action="create", person=None, fields=fields)
    slot = item.slots.get(SlotKey(PERSON))
    if item.person is None or slot is None or slot.sf_id is None:
        return PersonPlan(action="none", person=None, fields=None)
    person = person_link(slot, context.instance_url)
    changes = _sent_fields(result, PERSON_UPDATE)
    return PersonPlan(action="found" if changes is None else "update", person=person, fields=changes)


def _activities(result: DryRunResult, context: EventContext) -> list[ActivityPlan]:
    plans = []
    for key, slot in sorted(result.item.slots.items()):
        kind = kind_of_slot(key.slot)
        if kind is None or not kind.is_activity:
            continue
        fields = _sent_fields(result, *key)
        if fields is not None:
            standing = link_to(result.item.job.written.get(key), context.instance_url)
            is_update = "id" in fields
            plans.append(
                ActivityPlan(
                    kind=kind.milestone,
                    action="update" if is_update else "create",
                    activity=standing if is_update else None,
                    fields=fields,
                )
            )
        elif (link := link_to(slot, context.instance_url)) is not None:
            plans.append(ActivityPlan(kind=kind.milestone, action="stands", activity=link, fields=None))
    return plans


def _member(result: DryRunResult, context: EventContext) -> MemberPlan:
    item = result.item
    slot = item.slots.get(item.job.member_key) if item.job.member_key else None
    standing = item.job.written.get(item.job.member_key) if item.job.member_key else None
    fields = _sent_fields(result, MEMBER)
    member = member_link(slot if fields is None else standing, context.instance_url)
    if fields is not None:
        action = "update" if "id" in fields else "create"
        return MemberPlan(action=action, reason=None, member=member, fields=fields)
    return MemberPlan(action="none", reason=_why_no_member(item, slot), member=member, fields=None)


def _case(result: DryRunResult, context: EventContext) -> CasePlan:
    standing, fields = result.item.job.written.get(CASE_KEY), _sent_fields(result, CASE_KEY.slot)
    case = link_to(standing if fields else result.item.slots.get(CASE_KEY), context.instance_url)
    if fields is not None:
        return CasePlan(action="update" if case else "create", case=case, fields=fields)
    return CasePlan(action="stands" if case else "none", case=case, fields=None)


def _why_no_member(item: WorkItem, slot: WrittenSlot | None) -> str:
    reasons = (
        ("not_linked", item.job.link is None),
        ("not_wanted", not (item.job.is_enabled and item.job.writes.member)),
        ("campaign_broken", Obstacle.CAMPAIGN in item.obstacles),
        ("no_person", item.person is None),
        ("uncertain", slot is not None and slot.state == WriteState.AMBIGUOUS),
        ("stands", slot is not None and slot.sf_id is not None),
    )
    return next((reason for reason, is_so in reasons if is_so), "not_wanted")


def _sent_fields(result: DryRunResult, slot: str, instance_key: str | None = None) -> dict[str, Any] | None:
    """The fields of the record that would be sent for a slot; None where nothing would be."""
    for exchange in result.item.logged_requests:
        if exchange.slot == slot and instance_key in (None, exchange.instance_key):
            body = exchange.request["body"]
            [record] = body.get("records", [body])
            shown = result.client.shown({k: v for k, v in record.items() if k != "attributes"})
            return dict(shown)
    return None
