"""The comparison passes for an org that is as expected, and for no other."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from devtools.demo.compare import OrgState, Verdict, judge, judge_leads, judge_rows, judge_warnings
from devtools.demo.scenario import NEW_LEAD, REGISTRANTS, SEEDED, TITLE, Registrant
from devtools.demo.simulator_client import Prepared

CAMPAIGN = "701000000000001AAA"
PREPARED = Prepared({seeded.key: f"id of {seeded.key}" for seeded in SEEDED}, CAMPAIGN)

Rows = list[dict[str, Any]]


def seeded_rows(sobject: str) -> Rows:
    return [
        {"Id": PREPARED.people[seeded.key], "Company": None, **seeded.fields}
        for seeded in SEEDED
        if (("Contact" if seeded.is_converted else seeded.sobject) == sobject)
    ]


BEFORE = OrgState(leads=seeded_rows("Lead"), contacts=seeded_rows("Contact"))


def person_id(one: Registrant) -> str:
    return f"id of {one.email}" if one.person == NEW_LEAD else PREPARED.people[one.person or ""]


def perfect() -> OrgState:
    """The org as it should look, made from the table without the judge's help."""
    written = [one for one in REGISTRANTS if one.person is not None]
    leads = {one.email: lead_of(one) for one in written if one.person == NEW_LEAD}
    people = {person_id(one): one for one in written}
    attended = {person_id(one) for one in written if one.checks_in}
    return OrgState(
        leads=[*BEFORE.leads, *leads.values()],
        contacts=BEFORE.contacts,
        tasks=[task for one in written for task in tasks_of(one)],
        members=[member_of(who, is_attended=who in attended) for who in people],
    )


def lead_of(one: Registrant) -> dict[str, Any]:
    return {
        "Id": person_id(one),
        "Email": one.email,
        "FirstName": one.first,
        "LastName": one.last,
        "Company": one.company,
        "LeadSource": "Eventship",
    }


def tasks_of(one: Registrant) -> Rows:
    facts = {"Registered": one.registered_at, "Checked-in": one.checked_in_at}
    return [
        {
            "Id": f"{kind} of {one.registration_id}",
            "WhoId": person_id(one),
            "Subject": f"{kind}: {TITLE}",
            # Nobody of the scenario registers or checks in between 22:00 and 24:00 UTC but those named below.
            "ActivityDate": (LATE_DAYS.get(one.number) if kind == "Registered" else None)
            or moment.date().isoformat(),
            "IsClosed": True,
        }
        for kind, moment in facts.items()
        if moment is not None
    ]


def berlin_is_a_day_ahead(one: Registrant) -> bool:
    return one.registered_at.hour == 23


LATE_DAYS = {
    one.number: f"2026-11-{one.registered_at.day + 1:02d}"
    for one in REGISTRANTS
    if berlin_is_a_day_ahead(one)
}


def member_of(who: str, *, is_attended: bool) -> dict[str, Any]:
    is_contact = who in {row["Id"] for row in BEFORE.contacts}
    return {
        "Id": f"member {who}",
        "CampaignId": CAMPAIGN,
        "LeadId": None if is_contact else who,
        "ContactId": who if is_contact else None,
        "Status": "Attended" if is_attended else "Registered",
    }


def judged(after: OrgState) -> Verdict:
    return judge(REGISTRANTS, PREPARED, before=BEFORE, after=after)


def test_an_org_as_expected_has_no_faults() -> None:
    verdict = judged(perfect())
    assert (verdict.faults, verdict.duplicates) == ([], 0)
    assert len(verdict.people) == len({one.person_key for one in REGISTRANTS if one.person is not None})


def test_somebody_registered_late_at_night_in_utc() -> None:
    assert LATE_DAYS


def without_last(rows: Any) -> Rows:
    return list(rows)[:-1]


def with_twin(rows: Any) -> Rows:
    return [*rows, {**list(rows)[-1], "Id": "a twin"}]


def with_last(rows: Any, **changes: Any) -> Rows:
    return [*list(rows)[:-1], {**list(rows)[-1], **changes}]


