"""From the records of a look-up's queries to values. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.salesforce.ids import to18
from app.sync.lookup.requirements import LookupRequirements
from app.sync.matching.person_matching import PersonIndex
from app.sync.model.cases import CaseRow, CaseStatuses
from app.sync.model.record_kind import LostCreateQuery
from app.sync.model.records import CAMPAIGN_MEMBER, CONTACT, LEAD, MemberRow, PersonRow
from app.sync.model.reference_tags import reference_of_message, references_in
from app.text.email_address import address_key

COMPLETED: Final = "Completed"
TASK_STATUS: Final = "TaskStatus"
CASE_STATUS: Final = "CaseStatus"
EVENT_LENGTH: Final = "EventLength"
"""What is kept beside the describes: statuses of Tasks and Cases, and that calendar Events are short."""

OWN_SAVE: Final = timedelta(seconds=5)
"""What an org's automations change of a new record, they change within its save."""

ResponseFlags = Mapping[str, Mapping[str, bool]]
"""Whether each status of a campaign counts as a response."""

MemberKey = tuple[str, str]
"""A campaign and a person's id or e-mail."""


def parse_people(
    rows: Iterable[Mapping[str, Any]],
    asked: frozenset[str],
    requirements: LookupRequirements,
    *,
    known: PersonIndex | None = None,
) -> PersonIndex:
    """The people that were `known` and those that were found; `asked` are the ids that were looked for."""
    known = known or PersonIndex()
    people = [*known.rows.values(), *(_person_row(row, requirements) for row in rows)]
    access = requirements.access
    return PersonIndex.of(
        people,
        known.queried_ids | asked,
        hidden=access.hidden,
        without_email=access.without_email - access.hidden,
        has_inaccessible_leads=access.has_inaccessible_leads,
        fully_visible=(access.fully_visible or frozenset()) - access.hidden,
    )


def parse_statuses(rows: Iterable[Mapping[str, Any]], campaigns: Iterable[str]) -> dict[str, dict[str, bool]]:
    """Every campaign has at least one status, so one without any is gone or hidden."""
    statuses: dict[str, dict[str, bool]] = {campaign: {} for campaign in campaigns}
    for row in rows:
        statuses.setdefault(to18(row["CampaignId"]), {})[row["Label"]] = bool(row["HasResponded"])
    return statuses


def parse_members(
    rows: Iterable[Mapping[str, Any]], requirements: LookupRequirements, statuses: ResponseFlags
) -> tuple[dict[MemberKey, MemberRow], dict[MemberKey, MemberRow]]:
    """Return the members by their campaign and person's id, and by campaign and e-mail."""
    by_id: dict[MemberKey, MemberRow] = {}
    by_email: dict[MemberKey, MemberRow] = {}
    for row in rows:
        campaign, member = to18(row["CampaignId"]), _member_row(row, requirements, statuses)
        for sobject in (LEAD, CONTACT):
            if id_ := row.get(f"{sobject}Id"):
                by_id[campaign, to18(id_)] = member
            if (person := row.get(sobject)) and person.get("Email"):
                by_email[campaign, address_key(person["Email"]) or ""] = member
    return by_id, by_email


