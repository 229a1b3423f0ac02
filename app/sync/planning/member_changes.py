"""What is sent of a campaign member: its ids and status, and what its registrations' rules fill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.salesforce.composite import Record
from app.salesforce.describe import SObjectDescribe
from app.states import Milestone, StatusMeaning
from app.sync.lookup.lookup import LookupResult
from app.sync.lookup.requirements import MEMBER as MEMBER_OBJECT
from app.sync.lookup.requirements import distinct_rules
from app.sync.model.batch import SlotKey, WrittenSlot
from app.sync.model.records import CONTACT, MemberRow
from app.sync.model.work_item import WorkItem
from app.sync.model.written_digests import pending_digests, written_digests
from app.sync.planning.member_status import CreateMember, KeepMember, UpdateMember
from app.sync.planning.merge_registrations import MergedUpdate, by_registration_time, merge_updates
from app.sync.planning.record_builder import (
    Draft,
    OrgContext,
    RecordBuildError,
    dropped_fields,
    fail_build,
    mapped_fields,
)
from app.sync.planning.record_builder import build_record as drafted


@dataclass(frozen=True)
class MemberChange:
    """What is sent of a member, for the rows whose rules fit, and what is kept with the slot of each."""

    record: Record | None
    rows: tuple[WorkItem, ...] = ()
    words: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mapped: frozenset[str] = frozenset()
    headers: tuple[tuple[str, str], ...] = ()
    describe: SObjectDescribe | None = None


def kind_of(decision: CreateMember | UpdateMember | KeepMember) -> str:
    """The part of the registration that a member's status belongs to."""
    return Milestone.CHECKED_IN if decision.meaning == StatusMeaning.ATTENDED else Milestone.REGISTERED


def created_member(
    decision: CreateMember, key: SlotKey, rows: Sequence[WorkItem], found: LookupResult
) -> MemberChange:
    """A new member has the answers of all registrations, of two the later one's."""
    own, org, without = _own_fields(decision, rows[0]), OrgContext(found.describes), _dropped(key, rows)
    drafts: list[tuple[WorkItem, Draft]] = []
    for row in by_registration_time(rows):
        try:
            draft = drafted(MEMBER_OBJECT, row.job, org, own=own, without=without)
        except RecordBuildError as reason:
            fail_build([row], reason, org, kind=kind_of(decision))
            continue
        row.notices += draft.notices
        drafts.append((row, draft))
    if not drafts:
        return MemberChange(None)
    fields = {name: value for _, draft in drafts for name, value in draft.record.fields.items()}
    return MemberChange(
        Record(MEMBER_OBJECT, fields),
        tuple(row for row, _ in drafts),
        {row.job.registration_id: pending_digests({}, draft.digests) for row, draft in drafts},
        frozenset().union(*(draft.mapped for _, draft in drafts)),
        drafts[-1][1].headers,
        next((draft.describe for _, draft in drafts if draft.describe is not None), None),
    )


def changed_member(
    decision: UpdateMember | KeepMember,
    key: SlotKey,
    rows: Sequence[WorkItem],
    current: MemberRow,
    *,
    ours: WrittenSlot | None,
    found: LookupResult,
) -> MemberChange:
    """What differs of a member that stands; `ours` speaks for registrations that wrote none of it yet."""

    def said(row: WorkItem) -> Mapping[str, str]:
        return written_digests(row.slots.get(key) or ours)

    told = merge_updates(
        MEMBER_OBJECT,
        rows,
        OrgContext(found.describes),
        standing=current.standing,
        said=said,
        without=_dropped(key, rows),
        kind=kind_of(decision),
    )
    status = {"Status": decision.label} if isinstance(decision, UpdateMember) else {}
    fields = {**status, **told.fields}
    words = {
        row.job.registration_id: pending_digests(said(row), told.said[row.job.registration_id])
        for row in told.rows
    }
    return MemberChange(
        Record(MEMBER_OBJECT, fields, decision.id) if fields else None,
        tuple(told.rows),
        words,
        _mapped(told, found),
        describe=found.describes.get(MEMBER_OBJECT),
    )


def _mapped(told: MergedUpdate, found: LookupResult) -> frozenset[str]:
    describe, rules = found.describes.get(MEMBER_OBJECT), distinct_rules(row.job.rules for row in told.rows)
    return frozenset().union(*(mapped_fields(MEMBER_OBJECT, each, describe) for each in rules))


def _dropped(key: SlotKey, rows: Sequence[WorkItem]) -> frozenset[str]:
    return dropped_fields(*(row.slots.get(key) for row in rows))


def _own_fields(decision: CreateMember, row: WorkItem) -> dict[str, Any]:
    assert row.person is not None
    assert row.job.link is not None
    whose = "ContactId" if row.person.sobject == CONTACT else "LeadId"
    return {"CampaignId": row.job.link.campaign_id, whose: row.person.id, "Status": decision.label}
