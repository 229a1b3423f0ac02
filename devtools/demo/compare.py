"""Compares an org with what the scenario expects of it: nobody missing, nothing twice, nothing left over."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from devtools.demo.scenario import NEW_LEAD, SEEDED, TITLE, ZONE, Registrant
from devtools.demo.simulator_client import Prepared, SimulatorClient

Row = Mapping[str, Any]
REGISTERED, ATTENDED = "Registered", "Attended"
KEPT_FIELDS = ("FirstName", "LastName", "Email", "Company")


@dataclass(frozen=True)
class OrgState:
    """The rows of an org that the scenario touches or must not touch."""

    leads: Sequence[Row] = ()
    contacts: Sequence[Row] = ()
    accounts: Sequence[Row] = ()
    tasks: Sequence[Row] = ()
    members: Sequence[Row] = ()

    @classmethod
    def of(cls, org: SimulatorClient) -> "OrgState":
        names = ("Lead", "Contact", "Account", "Task", "CampaignMember")
        return cls(*(org.records(name) for name in names))

    @property
    def people(self) -> dict[str, Row]:
        return {row["Id"]: row for row in (*self.leads, *self.contacts)}


@dataclass
class Verdict:
    """What is wrong, in words; how many records stand twice; whom we found for each person key."""

    faults: list[str] = field(default_factory=list)
    duplicates: int = 0
    people: dict[str, str] = field(default_factory=dict)

    def expect(self, what: str, *, expected: object, found: object) -> None:
        if expected != found:
            self.faults.append(f"{what}: expected {expected}, found {found}")

    def expect_once(self, what: str, rows: Sequence[Row]) -> Row | None:
        """The only row; none is a fault, more are duplicates."""
        self.duplicates += max(0, len(rows) - 1)
        if len(rows) != 1:
            self.faults.append(f"{what}: expected one, found {len(rows)}")
        return rows[0] if rows else None


def judge(
    registrants: Iterable[Registrant], prepared: Prepared, *, before: OrgState, after: OrgState
) -> Verdict:
    """What the org looks like after everybody who can be written was written."""
    verdict = Verdict()
    written = [one for one in registrants if one.person is not None]
    for key in dict.fromkeys(one.person_key for one in written):
        own = [one for one in written if one.person_key == key]
        person = _person(own[0], prepared, before=before, after=after, verdict=verdict)
        if key is not None and person is not None:
            verdict.people[key] = person["Id"]
            _judge_tasks(own, person["Id"], after, verdict)
            _judge_member(own, person["Id"], prepared.campaign_id, after=after, verdict=verdict)
    _judge_leftovers(prepared, before=before, after=after, verdict=verdict)
    _judge_seeded(prepared, before=before, after=after, verdict=verdict)
    return verdict


def judge_rows(registrants: Iterable[Registrant], rows: Iterable[Row], verdict: Verdict) -> None:
    """Whether our own API says of each registration what the org says."""
    by_id = {row["registration_id"]: row for row in rows}
    for one in registrants:
        row = by_id.get(one.registration_id)
        if row is None:
            verdict.faults.append(f"{_called(one)}: our API does not list it")
            continue
        is_skipped = one.outcome == "skipped"
        verdict.expect(
            f"{_called(one)}: state", expected="skipped" if is_skipped else "synced", found=row["state"]
        )
        verdict.expect(f"{_called(one)}: attended", expected=one.checks_in, found=row["is_attended"])
        expected = verdict.people.get(one.person_key or "")
        verdict.expect(f"{_called(one)}: person", expected=expected, found=(row["person"] or {}).get("id"))


def judge_warnings(expected: Mapping[str, str], rows: Iterable[Row], verdict: Verdict) -> None:
    """Whether these registrations, and no others, carry the warnings that the org's rules lead to."""
    found = {row["registration_id"]: each["code"] for row in rows for each in row["warnings"]}
    found = {name: code for name, code in found.items() if code in expected.values()}
    verdict.expect("warnings", expected=dict(expected), found=found)


