"""What one attendee brings must not keep Salesforce from answering for all the others."""

import uuid
from dataclasses import replace
from urllib.parse import unquote

import pytest

from app.sync.lookup.queries import LookupRequest, build_lookup_queries
from app.sync.lookup.requirements import LookupRequirements
from tests.integration.sync.conftest import Rig
from tests.integration.sync.test_external_ids import KEY
from tests.unit.sync.builders import described, field

SOQL_LENGTH = 100_000
ASKED_BY_ANSWER = {"match_by": {"field": "Legacy_Id__c", "from": "answers.no"}}


async def test_an_external_id_that_no_field_holds_is_not_looked_for(rig: Rig) -> None:
    await rig.org.configure(extra_fields={"Lead": [KEY], "Contact": [KEY]})
    await rig.choose(people=ASKED_BY_ANSWER)
    await rig.registered(1)
    await rig.registered(2, answers=[{"key": "no", "value": "x" * 110_000}])
    await rig.drain()
    assert await rig.states() == {"reg_00001": "synced", "reg_00002": "synced"}


@pytest.mark.parametrize("count", [1, 1000])
@pytest.mark.parametrize("extra", [0, 800])
def test_no_query_is_longer_than_soql_may_be(count: int, extra: int) -> None:
    key = field("Legacy_Id__c", length=255)
    describes = {name: described(key, name=name) for name in ("Lead", "Contact")}
    emails = [f"firstname.o'lastname{number:04}@example-company.com" for number in range(count)]
    names = tuple(f"Field_with_a_name_that_is_as_long_{number:03}__c" for number in range(extra))
    keys = tuple(f"per_{uuid.UUID(int=number)}'{'x' * 200}" for number in range(count))
    requirements = LookupRequirements(
        describes,
        dict.fromkeys(("Lead", "Contact", "CampaignMember"), names),
        {"Legacy_Id__c": keys},
    )
    ids = [f"00Q5g0000000{number:03}EAA".ljust(18, "A") for number in range(count)]
    campaigns = [f"7015g0000000{number:03}AAA" for number in range(min(count, 999))]
    lookup_request = LookupRequest(emails, ids, campaigns, requirements)
    requests = [each.request(api_version="62.0") for each in build_lookup_queries(lookup_request)]
    soqls = [unquote(each.url.partition("?q=")[2]) for each in requests]
    assert max(map(len, soqls)) <= SOQL_LENGTH
    leads = "\n".join(soql for soql in soqls if " FROM Lead " in soql)
    assert all(value.replace("'", "\\'") in leads for value in (*emails, *ids, *keys))


def test_lists_that_fit_are_asked_for_in_one_query_of_each_object() -> None:
    describes = {name: described(field("Legacy_Id__c", length=40), name=name) for name in ("Lead", "Contact")}
    requirements = LookupRequirements(describes, external_ids={"Legacy_Id__c": ("per_51",)})
    lookup_request = LookupRequest(
        ["a@example.com"], ["00Q5g00000000001AA"], ["7015g00000000001AA"], requirements
    )
    names = [each.reference_id for each in build_lookup_queries(lookup_request)]
    assert names == [
        "peopleContact0",
        "membersContact0",
        "peopleLead0",
        "membersLead0",
        "statuses",
        "TaskStatus",
    ]
    only_keys = replace(lookup_request, emails=[], ids=[], campaigns=[])
    names = [each.reference_id for each in build_lookup_queries(only_keys)]
    assert names == ["peopleContact0", "peopleLead0", "TaskStatus"]


@pytest.mark.parametrize(
    ("code", "state"),
    [
        pytest.param("MALFORMED_QUERY", "failed", id="malformed"),
        pytest.param("INVALID_QUERY_FILTER_OPERATOR", "failed", id="an operand that is none"),
        pytest.param("QUERY_TOO_COMPLICATED", "pending", id="too complicated, maybe for now"),
    ],
)
async def test_a_query_that_is_refused_stops_only_the_row_that_it_fails_for(
    rig: Rig, code: str, state: str
) -> None:
    for number in range(1, 8):
        await rig.registered(number)
    await refuse_queries(rig, "otter5(@|%40)", code)
    await rig.drain()
    states = await rig.states()
    assert states.pop("reg_00005") == state
    assert set(states.values()) == {"synced"}
    assert len(await rig.records("Lead")) == 6
    job = await rig.job("reg_00005")
    assert (job.attempts, (job.error or {}).get("error_code")) == (1, code)


async def test_a_row_whose_query_was_refused_is_written_when_it_is_retried(rig: Rig) -> None:
    await rig.registered(1)
    await refuse_queries(rig, "otter1(@|%40)", "MALFORMED_QUERY")
    await rig.drain()
    await rig.org.control.delete("/faults")
    await rig.requeue("reg_00001", reason="retry")
    await rig.drain()
    assert await rig.states() == {"reg_00001": "synced"}


async def test_a_company_whose_query_is_refused_stops_only_its_own_people(rig: Rig) -> None:
    await rig.choose(people={"create": "contact"})
    for number, company in enumerate(["River", "Bank", "Delta", "Bank"], start=1):
        email = f"otter{number}@example.com"
        await rig.registered(number, attendee={"email": email, "name": "Otter", "company": company})
    await refuse_queries(rig, "FROM(%20| )Account.*Bank", "MALFORMED_QUERY")
    await rig.drain()
    states = await rig.states()
    assert [states[f"reg_0000{number}"] for number in (1, 2, 3, 4)] == [
        "synced",
        "failed",
        "synced",
        "failed",
    ]
    assert sorted(account["Name"] for account in await rig.records("Account")) == ["Delta", "River"]


async def refuse_queries(rig: Rig, body: str, code: str) -> None:
    await rig.org.fault(
        "error",
        match={"body": body, "is_write": False},
        status=400,
        error_code=code,
        message="No",
        count=None,
    )