def parse_events(rows: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The fields of the calendar Events that stand, by id."""
    return {to18(row["Id"]): row for row in rows if not row.get("IsDeleted")}


def parse_deleted(rows: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The ids of the records that are in the bin."""
    return frozenset(to18(row["Id"]) for row in rows if row.get("IsDeleted"))


def records_by_reference(query: LostCreateQuery, rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The records that carry a reference of ours."""
    field = query.reference_field
    return {reference: to18(row["Id"]) for row in rows for reference in references_in(row[field])}


def emails_by_reference(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The e-mails whose key is of our making."""
    found = ((reference_of_message(row["MessageIdentifier"]), row["Id"]) for row in rows)
    return {reference: to18(id_) for reference, id_ in found if reference is not None}


def records_by_label(
    query: LostCreateQuery, rows: Iterable[Mapping[str, Any]], lost: Iterable[tuple[str, str, Sequence[str]]]
) -> dict[str, str]:
    """Where our reference cannot be read: by person and label, each record for one of the `lost`.

    These are the reference, the label, and the ids or e-mails of the people whose record it may be.
    """
    waiting: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        key = _whose(query, row.get(query.owner_field)), row.get(query.subject_field) or ""
        waiting.setdefault(key, []).append(to18(row["Id"]))
    found = {}
    for reference, label, people in lost:
        ids = next((waiting[key] for who in people if waiting.get(key := (who, label))), None)
        if ids and reference:
            found[reference] = ids.pop(0)
    return found


def _whose(query: LostCreateQuery, value: str | None) -> str:
    return (address_key(value) if query.address_field else value and to18(value)) or ""


def _person_row(row: Mapping[str, Any], requirements: LookupRequirements) -> PersonRow:
    sobject = row["attributes"]["type"]
    return PersonRow(
        sobject=sobject,
        id=to18(row["Id"]),
        email_key=address_key(row.get("Email")),
        created_at=row.get("CreatedDate") or "",
        is_deleted=bool(row.get("IsDeleted")),
        is_converted=bool(row.get("IsConverted")),
        converted_contact_id=_id(row.get("ConvertedContactId")),
        master_record_id=_id(row.get("MasterRecordId")),
        person_contact_id=_id(row.get("PersonContactId") or row.get("ContactId")),
        first_name=row.get("FirstName"),
        last_name=row.get("LastName"),
        current_values=_current_values(row, ("Email", *requirements.fields.get(sobject, ())), requirements),
    )


def _member_row(
    row: Mapping[str, Any], requirements: LookupRequirements, statuses: ResponseFlags
) -> MemberRow:
    current_values = _current_values(row, requirements.fields.get(CAMPAIGN_MEMBER, ()), requirements)
    status = row["Status"] or ""
    has_responded = statuses.get(to18(row["CampaignId"]), {}).get(status, False)
    return MemberRow(to18(row["Id"]), status, has_responded, current_values)


def _current_values(
    row: Mapping[str, Any], names: Iterable[str], requirements: LookupRequirements
) -> dict[str, Any]:
    return {name: row.get(name) for name in names if name in row} if requirements.describes else {}


def _id(value: str | None) -> str | None:
    return to18(value) if value else None


def parse_cases(rows: Iterable[Mapping[str, Any]]) -> dict[str, CaseRow]:
    """The Cases by their ids."""
    return {to18(row["Id"]): _case_row(row) for row in rows}


def _case_row(row: Mapping[str, Any]) -> CaseRow:
    created_at, changed_at = (_moment(row.get(name)) for name in ("CreatedDate", "LastModifiedDate"))
    return CaseRow(
        to18(row["Id"]),
        status=row.get("Status"),
        is_closed=bool(row.get("IsClosed")),
        is_deleted=bool(row.get("IsDeleted")),
        is_untouched=created_at is not None and changed_at is not None and changed_at - created_at < OWN_SAVE,
    )


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def case_statuses(rows: Iterable[Mapping[str, Any]]) -> CaseStatuses:
    """Those that close a Case in the org's order, and those that new Cases get."""
    ranked = sorted(rows, key=lambda row: row.get("SortOrder") or 0)
    closed = tuple(_name(row) for row in ranked if row.get("IsClosed"))
    return CaseStatuses(closed, tuple(_name(row) for row in ranked if row.get("IsDefault")))


def closed_statuses(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Those that close a Task, the one to take first: Completed, else the default, else the first listed.

    https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_taskstatus.htm
    """
    closed = [row for row in rows if row.get("IsClosed")]
    ranked = sorted(
        closed, key=lambda row: (_name(row) != COMPLETED, not row.get("IsDefault"), row.get("SortOrder") or 0)
    )
    return tuple(map(_name, ranked))


def _name(row: Mapping[str, Any]) -> str:
    return str(row.get("ApiName") or row.get("MasterLabel") or "")
