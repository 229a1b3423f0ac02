"""What is sent of a campaign member: its ids and status, and what its registrations' rules fill."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.salesforce.composite import Record
from app.salesforce.describe import SObjectDescribe
from app.sync.lookup.lookup import Findings
from app.sync.lookup.requirements import MEMBER as MEMBER_OBJECT
from app.sync.lookup.requirements import distinct
from app.sync.model.batch import SlotKey, Written
from app.sync.model.records import CONTACT, MemberRow
from app.sync.model.work_item import Row
from app.sync.model.written_digests import asserted_in, asserting
from app.sync.planning.member_status import CreateMember, KeepMember, UpdateMember
from app.sync.planning.merge_registrations import Together, in_turn, together
from app.sync.planning.record_builder import (
    CannotBeDrafted,
    Draft,
    Org,
    cannot_draft,
    dropped_in,
    mapped_fields,
)
from app.sync.planning.record_builder import draft as drafted


@dataclass(frozen=True)
class Change:
    """What is sent of a member, for the rows whose rules fit, and what is kept with the slot of each."""

    record: Record | None
    rows: tuple[Row, ...] = ()
    words: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mapped: frozenset[str] = frozenset()
    headers: tuple[tuple[str, str], ...] = ()
    describe: SObjectDescribe | None = None


def kind_of(decision: CreateMember | UpdateMember | KeepMember) -> str:
    """The part of the registration that a member's status belongs to."""
    return "checked_in" if decision.meaning == "attended" else "registered"


def created_member(decision: CreateMember, key: SlotKey, rows: Sequence[Row], found: Findings) -> Change:
    """A new member has the answers of all registrations, of two the later one's."""
    own, org, without = _own_fields(decision, rows[0]), Org(found.describes), _dropped(key, rows)
    drafts: list[tuple[Row, Draft]] = []
    for row in in_turn(rows):
        try:
            draft = drafted(MEMBER_OBJECT, row.job, org, own=own, without=without)
        except CannotBeDrafted as reason:
            cannot_draft([row], reason, org, kind=kind_of(decision))
            continue
        row.notices += draft.notices
        drafts.append((row, draft))
    if not drafts:
        return Change(None)
    fields = {name: value for _, draft in drafts for name, value in draft.record.fields.items()}
    return Change(
        Record(MEMBER_OBJECT, fields),
        tuple(row for row, _ in drafts),
        {row.job.registration_id: asserting({}, draft.asserted) for row, draft in drafts},
        frozenset().union(*(draft.mapped for _, draft in drafts)),
        drafts[-1][1].headers,
        next((draft.describe for _, draft in drafts if draft.describe is not None), None),
    )


def changed_member(
    decision: UpdateMember | KeepMember,
    key: SlotKey,
    rows: Sequence[Row],
    current: MemberRow,
    *,
    ours: Written | None,
    found: Findings,
) -> Change:
    """What differs of a member that stands; `ours` speaks for registrations that wrote none of it yet."""

    def said(row: Row) -> Mapping[str, str]:
        return asserted_in(row.slots.get(key) or ours)

    told = together(
        MEMBER_OBJECT,
        rows,
        Org(found.describes),
        standing=current.standing,
        said=said,
        without=_dropped(key, rows),
        kind=kind_of(decision),
    )
    status = {"Status": decision.label} if isinstance(decision, UpdateMember) else {}
    fields = {**status, **told.fields}
    words = {
        row.job.registration_id: asserting(said(row), told.said[row.job.registration_id]) for row in told.rows
    }
    return Change(
        Record(MEMBER_OBJECT, fields, decision.id) if fields else None,
        tuple(told.rows),
        words,
        _mapped(told, found),
        describe=found.describes.get(MEMBER_OBJECT),
    )


def _mapped(told: Together, found: Findings) -> frozenset[str]:
    describe, rules = found.describes.get(MEMBER_OBJECT), distinct(row.job.rules for row in told.rows)
    return frozenset().union(*(mapped_fields(MEMBER_OBJECT, each, describe) for each in rules))


def _dropped(key: SlotKey, rows: Sequence[Row]) -> frozenset[str]:
    return dropped_in(*(row.slots.get(key) for row in rows))


def _own_fields(decision: CreateMember, row: Row) -> dict[str, Any]:
    assert row.person is not None
    assert row.job.link is not None
    whose = "ContactId" if row.person.sobject == CONTACT else "LeadId"
    return {"CampaignId": row.job.link.campaign_id, whose: row.person.id, "Status": decision.label}