def judge_leads(
    expected: Mapping[str, Mapping[str, object]],
    rows: Iterable[Row],
    leads: Iterable[Row],
    verdict: Verdict,
) -> None:
    """Whether the Leads of these registrations have the fields that the org's lists make of the answers."""
    by_id = {lead["Id"]: lead for lead in leads}
    for row in rows:
        wanted = expected.get(row["registration_id"])
        if wanted is not None:
            lead = by_id.get((row["person"] or {}).get("id"), {})
            found = {name: lead.get(name) for name in wanted}
            verdict.expect(f"{row['registration_id']}: Lead", expected=dict(wanted), found=found)


def _person(
    one: Registrant, prepared: Prepared, *, before: OrgState, after: OrgState, verdict: Verdict
) -> Row | None:
    if one.person != NEW_LEAD:
        found = after.people.get(prepared.people[one.person or ""])
        return verdict.expect_once(f"{_called(one)}: person", [found] if found else [])
    same = [row for row in after.leads if row["Id"] not in before.people and row["Email"] == one.email]
    lead = verdict.expect_once(f"{_called(one)}: Lead", same)
    if lead is not None:
        wanted = {"FirstName": one.first, "LastName": one.last, "Company": one.company}
        for name, value in (wanted | {"LeadSource": "Eventship"}).items():
            verdict.expect(f"{_called(one)}: Lead.{name}", expected=value, found=lead[name])
    return lead


def _judge_tasks(own: Sequence[Registrant], person_id: str, after: OrgState, verdict: Verdict) -> None:
    expected = Counter((f"Registered: {TITLE}", _day(one.registered_at)) for one in own)
    expected += Counter(
        (f"Checked-in: {TITLE}", _day(one.checked_in_at)) for one in own if one.checked_in_at is not None
    )
    tasks = [row for row in after.tasks if row["WhoId"] == person_id]
    found = Counter((row["Subject"], row["ActivityDate"]) for row in tasks)
    verdict.duplicates += (found - expected).total()
    verdict.expect(f"{_called(own[0])}: Tasks", expected=dict(expected), found=dict(found))
    undone = [row["Id"] for row in tasks if not row["IsClosed"]]
    verdict.expect(f"{_called(own[0])}: open Tasks", expected=[], found=undone)


def _judge_member(
    own: Sequence[Registrant], person_id: str, campaign_id: str, *, after: OrgState, verdict: Verdict
) -> None:
    members = [
        row
        for row in after.members
        if row["CampaignId"] == campaign_id and person_id in (row["LeadId"], row["ContactId"])
    ]
    member = verdict.expect_once(f"{_called(own[0])}: CampaignMember", members)
    if member is not None:
        status = ATTENDED if any(one.checks_in for one in own) else REGISTERED
        verdict.expect(f"{_called(own[0])}: member status", expected=status, found=member["Status"])


def _judge_leftovers(prepared: Prepared, *, before: OrgState, after: OrgState, verdict: Verdict) -> None:
    known = set(verdict.people.values())
    invited = {row["Id"] for row in before.members}
    strangers = {
        "Lead": [row["Id"] for row in after.leads if row["Id"] not in before.people.keys() | known],
        "Contact": [row["Id"] for row in after.contacts if row["Id"] not in before.people],
        "Account": [row["Id"] for row in after.accounts if row not in before.accounts],
        "Task": [row["Id"] for row in after.tasks if row["WhoId"] not in known],
        "CampaignMember": [
            row["Id"]
            for row in after.members
            if row["Id"] not in invited and not known & {row["LeadId"], row["ContactId"]}
        ],
    }
    for sobject, ids in strangers.items():
        verdict.expect(f"{sobject}s that belong to nobody", expected=[], found=ids)


def _judge_seeded(prepared: Prepared, *, before: OrgState, after: OrgState, verdict: Verdict) -> None:
    for seeded in SEEDED:
        person_id = prepared.people[seeded.key]
        was, found = (_kept(state.people.get(person_id)) for state in (before, after))
        verdict.expect(f"{seeded.key}, who stood there before", expected=was, found=found)


def _kept(row: Row | None) -> dict[str, Any] | None:
    return None if row is None else {name: row[name] for name in KEPT_FIELDS if name in row}


def _day(moment: datetime) -> str:
    return moment.astimezone(ZoneInfo(ZONE)).date().isoformat()


def _called(one: Registrant) -> str:
    return f"{one.registration_id} ({one.case})"
