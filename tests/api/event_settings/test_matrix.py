"""The matrix of a host's events: listed in few statements, changed many at once."""

from datetime import timedelta
from typing import Any

import pytest

from app.models import AuditEntry, Backfill, CampaignLink, Event, SyncJob
from tests.api.campaigns.test_before_connection import stats
from tests.api.conftest import Service
from tests.api.event_settings.test_event_settings import DEFAULTS, OF_HOST, OFF, found, save
from tests.factories import NOW, ORG_ID, connection_for
from tests.factories_events import event_for, job_for, registration_for
from tests.statements import statements_of
from tests.tokens import TokenMint

EVENTS = "/v1/hosts/host_a/salesforce/events"
CAMPAIGN_ID = "7015g000000LmNoAAK"


async def listed(service: Service, **query: Any) -> Any:
    answer = await service.http.get(EVENTS, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ids(service: Service, **query: Any) -> list[str]:
    return [row["event"]["id"] for row in (await listed(service, **query))["items"]]


async def change(service: Service, **body: Any) -> Any:
    answer = await service.http.put(EVENTS, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
async def host(service: Service) -> Service:
    """Four events of host_a, one of host_b; host_a is connected."""
    await save(
        service,
        connection_for(service.resources.vault),
        event_for(event_id="evt_1", title="100% Otters", starts_at=NOW),
        event_for(event_id="evt_2", title="Beavers", starts_at=NOW + timedelta(days=1), kind="webinar"),
        event_for(event_id="evt_3", title="Otter night", starts_at=NOW + timedelta(days=2)),
        event_for(event_id="evt_4", title="Any time", starts_at=None, kind="on_demand"),
        event_for(host_id="host_b", event_id="evt_5"),
    )
    return service


async def test_events_are_listed_newest_start_first_and_page_by_page(host: Service) -> None:
    assert await ids(host) == ["evt_3", "evt_2", "evt_1", "evt_4"]
    pages, cursor = [], None
    while True:
        page = await listed(host, limit=1, **({"cursor": cursor} if cursor else {}))
        pages += [row["event"]["id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert pages == ["evt_3", "evt_2", "evt_1", "evt_4"]
    answer = await host.http.get(EVENTS, params={"cursor": "otter"})
    assert (answer.status_code, answer.json()["code"]) == (400, "CursorInvalid")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({"q": "otter"}, ["evt_3", "evt_1"], id="part of the title, whatever the case"),
        pytest.param({"q": "0%"}, ["evt_1"], id="a sign that means more in SQL"),
        pytest.param({"kind": "webinar"}, ["evt_2"], id="kind"),
        pytest.param(
            {"from": (NOW + timedelta(days=1)).isoformat()}, ["evt_3", "evt_2"], id="from, included"
        ),
        pytest.param({"to": (NOW + timedelta(days=1)).isoformat()}, ["evt_1"], id="to, not included"),
    ],
)
async def test_events_are_filtered(host: Service, query: dict[str, str], expected: list[str]) -> None:
    assert await ids(host, **query) == expected


async def test_a_row_has_what_holds_and_the_counts_of_the_stats(host: Service) -> None:
    of_event = {"event_id": "evt_1"}
    await save(
        host,
        CampaignLink(
            host_id="host_a", event_id="evt_1", org_id=ORG_ID, state="linked", campaign_id=CAMPAIGN_ID,
            campaign_name="Otters", is_active=True, statuses={}, available_statuses=[], linked_by="user_17",
        ),
        *(registration_for(number, **of_event) for number in range(1, 6)),
        registration_for(6, checked_in_at=NOW, **of_event),
        registration_for(7, confirmed_at=None, status="pending", **of_event),
        registration_for(8, erased_at=NOW, **of_event),
        registration_for(9, event_id="evt_2"),
        job_for(1, state="pending", **of_event),
        job_for(2, state="failed", **of_event),
        job_for(3, state="skipped", skipped_because="no_email", **of_event),
        job_for(4, state="held", waiting_for="campaign", **of_event),
        job_for(6, state="synced", is_attended=True, **of_event),
        job_for(8, state="failed", **of_event),
    )  # fmt: skip
    await change(host, event_ids=["evt_1"], set={"writes": {"task": False}}, dry_run=False)
    rows = {row["event"]["id"]: row for row in (await listed(host))["items"]}
    assert rows["evt_1"]["event"]["title"] == "100% Otters"
    assert rows["evt_1"]["enabled"] == OF_HOST
    assert rows["evt_1"]["writes"] == DEFAULTS["writes"] | {"task": OFF}
    assert rows["evt_1"]["campaign"]["id"] == CAMPAIGN_ID
    assert rows["evt_2"]["campaign"] is None
    counts = (await stats(host, "evt_1"))["counts"]
    assert rows["evt_1"]["counts"] == {key: value for key, value in counts.items() if key != "checked_in"}
    assert rows["evt_1"]["counts"]["total"] == 7
    assert rows["evt_2"]["counts"]["total"] == 1


async def test_a_page_takes_as_many_statements_for_many_events_as_for_one(host: Service) -> None:
    with statements_of(*set(host.resources.database.engines)) as statements:
        await listed(host, limit=1)
        of_one = len(statements)
        assert 4 < of_one < 20
        await listed(host)
        assert len(statements) - of_one == of_one


async def test_a_dry_run_changes_nothing_and_is_what_happens_unless_said_otherwise(host: Service) -> None:
    answer = await change(host, filter={"q": "otter"}, set={"enabled": False})
    figures = {name: answer[name] for name in ("dry_run", "matched", "changed", "unchanged", "unknown")}
    assert figures == {"dry_run": True, "matched": 2, "changed": 2, "unchanged": 0, "unknown": 0}
    assert [(row["event"]["id"], row["enabled"]) for row in answer["sample"]] == [
        ("evt_3", OFF),
        ("evt_1", OFF),
    ]
    assert {event.is_enabled for event in await found(host, Event)} == {None}
    assert await found(host, AuditEntry) == []


@pytest.mark.parametrize(
    ("chosen", "off", "unknown"),
    [
        pytest.param({"event_ids": ["evt_1", "evt_5", "evt_none", "evt_1"]}, {"evt_1"}, 2, id="ids"),
        pytest.param({"filter": {"kind": "webinar"}}, {"evt_2"}, 0, id="filter"),
        pytest.param({"all": True}, {"evt_1", "evt_2", "evt_3", "evt_4"}, 0, id="all"),
    ],
)
async def test_many_events_are_changed_with_one_entry_in_the_log(
    host: Service, chosen: dict[str, Any], off: set[str], unknown: int
) -> None:
    body = {**chosen, "set": {"enabled": False}, "dry_run": False}
    answer = await change(host, **body)
    assert (answer["matched"], answer["changed"], answer["unknown"]) == (len(off), len(off), unknown)
    assert {event.event_id for event in await found(host, Event) if event.is_enabled is False} == off
    again = await change(host, **body)
    assert (again["changed"], again["unchanged"], again["sample"]) == (0, len(off), [])
    [entry] = await found(host, AuditEntry)
    assert (entry.action, entry.details["changed"]) == ("salesforce.events_settings_changed", len(off))
    assert entry.details["enabled"] is False


async def test_events_that_are_switched_on_together_get_a_backfill_each(host: Service) -> None:
    for number in (1, 2, 3):
        of_event = {"event_id": f"evt_{number}"}
        await save(host, registration_for(number, **of_event), job_for(number, state="pending", **of_event))
    await change(host, all=True, set={"enabled": False}, dry_run=False)
    assert {job.skipped_because for job in await found(host, SyncJob)} == {"switched_off"}
    await change(host, all=True, set={"enabled": None}, dry_run=False)
    backfills = {(each.event_id, each.reason, each.total) for each in await found(host, Backfill)}
    assert backfills == {(f"evt_{number}", "switched_on", 1) for number in (1, 2, 3)}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({}, "FilterEmpty", id="none"),
        pytest.param({"filter": {}}, "FilterEmpty", id="an empty filter"),
        pytest.param({"all": False}, "FilterEmpty", id="not all"),
        pytest.param({"all": True, "event_ids": ["evt_1"]}, "FilterEmpty", id="two"),
        pytest.param({"all": True, "set": {}}, "PayloadInvalid", id="nothing to set"),
        pytest.param({"event_ids": ["e"] * 501}, "PayloadInvalid", id="too many"),
        pytest.param({"all": True, "set": {"writes": {"fax": True}}}, "PayloadInvalid", id="unknown kind"),
    ],
)
async def test_a_change_says_which_events_and_what(host: Service, body: dict[str, Any], code: str) -> None:
    answer = await host.http.put(EVENTS, json={"set": {"enabled": False}, "dry_run": False, **body})
    assert answer.json()["code"] == code
    assert {event.is_enabled for event in await found(host, Event)} == {None}


async def test_members_read_and_strangers_find_nothing(host: Service, mint: TokenMint) -> None:
    member = mint.headers(hosts={"host_a": "member"})
    assert (await host.http.get(EVENTS, headers=member)).status_code == 200
    answer = await host.http.put(EVENTS, json={"all": True, "set": {"enabled": False}}, headers=member)
    assert (answer.status_code, answer.json()["code"]) == (403, "RoleInsufficient")
    stranger = mint.headers(hosts={"host_b": "owner"})
    assert (await host.http.get(EVENTS, headers=stranger)).status_code == 404