@pytest.mark.parametrize(
    ("break_it", "message", "duplicates"),
    [
        pytest.param(
            lambda o: replace(o, leads=without_last(o.leads)), "Lead: expected one, found 0", 0, id="no-lead"
        ),
        pytest.param(
            lambda o: replace(o, leads=with_twin(o.leads)), "Lead: expected one, found 2", 1, id="lead-twice"
        ),
        pytest.param(
            lambda o: replace(o, leads=with_last(o.leads, Company="X")), "Lead.Company", 0, id="company"
        ),
        pytest.param(
            lambda o: replace(o, leads=with_last(o.leads, LeadSource=None)), "Lead.LeadSource", 0, id="source"
        ),
        pytest.param(lambda o: replace(o, tasks=without_last(o.tasks)), ": Tasks", 0, id="no-task"),
        pytest.param(lambda o: replace(o, tasks=with_twin(o.tasks)), ": Tasks", 1, id="task-twice"),
        pytest.param(
            lambda o: replace(o, tasks=with_last(o.tasks, ActivityDate="2026-01-01")), ": Tasks", 1, id="day"
        ),
        pytest.param(
            lambda o: replace(o, tasks=with_last(o.tasks, IsClosed=False)), "open Tasks", 0, id="open-task"
        ),
        pytest.param(
            lambda o: replace(o, tasks=with_last(o.tasks, WhoId=None)),
            "Tasks that belong to nobody",
            0,
            id="orphan",
        ),
        pytest.param(
            lambda o: replace(o, members=without_last(o.members)),
            "CampaignMember: expected one",
            0,
            id="no-member",
        ),
        pytest.param(
            lambda o: replace(o, members=with_twin(o.members)),
            "CampaignMember: expected one",
            1,
            id="member-twice",
        ),
        pytest.param(
            lambda o: replace(o, members=with_last(o.members, Status="Sent")), "member status", 0, id="status"
        ),
        pytest.param(
            lambda o: replace(o, leads=[*o.leads, {"Id": "x", "Email": None}]),
            "Leads that belong to nobody",
            0,
            id="stray-lead",
        ),
        pytest.param(
            lambda o: replace(o, contacts=[*o.contacts, {"Id": "x", "Email": None}]),
            "Contacts that belong to nobody",
            0,
            id="stray-contact",
        ),
        pytest.param(
            lambda o: replace(o, accounts=[{"Id": "x"}]),
            "Accounts that belong to nobody",
            0,
            id="stray-account",
        ),
        pytest.param(
            lambda o: replace(o, contacts=[{**row, "LastName": "Renamed"} for row in o.contacts]),
            "who stood there before",
            0,
            id="renamed",
        ),
    ],
)
def test_a_broken_org_is_found_out(
    break_it: Callable[[OrgState], OrgState], message: str, duplicates: int
) -> None:
    verdict = judged(break_it(perfect()))
    assert any(message in fault for fault in verdict.faults)
    assert verdict.duplicates == duplicates


def row_of(one: Registrant) -> dict[str, Any]:
    return {
        "registration_id": one.registration_id,
        "state": "skipped" if one.outcome == "skipped" else "synced",
        "is_attended": one.checks_in,
        "person": None if one.person is None else {"id": person_id(one)},
    }


def faults_of(rows: Rows) -> list[str]:
    verdict = judged(perfect())
    judge_rows(REGISTRANTS, rows, verdict)
    return verdict.faults


def test_our_api_agrees_with_the_org() -> None:
    assert faults_of([row_of(one) for one in REGISTRANTS]) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"state": "pending"}, "state: expected synced, found pending", id="state"),
        pytest.param({"is_attended": False}, "attended: expected True", id="attended"),
        pytest.param({"person": {"id": "somebody else"}}, "found somebody else", id="person"),
        pytest.param({"person": None}, "found None", id="nobody"),
        pytest.param({"registration_id": "reg_9999"}, "does not list it", id="not-listed"),
    ],
)
def test_a_row_that_disagrees_with_the_org_is_found_out(change: dict[str, Any], message: str) -> None:
    first, *others = (row_of(one) for one in REGISTRANTS)
    (fault,) = faults_of([{**first, **change}, *others])
    assert message in fault


@pytest.mark.parametrize(
    ("warned", "is_right"),
    [
        pytest.param({"reg_2": "alert"}, True, id="as-expected"),
        pytest.param({}, False, id="none"),
        pytest.param({"reg_1": "alert", "reg_2": "alert"}, False, id="one-too-many"),
        pytest.param({"reg_2": "other"}, False, id="another"),
    ],
)
def test_rows_carry_the_warnings_of_the_org_and_no_others(warned: dict[str, str], is_right: bool) -> None:
    rows = [
        {"registration_id": each, "warnings": [{"code": warned[each]}] if each in warned else []}
        for each in ("reg_1", "reg_2")
    ]
    verdict = Verdict()
    judge_warnings({"reg_2": "alert"}, rows, verdict)
    assert (not verdict.faults) is is_right


@pytest.mark.parametrize(("state", "is_right"), [("Bayern", True), ("Hessen", False), (None, False)])
def test_a_lead_has_what_the_org_makes_of_the_answers(state: str | None, is_right: bool) -> None:
    rows: Rows = [
        {"registration_id": "reg_1", "person": {"id": "a"}},
        {"registration_id": "reg_2", "person": None},
    ]
    verdict = Verdict()
    judge_leads({"reg_1": {"State": "Bayern"}}, rows, [{"Id": "a", "State": state}], verdict)
    assert (not verdict.faults) is is_right
