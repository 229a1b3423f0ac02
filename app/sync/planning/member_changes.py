"""Build what is sent of a campaign member: its ids and status, and what its registrations' rules fill."""

from collections.abc import Mapping, Sequence
from dataclasses import field

from app.salesforce.composite import Record
from app.salesforce.describe import SObjectDescribe
from app.salesforce.value_class import value_class
from app.sync.lookup.lookup import LookupResult
from app.sync.model.batch import MEMBER, SlotKey, WrittenSlot
from app.sync.model.decisions import ItemDecision
from app.sync.model.record_kinds import milestone_of
from app.sync.model.records import CAMPAIGN_MEMBER, CONTACT, MemberRow
from app.sync.model.slot_details import SlotDetails, pending_digests
from app.sync.model.work_item import WorkItem
from app.sync.planning.member_status import CreateMember, KeepMember, UpdateMember
from app.sync.planning.merge_registrations import by_registration_time, merge_updates
from app.sync.planning.person_ref import PersonRef
from app.sync.planning.record_builder import (
    Draft,
    OrgContext,
    RecordBuildError,
    build_failure,
    build_record,
    dropped_fields,
    mapped_by_items,
)


@value_class(frozen=True)
class MemberChange:
    """What is sent of a member, for the items whose rules fit, and what is stored with the slot of each."""

    record: Record | None
    items: tuple[WorkItem, ...] = ()
    details_by_item: Mapping[str, SlotDetails] = field(default_factory=dict)
    mapped: frozenset[str] = frozenset()
    headers: tuple[tuple[str, str], ...] = ()
    describe: SObjectDescribe | None = None
    decisions: tuple[ItemDecision, ...] = ()


def created_member(
    decision: CreateMember,
    key: SlotKey,
    items: Sequence[WorkItem],
    person: PersonRef,
    lookup: LookupResult,
) -> MemberChange:
    """A new member has the values of all registrations; of two values of a field, the later one."""
    org, without = OrgContext(lookup.describes), _dropped(key, items)
    person_field = "ContactId" if person.sobject == CONTACT else "LeadId"
    system_fields = {"CampaignId": key.instance_key, person_field: person.id, "Status": decision.label}
    drafts: list[tuple[WorkItem, Draft]] = []
    decisions: list[ItemDecision] = []
    for item in by_registration_time(items):
        try:
            draft = build_record(CAMPAIGN_MEMBER, item.job, org, system_fields=system_fields, without=without)
        except RecordBuildError as error:
            decisions += build_failure([item], error, org, milestone=milestone_of(MEMBER, decision.meaning))
            continue
        decisions += [ItemDecision(item, warnings=draft.warnings)] if draft.warnings else []
        drafts.append((item, draft))
    if not drafts:
        return MemberChange(None, decisions=tuple(decisions))
    fields = {name: value for _, draft in drafts for name, value in draft.record.fields.items()}
    return MemberChange(
        Record(CAMPAIGN_MEMBER, fields),
        tuple(item for item, _ in drafts),
        {item.registration_id: pending_digests({}, draft.digests) for item, draft in drafts},
        frozenset().union(*(draft.mapped for _, draft in drafts)),
        drafts[-1][1].headers,
        next((draft.describe for _, draft in drafts if draft.describe is not None), None),
        tuple(decisions),
    )


def changed_member(
    decision: UpdateMember | KeepMember,
    key: SlotKey,
    items: Sequence[WorkItem],
    current: MemberRow,
    *,
    written: WrittenSlot | None,
    lookup: LookupResult,
) -> MemberChange:
    """What differs of a member that exists; `written` counts for registrations that wrote none of it yet."""

    def previous_digests(item: WorkItem) -> Mapping[str, str]:
        before = item.slots.get(key) or written
        return before.digests if before else {}

    merged = merge_updates(
        CAMPAIGN_MEMBER,
        items,
        OrgContext(lookup.describes),
        current=current.current_values,
        previous_digests=previous_digests,
        without=_dropped(key, items),
        milestone=milestone_of(MEMBER, decision.meaning),
    )
    status = {"Status": decision.label} if isinstance(decision, UpdateMember) else {}
    fields = {**status, **merged.fields}
    describe = lookup.describes.get(CAMPAIGN_MEMBER)
    return MemberChange(
        Record(CAMPAIGN_MEMBER, fields, decision.id) if fields else None,
        merged.items,
        merged.details,
        mapped_by_items(CAMPAIGN_MEMBER, merged.items, describe),
        describe=describe,
        decisions=merged.decisions,
    )


def _dropped(key: SlotKey, items: Sequence[WorkItem]) -> frozenset[str]:
    return dropped_fields(*(item.slots.get(key) for item in items))
