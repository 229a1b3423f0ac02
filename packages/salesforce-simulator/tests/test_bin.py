"""The recycle bin: deleted rows are seen by queryAll until it is emptied, by somebody or by time."""

from pathlib import Path

import pytest

from salesforce_simulator.app import create_app
from support.client import OrgClient, SetClock, open_client


async def deleted_lead(org: OrgClient) -> str:
    lead_id = await org.lead(Email="gone@example.com")
    assert (await org.data("DELETE", f"/sobjects/Lead/{lead_id}")).status_code == 204
    return lead_id


async def seen(org: OrgClient) -> list[str]:
    return [row["Id"] for row in await org.rows("SELECT Id FROM Lead", "queryAll")]


async def test_an_emptied_bin_leaves_nothing_but_the_living(org: OrgClient) -> None:
    lead_id, living = await deleted_lead(org), await org.lead()
    task = await org.create("Task", WhoId=living)
    assert (await org.data("PATCH", f"/sobjects/Lead/{lead_id}", {"Title": "CTO"})).status_code == 404
    assert await seen(org) == [lead_id, living]

    assert await org.door("POST", "empty-bin") == {"emptied": 1}

    assert await seen(org) == [living]
    answer = await org.data("GET", f"/sobjects/Lead/{lead_id}")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    answer = await org.data("PATCH", f"/sobjects/Task/{task}", {"WhoId": lead_id})
    assert answer.json()[0]["errorCode"] == "INVALID_CROSS_REFERENCE_KEY"
    assert await org.door("POST", "empty-bin") == {"emptied": 0}


@pytest.mark.parametrize(("days", "count"), [(14, 1), (16, 0)])
async def test_rows_are_gone_after_15_days(org: OrgClient, days: int, count: int) -> None:
    await deleted_lead(org)
    org.clock.advance(days=days)
    assert len(await seen(org)) == count


async def test_a_row_that_was_not_deleted_after_all_stays(org: OrgClient) -> None:
    campaign = await org.create("Campaign", Name="Fair")
    parts = [
        {"method": "DELETE", "url": f"{org.root}/sobjects/Campaign/{campaign}", "referenceId": "gone"},
        {"method": "POST", "url": f"{org.root}/sobjects/Lead", "body": {}, "referenceId": "bad"},
    ]
    await org.data("POST", "/composite", {"allOrNone": True, "compositeRequest": parts})
    assert await org.door("POST", "empty-bin") == {"emptied": 0}
    assert [row["Id"] for row in await org.rows("SELECT Id FROM Campaign")] == [campaign]


async def test_what_is_gone_does_not_come_back_with_the_state_file(tmp_path: Path) -> None:
    path, clock = tmp_path / "state.sqlite", SetClock()
    first = open_client(create_app(path, clock=clock), clock)
    await first.sign_in()
    await deleted_lead(first)
    clock.advance(days=1)
    kept = await deleted_lead(first)
    clock.advance(days=14, hours=1)
    assert await seen(first) == [kept]
    await first.http.aclose()
    first.app.simulator.journal.close()

    second = open_client(create_app(path, clock=clock), clock)
    await second.sign_in()
    assert await seen(second) == [kept]
    assert await second.door("POST", "empty-bin") == {"emptied": 1}
    await second.http.aclose()
    second.app.simulator.journal.close()
