"""Work items, batches and look-up results for planners, without a database."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from app.salesforce.describe import SObjectDescribe
from app.salesforce.ids import to18
from app.sync.lookup.lookup import LookupResult
from app.sync.matching.person_matching import PersonIndex
from app.sync.model.batch import Batch, Link, RegistrationFacts, SlotKey, WrittenSlot
from app.sync.model.decisions import Fail, ItemDecision, Plan
from app.sync.model.mapping_rules import MappingRules
from app.sync.model.records import MemberRow, PersonRow
from app.sync.model.retry_policy import Clock
from app.sync.model.slot_details import SlotDetails
from app.sync.model.work_item import WorkItem
from app.sync.planning.person_ref import ExistingPerson
from tests.unit.sync.builders import described, field, job

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
QUIET = timedelta(minutes=2)
CLOCK = Clock(NOW, QUIET)
LONG_AGO, JUST_NOW = NOW - timedelta(hours=1), NOW - timedelta(seconds=1)
"""Starts of a call whose write can no longer be applied, and of one whose write still may."""

LEAD_ID, CONTACT_ID, ACCOUNT_ID, CAMPAIGN_ID = (
    to18(f"{prefix}5g000001AbCd") for prefix in ("00Q", "003", "001", "701")
)
EMAIL = "ada@river.example"
LEAD = ExistingPerson("Lead", LEAD_ID)
CONTACT = ExistingPerson("Contact", CONTACT_ID)
LABELS = {"registered": "Registered", "attended": "Attended", "cancelled": "Cancelled"}
LINK = Link(CAMPAIGN_ID, LABELS)
Planned = TypeVar("Planned")


def item(
    registration_id: str = "reg_1",
    *,
    slots: Mapping[SlotKey, WrittenSlot] | None = None,
    rules: MappingRules | None = None,
    **changes: Any,
) -> WorkItem:
    """Ada's registration of 23:30 on 10 November, confirmed; `slots` is what was written of it."""
    chosen: dict[str, Any] = {"rules": rules} if rules is not None else {}
    return WorkItem.of(
        replace(job(written=slots or {}, **chosen, **changes), registration_id=registration_id)
    )


def facts(**changes: Any) -> RegistrationFacts:
    values: dict[str, Any] = {"status": "confirmed", "registered_at": LONG_AGO, "confirmed_at": LONG_AGO}
    return RegistrationFacts(**(values | changes))


def slot(state: str = "written", sobject: str = "Lead", **changes: Any) -> WrittenSlot:
    details = SlotDetails.parse(changes.pop("details", {}))
    return WrittenSlot(state, changes.pop("action", "create"), sobject, details=details, **changes)


def batch(*items: WorkItem, **changes: Any) -> Batch:
    jobs = tuple(each.job for each in items)
    return Batch("host_a", "00D5g000004XyZaEAK", fence=1, now=NOW, jobs=jobs, **changes)


def lookup(*people: PersonRow, **changes: Any) -> LookupResult:
    statuses = {CAMPAIGN_ID: dict.fromkeys(LABELS.values(), False)}
    values: dict[str, Any] = {"people": PersonIndex.of(people), "statuses": statuses}
    return LookupResult(**(values | changes))


def unfit(sobject: str) -> tuple[MappingRules, dict[str, SObjectDescribe]]:
    """Rules that name a record type which the org does not have, and the org."""
    describe = described(field("RecordTypeId", "reference"), name=sobject)
    return MappingRules.of({"record_types": {sobject: "Webinar"}}), {sobject: describe}


def member(status: str = "Registered", **changes: Any) -> MemberRow:
    return MemberRow("00v5g000001AbCdEAK", status, has_responded=False, **changes)


def unchanged(plan: Callable[..., Planned], *items: WorkItem, **changes: Any) -> Planned:
    """What the planner returns; fails if it changed one of the items."""
    before = copy.deepcopy(items)
    planned = plan(**changes)
    assert items == before
    return planned


def error_codes(decisions: tuple[ItemDecision, ...]) -> dict[str, str]:
    """The errors of the items that fail, by registration."""
    return {
        each.item.job.registration_id: each.end.error.error_code
        for each in decisions
        if isinstance(each.end, Fail)
    }


def slots_set(plan: Plan) -> dict[str, Mapping[SlotKey, WrittenSlot | None]]:
    """The slots that are set without a write, by registration."""
    return {each.item.job.registration_id: each.slots for each in plan.decisions if each.slots}
