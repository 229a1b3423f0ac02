"""The checker finds what is missing and what is double: one case for each way to be wrong."""

import random
from dataclasses import replace
from typing import Any

import pytest

from app.sync.model.batch import CHECKED_IN, REGISTERED
from app.sync.model.reference_tags import reference_tag
from chaos.checker import Findings, OrgState, check, check_jobs
from chaos.service_database import Grant, JobRow
from chaos.workload import OPENED_AT, Registrant, hosts_for, registrants_for, webhooks_for

ORG = "00D5g0000000001EAA"
GRANT = Grant({"org_id": ORG}, "7015g0000000001AAA")
OTTER = Registrant("reg_1", "host_0a", 0, "p1@org0.example", False, True, OPENED_AT)
BOTH = [OTTER.confirmed_id, OTTER.checked_in_id]
LEAD = {"Id": "00Q1", "Email": "P1@org0.example"}
MEMBER = {"Id": "00v1", "LeadId": "00Q1", "ContactId": None, "Status": "Responded"}


def task(slot: str) -> dict[str, Any]:
    return {"Description": f"Ref: {reference_tag('host_0a', ORG, 'reg_1', slot)}"}


RIGHT = OrgState([LEAD], [], [task(REGISTERED), task(CHECKED_IN)], [MEMBER])


def findings(state: OrgState, acked: list[str]) -> Findings:
    return check([OTTER], acked, orgs=[state], grants=[GRANT])


def test_what_exists_once_is_right() -> None:
    found = findings(RIGHT, BOTH)
    assert (found.acked, found.lost, found.duplicates) == (2, [], [])


@pytest.mark.parametrize(
    ("state", "lost", "duplicates"),
    [
        pytest.param(OrgState([], [], [], []), 4, 0, id="nothing"),
        pytest.param(replace(RIGHT, leads=[]), 2, 0, id="no person, so no member of theirs"),
        pytest.param(replace(RIGHT, tasks=[task(REGISTERED)]), 1, 0, id="no Task for the check-in"),
        pytest.param(replace(RIGHT, members=[]), 1, 0, id="no member"),
        pytest.param(
            replace(RIGHT, members=[{**MEMBER, "Status": "Sent"}]), 1, 0, id="attendance not written"
        ),
        pytest.param(replace(RIGHT, leads=[LEAD, {**LEAD, "Id": "00Q2"}]), 0, 1, id="two Leads"),
        pytest.param(replace(RIGHT, contacts=[{**LEAD, "Id": "0031"}]), 0, 1, id="a Lead beside a Contact"),
        pytest.param(replace(RIGHT, tasks=[*RIGHT.tasks, task(CHECKED_IN)]), 0, 1, id="two Tasks"),
        pytest.param(replace(RIGHT, members=[MEMBER, MEMBER]), 0, 1, id="two members"),
    ],
)
def test_damage_is_found(state: OrgState, lost: int, duplicates: int) -> None:
    found = findings(state, BOTH)
    assert (len(found.lost), len(found.duplicates)) == (lost, duplicates)


def test_what_was_never_acknowledged_may_exist_or_not_but_not_twice() -> None:
    assert findings(OrgState([], [], [], []), []).damage == 0
    assert findings(RIGHT, []).damage == 0
    assert findings(replace(RIGHT, leads=[LEAD, LEAD]), []).duplicates != []


def test_job_that_did_not_come_to_its_end_is_stuck() -> None:
    found = Findings()
    rows = {"reg_1": "synced", "reg_2": "ambiguous", "reg_3": "failed", "reg_4": "failed", "reg_5": "synced"}
    jobs = [JobRow("host_0a", number, state, None, 1.0) for number, state in rows.items()]
    check_jobs(jobs, frozenset({"reg_4", "reg_5"}), found)
    assert [line.split(":")[0] for line in found.stuck] == ["host_0a/reg_2", "host_0a/reg_3", "host_0a/reg_5"]


def test_one_seed_makes_one_crowd() -> None:
    def crowd(seed: int) -> list[Any]:
        chance = random.Random(seed)
        people = registrants_for(hosts_for(3), 40, chance)
        return [people, webhooks_for(people, chance)]

    assert crowd(1) == crowd(1)
    assert crowd(1) != crowd(2)
    people, webhooks = crowd(1)
    assert {one.confirmed_id for one in people} <= {webhook.webhook_id for webhook in webhooks}
    assert len({webhook.webhook_id: webhook.body for webhook in webhooks}) == len(set(webhooks))
