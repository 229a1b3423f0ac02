"""What became of registrations is found to be right, missing, doubled or another: one case for each."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.sync.model.reference_tags import reference_tag
from chaos.checker import Findings, OrgState
from chaos.life_checker import check_lives, statuses_of
from chaos.lives import HOUR, MOVED_TO, PLANNED_AT, End, HostEvent, Life, lives_for, waves_for
from chaos.service_database import Grant
from chaos.workload import OPENED_AT, Registrant, hosts_for, registrants_for

ORG = "00D5g0000000001EAA"
GRANT = Grant({"org_id": ORG}, "7015g0000000001AAA")
OTTER = Registrant("reg_1", "host_0a", 0, "p1@org0.example", True, False, OPENED_AT)
CALM = HostEvent("host_0a", is_moved=False, is_cancelled=False)
MISSED = Life(OTTER, CALM, None, None, End.NO_SHOW, ("sent", "opened"))
ALL = frozenset(MISSED.webhook_ids)


def described(slot: str) -> str:
    return f"Ref: {reference(slot)}"


def reference(slot: str) -> str:
    return reference_tag("host_0a", ORG, "reg_1", slot)


def event(**changes: Any) -> dict[str, Any]:
    return {
        "Description": described("calendar_event"),
        "Event_Status__c": "No-show",
        "StartDateTime": PLANNED_AT.isoformat(),
        "EndDateTime": (PLANNED_AT + HOUR).isoformat(),
        "WhoId": "0031",
        "WhatId": "5001",
        **changes,
    }


CASE = {"Id": "5001", "Description": described("case")}
SENT = {"MessageIdentifier": f"<{reference('email_sent:em_reg_1').lower()}@eventship>"}
OPENED = {"Description": described("email_opened:em_reg_1")}
RIGHT = OrgState([], [], [OPENED], [], [event()], [CASE], [SENT])


def damage(state: OrgState, acked: frozenset[str] = ALL) -> tuple[list[str], list[str]]:
    findings = Findings()
    check_lives([MISSED], acked, orgs=[state], grants=[GRANT], findings=findings)
    return findings.lost, findings.duplicates


def test_what_stands_once_as_it_ended_is_right() -> None:
    assert damage(RIGHT) == ([], [])


@pytest.mark.parametrize(
    ("state", "lost", "duplicates"),
    [
        pytest.param(replace(RIGHT, events=[]), 1, 0, id="no calendar Event"),
        pytest.param(replace(RIGHT, cases=[]), 2, 0, id="no Case, which the calendar Event then names not"),
        pytest.param(replace(RIGHT, events=[event(), event()]), 0, 1, id="two calendar Events"),
        pytest.param(replace(RIGHT, cases=[CASE, CASE]), 0, 1, id="two Cases"),
        pytest.param(replace(RIGHT, events=[event(Event_Status__c="Scheduled")]), 1, 0, id="another status"),
        pytest.param(
            replace(RIGHT, events=[event(StartDateTime=MOVED_TO.isoformat())]), 1, 0, id="other times"
        ),
        pytest.param(replace(RIGHT, emails=[]), 1, 0, id="no e-mail"),
        pytest.param(
            replace(RIGHT, tasks=[OPENED, {"Description": described("email_sent:em_reg_1")}]),
            0,
            1,
            id="an e-mail that became a Task as well",
        ),
        pytest.param(replace(RIGHT, tasks=[]), 1, 0, id="an opening that was not written"),
        pytest.param(replace(RIGHT, events=[event(WhatId=None)]), 1, 0, id="a Contact's without its Case"),
    ],
)
def test_damage_is_found(state: OrgState, lost: int, duplicates: int) -> None:
    found = damage(state)
    assert (len(found[0]), len(found[1])) == (lost, duplicates)


def test_what_was_not_acknowledged_may_be_missing_but_not_doubled() -> None:
    nothing = OrgState([], [], [], [])
    assert damage(nothing, frozenset()) == ([], [])
    assert damage(replace(RIGHT, events=[event(Event_Status__c="x")]), frozenset({OTTER.confirmed_id})) == (
        [],
        [],
    )
    assert len(damage(replace(RIGHT, events=[event(), event()]), frozenset())[1]) == 1


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "No-show"),
        ({"end": End.LATE}, "Completed"),
        ({"end": End.CANCELLED}, "Canceled"),
        ({"end": End.COMPLETED, "event": replace(CALM, is_cancelled=True)}, "Canceled"),
        ({"end": End.OPEN}, "Scheduled"),
        ({"end": End.OPEN, "moved_to": PLANNED_AT + timedelta(days=3)}, "Rescheduled"),
        ({"end": End.OPEN, "event": replace(CALM, is_moved=True)}, "Scheduled or Rescheduled"),
        ({"end": End.OPEN, "event": replace(CALM, is_moved=True), "slot": PLANNED_AT}, "Scheduled"),
    ],
)
def test_the_status_follows_from_what_happened(changes: dict[str, Any], status: str) -> None:
    assert " or ".join(statuses_of(replace(MISSED, **changes))) == status


def test_one_seed_makes_one_crowd_and_one_id_one_body() -> None:
    def waves(seed: int) -> list[Any]:
        chance = random.Random(seed)
        hosts = hosts_for(2)
        return waves_for(lives_for(registrants_for(hosts, 60, chance), hosts, chance), chance)

    assert waves(1) == waves(1)
    bodies: dict[str, set[bytes]] = {}
    for webhook in (each for wave in waves(1) for each in wave):
        bodies.setdefault(webhook.webhook_id, set()).add(webhook.body)
    assert {len(each) for each in bodies.values()} == {1}
    assert {each.rpartition("_")[2] for each in bodies} >= {
        "moved",
        "sent",
        "opened",
        "replied",
        "rescheduled",
    }
