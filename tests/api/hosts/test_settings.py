"""A host's settings: shown whole, changed in parts, applied and logged."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import BACKFILL, AuditEntry, Connection, Host, Preflight, SyncJob
from tests.api.service import caller, running
from tests.factories import NOW, connection_for
from tests.factories_events import event_for, job_for, registration_for
from tests.tokens import TokenMint

PATH = "/v1/hosts/host_a/salesforce/settings"
AUDIT = "/v1/hosts/host_a/salesforce/audit"
ROW = "/v1/hosts/host_a/events/evt_otters/salesforce/registrations/reg_00001"
DEFAULTS: dict[str, Any] = {
    "exclusions": {"domains": [], "addresses": [], "ticket_kinds": []},
    "writes": {
        "person": True,
        "task": True,
        "member": True,
        "calendar_event": False,
        "case": False,
        "email_sent": False,
        "email_opened": False,
        "email_replied": False,
    },
    "task": {"owner": "connected_user"},
    "calendar_event": {
        "kinds": ["meeting"],
        "show_as": "busy",
        "owner": "connected_user",
        "default_minutes": 60,
    },
    "case": {"kinds": ["meeting"], "origin": "Web", "close_when_completed": False},
    "email": {"as": "auto"},
    "general_links": "as_mapping",
    "cap_percent": 80,
    "automatic_campaigns": False,
    "new_events": "sync",
    "personal_data_months": 0,
}


@pytest.fixture
async def http(
    settings: Settings, database: Database, mint: TokenMint, vault: Encryptor
) -> AsyncIterator[httpx.AsyncClient]:
    async with database.system() as session:
        session.add_all((connection_for(vault), event_for(), registration_for(1), registration_for(2)))
    async with running(settings) as app, caller(app, mint.headers(hosts={"host_a": "owner"})) as http:
        yield http


async def save(database: Database, *rows: Any) -> None:
    async with database.system() as session:
        session.add_all(rows)


async def the(database: Database, table: Any, *key: Any) -> Any:
    async with database.system() as session:
        return await session.get_one(table, key if len(key) > 1 else key[0])


async def test_a_host_that_chose_nothing_has_the_defaults(http: httpx.AsyncClient) -> None:
    answer = await http.get(PATH)
    assert (answer.status_code, answer.json()) == (200, DEFAULTS)
    assert answer.headers["cache-control"] == "no-store"


async def test_only_what_is_given_changes(http: httpx.AsyncClient) -> None:
    exclusions = {"domains": ["@Otter.example ", "otter.example"], "addresses": [" Test@Else.example"]}
    assert (await http.put(PATH, json={"exclusions": exclusions})).status_code == 200
    answer = await http.put(PATH, json={"cap_percent": 60, "writes": {"task": False}})
    expected = DEFAULTS | {
        "exclusions": {"domains": ["otter.example"], "addresses": ["test@else.example"], "ticket_kinds": []},
        "cap_percent": 60,
        "writes": DEFAULTS["writes"] | {"task": False},
    }
    assert answer.json() == expected == (await http.get(PATH)).json()


async def test_of_the_settings_of_a_kind_only_what_is_given_changes(http: httpx.AsyncClient) -> None:
    wish = {"kinds": [" Webinar", "meeting", "webinar"], "show_as": "free"}
    assert (await http.put(PATH, json={"calendar_event": wish})).status_code == 200
    answer = await http.put(
        PATH,
        json={"calendar_event": {"default_minutes": 45}, "email": {"as": "task"}, "general_links": "lead"},
    )
    expected = DEFAULTS | {
        "calendar_event": {
            "kinds": ["meeting", "webinar"],
            "show_as": "free",
            "owner": "connected_user",
            "default_minutes": 45,
        },
        "email": {"as": "task"},
        "general_links": "lead",
    }
    assert answer.json() == expected == (await http.get(PATH)).json()
    details = (await http.get(AUDIT)).json()["items"][0]["details"]
    assert details["email"] == {"as": "task"}


@pytest.mark.parametrize(
    "wish",
    [
        pytest.param({"calendar_event": {"default_minutes": 0}}, id="an Event without length"),
        pytest.param({"calendar_event": {"default_minutes": 1441}}, id="an Event longer than a day"),
        pytest.param({"calendar_event": {"show_as": "Busy"}}, id="as Salesforce writes it"),
        pytest.param({"case": {"origin": " "}}, id="no origin"),
        pytest.param({"email": {"as": "event"}}, id="an e-mail as a calendar Event"),
        pytest.param({"task": {"owner": "queue"}}, id="a queue for an owner"),
        pytest.param({"general_links": "person_account"}, id="not a choice of general links"),
        pytest.param({"cap_percent": 0}, id="no calls at all"),
        pytest.param({"cap_percent": 101}, id="more than all"),
        pytest.param({"exclusions": {"domains": ["a@b.example"]}}, id="an address for a domain"),
        pytest.param({"exclusions": {"addresses": ["nobody"]}}, id="no address"),
        pytest.param(
            {"exclusions": {"addresses": ["\u200b@otter.example"]}}, id="nothing visible before the @"
        ),
        pytest.param({"exclusions": {"domains": ["\u200b.example"]}}, id="nothing visible before the dot"),
        pytest.param({"exclusions": {"ticket_kinds": ["\u0130" * 64]}}, id="too long in lower case"),
        pytest.param({"exclusion": {}}, id="unknown member"),
        pytest.param({"automatic_campaigns": "yes"}, id="text for a boolean"),
    ],
)
async def test_impossible_settings_are_refused(http: httpx.AsyncClient, wish: Any) -> None:
    answer = await http.put(PATH, json=wish)
    assert (answer.status_code, answer.json()["code"]) == (422, "PayloadInvalid")
    assert (await http.get(PATH)).json() == DEFAULTS


async def test_changes_are_audited_without_addresses(http: httpx.AsyncClient) -> None:
    await http.put(PATH, json={"exclusions": {"addresses": ["test@else.example"]}, "cap_percent": 50})
    await http.put(PATH, json={"cap_percent": 50})
    answer = (await http.get(AUDIT)).json()
    assert [entry["action"] for entry in answer["items"]] == ["salesforce.settings_changed"]
    assert answer["items"][0]["details"] == {
        "changed": ["cap_percent", "exclusions"],
        "cap_percent": 50,
        "excluded": {"addresses": 1},
    }


async def test_a_new_cap_opens_the_gate_for_another_look(http: httpx.AsyncClient, database: Database) -> None:
    async with database.system() as session:
        (await session.get_one(Connection, "host_a")).api_closed_until = NOW + timedelta(days=9999)
    await http.put(PATH, json={"cap_percent": 95})
    assert (await the(database, Connection, "host_a")).api_closed_until is None


async def test_changed_exclusions_give_the_excluded_another_turn(
    http: httpx.AsyncClient, database: Database
) -> None:
    await save(
        database,
        job_for(1, state="skipped", skipped_because="excluded", priority=0),
        job_for(2, state="skipped", skipped_because="no_email"),
    )
    await http.put(PATH, json={"exclusions": {"domains": ["otter.example"]}})
    released = await the(database, SyncJob, "host_a", "reg_00001")
    assert (released.state, released.priority, released.requested_version) == ("pending", BACKFILL, 2)
    assert (await the(database, SyncJob, "host_a", "reg_00002")).state == "skipped"


async def test_settings_of_other_parts_are_kept(http: httpx.AsyncClient, database: Database) -> None:
    await save(database, Host(host_id="host_a", settings={"mapping": {"Lead": "kept"}}))
    await http.put(PATH, json={"automatic_campaigns": True})
    host = await the(database, Host, "host_a")
    assert host.settings["mapping"] == {"Lead": "kept"}
    assert host.settings["automatic_campaigns_since"] is not None
    await http.put(PATH, json={"automatic_campaigns": False})
    assert (await the(database, Host, "host_a")).settings["automatic_campaigns_since"] is None


@pytest.mark.parametrize("state", ["pending", "failed"])
async def test_excluded_registration_is_never_written_until_it_is_included(
    http: httpx.AsyncClient, database: Database, state: str
) -> None:
    await save(database, job_for(1, state=state))
    row = (await http.post(f"{ROW}/exclude")).json()
    assert (row["state"], row["skipped_because"]) == ("skipped", "excluded")
    assert (await http.post(f"{ROW}/exclude")).status_code == 200
    row = (await http.post(f"{ROW}/include")).json()
    assert row["state"] == "pending"
    entries = (await http.get(AUDIT)).json()["items"]
    assert [entry["action"] for entry in entries] == [
        "salesforce.registration_included",
        "salesforce.registration_excluded",
    ]
    excluded = {"action": "salesforce.registration_excluded"}
    for query, count in ((excluded, 1), (excluded | {"actor": "nobody"}, 0), ({"actor": "user_17"}, 2)):
        assert len((await http.get(AUDIT, params=query)).json()["items"]) == count, query


@pytest.mark.parametrize(("state", "raised"), [("running", 1), ("ambiguous", 1), ("synced", 0)])
async def test_what_is_on_its_way_or_written_is_not_taken_back(
    http: httpx.AsyncClient, database: Database, state: str, raised: int
) -> None:
    await save(database, job_for(1, state=state))
    await http.post(f"{ROW}/exclude")
    job = await the(database, SyncJob, "host_a", "reg_00001")
    assert (job.state, job.requested_version) == (state, 1 + raised)


async def test_unknown_registration_cannot_be_excluded(http: httpx.AsyncClient) -> None:
    for path in (ROW.replace("00001", "00009"), ROW.replace("evt_otters", "evt_other")):
        answer = await http.post(f"{path}/exclude")
        assert (answer.status_code, answer.json()["code"]) == (404, "RegistrationNotFound")


async def test_audit_log_is_paged_newest_first(http: httpx.AsyncClient, database: Database) -> None:
    for cap in (50, 51, 52):
        await http.put(PATH, json={"cap_percent": cap})
    first = (await http.get(f"{AUDIT}?limit=2")).json()
    second = (await http.get(f"{AUDIT}?limit=2&cursor={first['next_cursor']}")).json()
    assert [entry["seq"] for entry in first["items"] + second["items"]] == [3, 2, 1]
    assert second["next_cursor"] is None
    async with database.system() as session:
        assert len((await session.scalars(select(AuditEntry))).all()) == 3


@pytest.mark.parametrize("cursor", ["x", "WyJhdWRpdCIsIngiXQ"])
async def test_made_up_cursors_are_refused(http: httpx.AsyncClient, cursor: str) -> None:
    answer = await http.get(f"{AUDIT}?cursor={cursor}")
    assert (answer.status_code, answer.json()["code"]) == (400, "CursorInvalid")


async def test_members_read_and_change_nothing(http: httpx.AsyncClient, mint: TokenMint) -> None:
    member = mint.headers(hosts={"host_a": "member"})
    assert (await http.get(PATH, headers=member)).status_code == 200
    assert (await http.get(AUDIT, headers=member)).status_code == 200
    for method, path in (("PUT", PATH), ("POST", f"{ROW}/exclude"), ("POST", f"{ROW}/include")):
        answer = await http.request(method, path, json={}, headers=member)
        assert (answer.status_code, answer.json()["code"]) == (403, "RoleInsufficient")


async def test_the_preflight_looks_again_when_general_links_may_create_something_else(
    http: httpx.AsyncClient, database: Database
) -> None:
    async def is_requested() -> bool:
        async with database.system() as session:
            row = await session.get(Preflight, "host_a")
            return row is not None and row.requested_at is not None

    await http.put(PATH, json={"general_links": "as_mapping", "cap_percent": 50})
    assert not await is_requested()
    changed = await http.put(PATH, json={"general_links": "contact"})
    assert changed.json()["general_links"] == "contact"
    assert await is_requested()
