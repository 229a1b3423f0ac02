"""What the state file keeps, and what the store undoes."""

from pathlib import Path

from salesforce_simulator.app import create_app
from support.client import OrgClient, SetClock, open_client


async def closed(client: OrgClient) -> None:
    await client.http.aclose()
    client.app.simulator.journal.close()


async def test_everything_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    first = open_client(create_app(path, clock=SetClock()))
    session = await first.sign_in()
    lead_id = await first.lead(Email="jane@example.com")
    await first.configure(
        extra_fields={"Lead": ["Badge__c | string(10) | CUN"]}, api_limit={"used": 70}, rotation=True
    )
    await first.data("PATCH", f"/sobjects/Lead/{lead_id}", {"Badge__c": "B-1"})
    await closed(first)

    second = open_client(create_app(path, clock=SetClock()))
    assert await second.sign_in() == session
    (row,) = await second.rows("SELECT Id, Badge__c FROM Lead WHERE Email = 'jane@example.com'")
    assert (row["Id"], row["Badge__c"]) == (lead_id, "B-1")
    assert await second.lead() > lead_id
    config = await second.door("GET", "config")
    assert (config["rotation"], config["api_limit"]["used"]) == (True, 73)
    assert (await second.door("GET", "calls"))["total"] == 4
    await second.door("POST", "reset")
    await closed(second)

    third = open_client(create_app(path, clock=SetClock()))
    assert (await third.door("GET", "records/Lead"))["totalSize"] == 0
    await closed(third)


async def test_emails_cases_and_events_are_there_again(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    first = open_client(create_app(path, clock=SetClock()))
    await first.sign_in()
    lead_id, case_id = await first.lead(), await first.create("Case", Subject="Meeting")
    draft_id = await first.create("EmailMessage", ParentId=case_id, Status="5", ToIds=[lead_id])
    event_id = await first.create("Event", StartDateTime="2026-11-24T09:00:00Z", DurationInMinutes=30)
    await first.configure(has_case=False, auto_response_rules=[{}])
    await closed(first)

    second = open_client(create_app(path, clock=SetClock()))
    await second.sign_in()
    assert (await second.data("GET", f"/sobjects/Case/{case_id}")).status_code == 404
    await second.configure(has_case=True)
    assert (await second.get("Case", case_id))["CaseNumber"] == "00001001"
    (row,) = await second.rows(f"SELECT ToIds FROM EmailMessage WHERE Id = '{draft_id}'")
    assert row["ToIds"] == [lead_id]
    changed = await second.data("PATCH", f"/sobjects/EmailMessage/{draft_id}", {"ToIds": []})
    assert changed.status_code == 204
    assert await second.rows("SELECT Id FROM EmailMessageRelation") == []
    assert (await second.get("Event", event_id))["EndDateTime"] == "2026-11-24T09:30:00.000+0000"
    await closed(second)


async def test_an_undone_change_leaves_indexes_as_they_were(org: OrgClient) -> None:
    lead_id = await org.lead(Email="old@example.com", External_Id__c="e-1")
    rows = [
        {"attributes": {"type": "Lead"}, "id": lead_id, "Email": "new@example.com"},
        {"attributes": {"type": "Lead"}, "id": lead_id, "Email": "broken"},
    ]
    await org.data("PATCH", "/composite/sobjects", {"allOrNone": True, "records": rows})
    assert len(await org.rows("SELECT Id FROM Lead WHERE Email = 'old@example.com'")) == 1
    assert await org.rows("SELECT Id FROM Lead WHERE Email = 'new@example.com'") == []


async def test_the_lifespan_closes_the_journal(tmp_path: Path) -> None:
    app = create_app(tmp_path / "state.sqlite")
    sent: list[str] = []
    events = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> dict[str, str]:
        return {"type": next(events)}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
