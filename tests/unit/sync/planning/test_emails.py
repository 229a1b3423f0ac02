"""Which activities of e-mails are planned, as what, and what they hold."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.salesforce.describe import SObjectDescribe
from app.sync.model.batch import SlotKey, WriteToggles, WrittenSlot
from app.sync.model.decisions import PartEnded, Plan, joined
from app.sync.model.reference_tags import message_identifier, reference_of_message
from app.sync.model.work_item import PartEnd, PartEnding, WorkItem
from app.sync.model.write_settings import WriteSettings
from app.sync.planning.emails import plan_emails, wanted_emails
from app.sync.planning.person_ref import ExistingPerson
from tests.unit.sync.builders import described, field
from tests.unit.sync.planning.builders import (
    CLOCK,
    CONTACT,
    JUST_NOW,
    LEAD,
    LEAD_ID,
    LONG_AGO,
    NOW,
    batch,
    facts,
    item,
    lookup,
    slot,
    unchanged,
)

SENT = {"at": "2026-11-22T23:30:00+01:00", "subject": "See  you", "url": "https://e.example/m"}
OPENED, REPLIED = {"at": "2026-11-22T08:14:00Z"}, {"at": "2026-11-22T09:01:00Z", "snippet": "Yes!"}
ON = WriteToggles(email_sent=True, email_opened=True, email_replied=True)
KEYS = {name: SlotKey(name, "em_1") for name in ("email_sent", "email_opened", "email_replied")}
FIELDS = ("Status", "Incoming", "MessageDate", "FromAddress", "FromName", "FromId", "Subject", "TextBody")
ERROR = PartEnd(PartEnding.REFUSED, None)  # type: ignore[arg-type]


def org(*without: str, name: str = "EmailMessage", **changes: Any) -> dict[str, SObjectDescribe]:
    names = [each for each in (*FIELDS, "MessageIdentifier") if each not in without]
    email = replace(described(*(field(each) for each in names), name="EmailMessage"), **changes)
    subtype = field("TaskSubtype", "picklist", picklist_values=("Task", "Email"))
    return {"EmailMessage": email, "Task": described(subtype, name="Task")}


def emailed(
    emails: dict[str, Any] | None = None,
    slots: dict[SlotKey, WrittenSlot] | None = None,
    writes: WriteToggles = ON,
    **changes: Any,
) -> WorkItem:
    told = {"em_1": {"sent": SENT}} if emails is None else emails
    return item(slots=slots, emails=told, writes=writes, **changes)


def planned(one: WorkItem, person: ExistingPerson = LEAD, *, as_: str = "auto", **found: Any) -> Plan:
    settings = WriteSettings(email_as=as_)  # type: ignore[arg-type]
    result = lookup(**({"describes": org(), "closed_statuses": ("Erledigt",)} | found))
    return unchanged(
        lambda: joined(
            plan_emails(
                [one], {one.registration_id: person}, result, batch=batch(one, settings=settings), clock=CLOCK
            )
        ),
        one,
    )


def objects(plan: Plan) -> dict[str, str]:
    return {each.key.slot: each.record.sobject for each in plan.operations}


def ends(plan: Plan) -> dict[str, PartEnding]:
    parts = (each.end for each in plan.decisions if isinstance(each.end, PartEnded))
    return {each.key.slot: each.end.how for each in parts}


@pytest.mark.parametrize(
    ("as_", "found", "expected"),
    [
        pytest.param("auto", {}, "EmailMessage", id="the org takes them"),
        pytest.param("task", {}, "Task", id="the host wants Tasks"),
        pytest.param("email_message", {}, "EmailMessage", id="the host wants them"),
        pytest.param("auto", {"describes": {}}, "Task", id="hidden"),
        pytest.param("auto", {"describes": org(is_createable=False)}, "Task", id="not createable"),
        pytest.param("auto", {"describes": org("MessageIdentifier")}, "Task", id="without our key"),
        pytest.param("auto", {"has_refused_emails": True}, "Task", id="refused lately"),
        pytest.param("email_message", {"has_refused_emails": True}, "EmailMessage", id="wanted all the same"),
        pytest.param("email_message", {"describes": {}}, None, id="wanted, and hidden"),
    ],
)
def test_an_email_becomes_what_host_and_org_allow(
    as_: str, found: dict[str, Any], expected: str | None
) -> None:
    plan = planned(emailed(), as_=as_, **found)
    assert objects(plan) == ({"email_sent": expected} if expected else {})
    assert ends(plan) == ({} if expected else {"email_sent": PartEnding.FAILED})


@pytest.mark.parametrize(
    ("as_", "expected", "ended"),
    [("auto", {"email_sent": "Task"}, {}), ("email_message", {}, {"email_sent": PartEnding.FAILED})],
)
def test_what_the_org_refuses_becomes_a_task_unless_the_host_forbids_it(
    as_: str, expected: dict[str, str], ended: dict[str, PartEnding]
) -> None:
    refused = slot("failed", "EmailMessage", details={"dropped": ["Subject"]})
    one = emailed(slots={KEYS["email_sent"]: refused})._replace(part_ends={KEYS["email_sent"]: ERROR})
    plan = planned(one, as_=as_)
    assert (objects(plan), ends(plan)) == (expected, ended)
    assert all("Subject" in each.record.fields for each in plan.operations)


def test_a_sent_email_holds_subject_and_link_and_our_key() -> None:
    [operation] = planned(
        emailed(event={"organizer": {"name": "Olga", "email": "olga@otter.example"}})
    ).operations
    fields = dict(operation.record.fields)
    reference = operation.reference_tag or ""
    assert fields.pop("MessageIdentifier") == message_identifier(reference)
    assert reference_of_message(message_identifier(reference).upper()) == reference
    assert fields == {
        "Status": "3",
        "Incoming": False,
        "MessageDate": "2026-11-22T22:30:00Z",
        "FromAddress": "olga@otter.example",
        "FromName": "Olga",
        "ToIds": [LEAD_ID],
        "Subject": "See you",
        "TextBody": "https://e.example/m",
    }


@pytest.mark.parametrize(
    ("sender", "organizer", "expected"),
    [
        (
            {"name": "Acme", "email": "a@acme.example"},
            {"email": "o@otter.example"},
            ("a@acme.example", "Acme"),
        ),
        (None, {"name": "Olga", "email": "o@otter.example"}, ("o@otter.example", "Olga")),
        (None, {"email": "nobody"}, (None, None)),
        (None, {}, (None, None)),
    ],
    ids=["as told", "the organizer", "no address", "nobody"],
)
def test_the_sender_is_as_told_or_the_organizer_or_left_out(
    sender: Any, organizer: dict[str, str], expected: tuple[Any, Any]
) -> None:
    sent = SENT | ({"from": sender} if sender else {})
    [operation] = planned(emailed({"em_1": {"sent": sent}}, event={"organizer": organizer})).operations
    assert (operation.record.fields.get("FromAddress"), operation.record.fields.get("FromName")) == expected


@pytest.mark.parametrize(
    ("describes", "relation"),
    [(org(), {"FromId": CONTACT.id}), (org("FromId"), {"ToIds": [CONTACT.id]})],
    ids=["by its sender", "where that cannot be named"],
)
def test_a_reply_comes_from_its_person(
    describes: dict[str, SObjectDescribe], relation: dict[str, Any]
) -> None:
    [operation] = planned(emailed({"em_1": {"replied": REPLIED}}), CONTACT, describes=describes).operations
    fields = operation.record.fields
    assert (fields["Incoming"], fields["FromAddress"], fields["TextBody"]) == (
        True,
        "ada@river.example",
        "Yes!",
    )
    assert {name: fields[name] for name in ("FromId", "ToIds") if name in fields} == relation


def test_a_sender_that_was_refused_is_named_otherwise() -> None:
    refused = slot("failed", "EmailMessage", details={"dropped": ["FromId"]})
    one = emailed({"em_1": {"replied": REPLIED}}, {KEYS["email_replied"]: refused})
    [operation] = planned(one).operations
    assert "FromId" not in operation.record.fields
    assert operation.record.fields["ToIds"] == [LEAD_ID]


@pytest.mark.parametrize(
    ("told", "subjects"),
    [
        ({"sent": SENT}, {"email_sent": "Email: See you"}),
        (
            {"sent": SENT, "opened": OPENED},
            {"email_sent": "Email: See you", "email_opened": "Email opened: See you"},
        ),
        ({"opened": OPENED}, {"email_opened": "Email opened"}),
        ({"replied": REPLIED | {"subject": "Re: Hi"}}, {"email_replied": "Email replied: Re: Hi"}),
        ({"sent": SENT | {"subject": "x" * 300}}, {"email_sent": "Email: " + "x" * 248}),
    ],
    ids=["sent", "opened", "opened, subject not known", "replied", "cut"],
)
def test_as_tasks_their_subjects_say_what_happened(told: dict[str, Any], subjects: dict[str, str]) -> None:
    plan = planned(emailed({"em_1": told}), as_="task")
    assert {each.key.slot: each.record.fields["Subject"] for each in plan.operations} == subjects
    for each in plan.operations:
        fields = each.record.fields
        assert (fields["Status"], fields["WhoId"], "WhatId" in fields) == ("Erledigt", LEAD_ID, False)
        assert fields["Description"].endswith(f"\n\nRef: {each.reference_tag}")
        assert fields.get("TaskSubtype") == ("Email" if each.key.slot != "email_opened" else None)


def test_the_day_of_a_task_is_that_of_the_events_zone() -> None:
    [operation] = planned(
        emailed({"em_1": {"sent": SENT | {"at": "2026-11-22T23:30:00Z"}}}), as_="task"
    ).operations
    assert operation.record.fields["ActivityDate"] == "2026-11-23"


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        pytest.param({}, ["email_opened", "email_replied", "email_sent"], id="in the order of their times"),
        pytest.param({"writes": WriteToggles(email_opened=True)}, ["email_opened"], id="kinds that are on"),
        pytest.param({"writes": WriteToggles()}, [], id="all off"),
        pytest.param({"facts": facts(confirmed_at=None, status="pending")}, [], id="never confirmed"),
        pytest.param(
            {"slots": {SlotKey("former:email_sent", f"em_1:{LEAD_ID}"): slot("written", "EmailMessage")}},
            ["email_opened", "email_replied"],
            id="written for who held the ticket before",
        ),
    ],
)
def test_which_facts_are_wanted(changes: dict[str, Any], wanted: list[str]) -> None:
    told = {"em_1": {"sent": SENT, "opened": OPENED, "replied": REPLIED}}
    assert [each.slot for each in wanted_emails(emailed(told, **changes).job)] == wanted


LOST = {"attempt_started_at": LONG_AGO, "first_attempt_at": LONG_AGO, "reference": "EVS-ABCDEFGHIJKLMNOP"}


@pytest.mark.parametrize(
    ("before", "found", "expected"),
    [
        pytest.param(slot("written", "EmailMessage", sf_id="02s1"), {}, "nothing", id="stands"),
        pytest.param(slot("ambiguous", "EmailMessage", **LOST), {}, "again", id="looked for in vain"),
        pytest.param(
            slot("ambiguous", "EmailMessage", **LOST | {"attempt_started_at": JUST_NOW}),
            {},
            "wait",
            id="may land",
        ),
        pytest.param(
            slot("ambiguous", "EmailMessage", **LOST),
            {"recovered": {"EVS-ABCDEFGHIJKLMNOP": "02s1"}},
            "recovered",
            id="found",
        ),
        pytest.param(
            slot("ambiguous", "EmailMessage", **LOST), {"hides_emails": True}, "wait", id="not seen"
        ),
        pytest.param(slot("ambiguous", "EmailMessage", rounds=9, **LOST), {}, "failed", id="too often"),
        pytest.param(slot("failed", "EmailMessage"), {}, "again", id="failed in an earlier run"),
    ],
)
@pytest.mark.parametrize("is_on", [True, False], ids=["on", "switched off"])
def test_a_lost_answer_is_looked_up_before_anything_is_sent(
    before: WrittenSlot, found: dict[str, Any], expected: str, is_on: bool
) -> None:
    key = KEYS["email_sent"]
    writes = ON if is_on else WriteToggles()
    plan = planned(emailed({"em_1": {"sent": SENT}}, {key: before}, writes), **found)
    assert bool(plan.operations) == (expected == "again" and is_on)
    waits = [each.part_recheck_at for each in plan.decisions if each.part_recheck_at]
    slots = [each.slots[key] for each in plan.decisions if each.slots]
    match expected:
        case "wait":
            is_later = (is_on or not found) and waits and NOW <= waits[0] <= NOW + timedelta(hours=1)
            assert is_later or not is_on
        case "recovered":
            assert [(each.state, each.sf_id) for each in slots if each] == [("written", "02s1")]
        case "failed" if is_on:
            assert ends(plan) == {"email_sent": PartEnding.FAILED}
        case "nothing":
            assert plan == Plan()
    assert all(each.recheck_at is None for each in plan.decisions), "the row itself waits for nothing"


def test_a_part_that_ended_in_this_run_is_not_planned_once_more() -> None:
    for how in (PartEnding.FAILED, PartEnding.LATER):
        one = emailed()._replace(part_ends={KEYS["email_sent"]: PartEnd(how, ERROR.error)})
        assert planned(one).operations == ()
