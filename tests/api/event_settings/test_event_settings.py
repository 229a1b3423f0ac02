"""What holds for one event: chosen by the host or the event, heeded from then on, logged."""

from typing import Any

import pytest
from sqlalchemy import select

from app.models import BACKFILL, AuditEntry, Backfill, Event, Host, SyncJob
from tests.api.campaigns.test_before_connection import imports, leads, registers, stats, write
from tests.api.conftest import Service
from tests.factories import ORG_ID, connection_for
from tests.factories_events import event_for, job_for, registration_for
from tests.tokens import TokenMint

H = "/v1/hosts/host_a/salesforce"
E = "/v1/hosts/host_a/events/evt_otters/salesforce"
OF_HOST = {"value": True, "from": "host"}
NOT_OF_HOST = {"value": False, "from": "host"}
DEFAULTS: dict[str, Any] = {
    "enabled": OF_HOST,
    "writes": {
        "person": OF_HOST,
        "task": OF_HOST,
        "member": OF_HOST,
        "calendar_event": NOT_OF_HOST,
        "case": NOT_OF_HOST,
        "email_sent": NOT_OF_HOST,
        "email_opened": NOT_OF_HOST,
        "email_replied": NOT_OF_HOST,
    },
    "version": 0,
}
OFF = {"value": False, "from": "event"}


async def put(service: Service, body: dict[str, Any], path: str = f"{E}/settings") -> Any:
    answer = await service.http.put(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def save(service: Service, *rows: Any) -> None:
    for row in rows:
        async with service.resources.database.system() as session:
            session.add(row)


async def found(service: Service, table: Any) -> list[Any]:
    async with service.resources.database.system() as session:
        return list(await session.scalars(select(table)))


async def connected(service: Service, *rows: Any) -> None:
    await save(service, event_for(), connection_for(service.resources.vault), *rows)


async def actions(service: Service) -> list[tuple[str, Any]]:
    return [(entry.action, entry.details) for entry in await found(service, AuditEntry)]


async def test_an_event_that_chose_nothing_has_what_the_host_has(service: Service) -> None:
    await save(service, event_for())
    assert (await service.http.get(f"{E}/settings")).json() == DEFAULTS
    await put(service, {"writes": {"task": False}}, f"{H}/settings")
    shown = (await service.http.get(f"{E}/settings")).json()
    assert shown["writes"]["task"] == {"value": False, "from": "host"}
    assert shown["version"] == 0


async def test_only_what_is_given_changes_and_null_takes_the_choice_away(service: Service) -> None:
    await save(service, event_for())
    await put(service, {"writes": {"task": False}})
    shown = await put(service, {"enabled": False, "writes": {"member": True}})
    chosen = {**DEFAULTS["writes"], "task": OFF, "member": {"value": True, "from": "event"}}
    assert shown == {"enabled": OFF, "writes": chosen, "version": 2}
    shown = await put(service, {"enabled": None, "writes": {"task": None}})
    assert shown == {"enabled": OF_HOST, "writes": {**chosen, "task": OF_HOST}, "version": 3}
    assert (await service.http.get(f"{E}/settings")).json() == shown


async def test_a_calendar_event_is_for_the_kinds_of_event_that_the_host_chose(service: Service) -> None:
    await save(service, event_for(kind="meeting"), event_for(event_id="evt_party", kind="in_person"))
    await put(service, {"writes": {"calendar_event": True}}, f"{H}/settings")
    meeting = (await service.http.get(f"{E}/settings")).json()
    party = (await service.http.get(f"{E.replace('evt_otters', 'evt_party')}/settings")).json()
    assert meeting["writes"]["calendar_event"] == OF_HOST
    assert party["writes"]["calendar_event"] == NOT_OF_HOST


async def test_a_change_is_logged_once_and_what_changes_nothing_is_not(service: Service) -> None:
    await save(service, event_for())
    for _ in range(2):
        shown = await put(service, {"enabled": False, "writes": {"task": False}})
        assert shown["version"] == 1
    await put(service, {})
    details = {"event_id": "evt_otters", "enabled": False, "writes": {"task": False}}
    assert await actions(service) == [("salesforce.event_settings_changed", details)]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"enabled": "no"}, id="text for a boolean"),
        pytest.param({"writes": {"fax": True}}, id="a kind that is not written"),
        pytest.param({"write": {}}, id="unknown member"),
    ],
)
async def test_impossible_settings_are_refused(service: Service, body: dict[str, Any]) -> None:
    await save(service, event_for())
    answer = await service.http.put(f"{E}/settings", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "PayloadInvalid")
    assert (await service.http.get(f"{E}/settings")).json() == DEFAULTS


async def test_a_member_reads_and_does_not_change(service: Service, mint: TokenMint) -> None:
    await save(service, event_for())
    headers = mint.headers(hosts={"host_a": "member"})
    assert (await service.http.get(f"{E}/settings", headers=headers)).status_code == 200
    answer = await service.http.put(f"{E}/settings", json={"enabled": False}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "RoleInsufficient")
    stranger = mint.headers(hosts={"host_b": "owner"})
    answer = await service.http.get(f"{E}/settings", headers=stranger)
    assert (answer.status_code, answer.json()["code"]) == (404, "HostNotFound")
    answer = await service.http.get(f"{E.replace('otters', 'none')}/settings")
    assert (answer.status_code, answer.json()["code"]) == (404, "EventNotFound")


async def test_an_event_of_the_same_id_of_another_host_stays_as_it_is(service: Service) -> None:
    await save(service, event_for(), event_for(host_id="host_b"))
    await put(service, {"enabled": False})
    enabled = {event.host_id: event.is_enabled for event in await found(service, Event)}
    assert enabled == {"host_a": False, "host_b": None}


async def test_rows_that_were_to_be_written_are_skipped_and_what_stands_stays(service: Service) -> None:
    error: dict[str, Any] = {
        "error_class": "data",
        "group_id": "g_1",
        "error": {"message": "no"},
    }
    await connected(
        service,
        *(registration_for(number) for number in range(1, 7)),
        job_for(1, state="pending"),
        job_for(2, state="failed", **error),
        job_for(3, state="held", waiting_for="campaign"),
        job_for(4, state="synced"),
        job_for(5, state="running"),
        job_for(6, state="ambiguous"),
    )
    await put(service, {"enabled": False})
    jobs = {job.registration_id[-1]: job for job in await found(service, SyncJob)}
    states = {number: (job.state, job.skipped_because) for number, job in jobs.items()}
    off = ("skipped", "switched_off")
    untouched = {"4": ("synced", None), "5": ("running", None), "6": ("ambiguous", None)}
    assert states == {"1": off, "2": off, "3": off, **untouched}
    assert (jobs["2"].error, jobs["2"].group_id, jobs["3"].waiting_for) == (None, None, None)
    assert (await stats(service, "evt_otters"))["skipped_because"]["switched_off"] == 3


async def test_switched_on_again_those_rows_go_out_as_a_backfill(service: Service) -> None:
    skipped = {"state": "skipped", "skipped_because": "switched_off"}
    await connected(
        service,
        *(registration_for(number) for number in range(1, 5)),
        job_for(1, **skipped),
        job_for(2, **skipped),
        job_for(3, state="skipped", skipped_because="no_match"),
    )
    await put(service, {"enabled": False})
    await put(service, {"enabled": None})
    [backfill] = await found(service, Backfill)
    assert (backfill.reason, backfill.total, backfill.org_id) == ("switched_on", 2, ORG_ID)


async def test_the_whole_way_off_and_on_again(service: Service, mint: TokenMint) -> None:
    await imports(service, mint, 9, event_id="evt_otters")
    await service.connect()
    await put(service, {"enabled": False})
    assert (await service.card())["before_connection"]["registrations"] == 0
    await registers(service, 1)
    await registers(service, 2, "evt_beavers")
    await write(service)
    assert await leads(service) == {"otter2@otter.example"}
    shown = await stats(service, "evt_otters")
    assert {name: count for name, count in shown["skipped_because"].items() if count} == {
        "before_connection": 1,
        "switched_off": 1,
    }
    [row] = (await service.http.get(f"{E}/registrations?state=skipped&q=otter1")).json()["items"]
    assert (row["skipped_because"], row["can_retry"]) == ("switched_off", False)
    assert [part["state"] for part in row["parts"]] == ["not_wanted"]
    await put(service, {"enabled": True})
    await write(service)
    assert await leads(service) == {"otter1@otter.example", "otter2@otter.example"}
    backfill = (await stats(service, "evt_otters"))["backfill"]
    assert (backfill["why"], backfill["state"], backfill["done"]) == ("switched_on", "done", 1)
    assert (await service.card())["before_connection"]["registrations"] == 1


async def test_what_an_active_backfill_went_past_while_the_event_was_off_is_written(service: Service) -> None:
    await service.connect()
    for number in (1, 2):
        await registers(service, number)
    await put(service, {"enabled": False})
    answer = await service.http.post(f"{E}/backfill", json={"why": "request"})
    assert answer.status_code == 202
    await put(service, {"enabled": True})
    states = {(job.state, job.priority) for job in await found(service, SyncJob)}
    assert states == {("pending", BACKFILL)}
    await write(service)
    assert len(await leads(service)) == 2


async def test_a_kind_that_is_switched_on_holds_from_then_on(service: Service) -> None:
    await service.connect()
    await save(service, event_for())
    await put(service, {"writes": {"task": False}})
    await registers(service, 1)
    await write(service)
    await put(service, {"writes": {"task": None}})
    await registers(service, 2)
    await write(service)

    async def tasks() -> int:
        async with service.control() as control:
            return len((await control.get("/_simulator/records/Task")).json()["records"])

    assert await tasks() == 1
    assert (await service.http.post(f"{E}/backfill", json={"why": "request"})).status_code == 202
    await write(service)
    assert await tasks() == 2


async def test_new_events_of_a_host_that_wants_none_are_off_whatever_way_they_come(
    service: Service, mint: TokenMint
) -> None:
    await registers(service, 1, "evt_before")
    await service.connect()
    assert (await service.card())["policy"]["new_events"] == "sync"
    version = (await service.card())["version"]
    assert (await put(service, {"new_events": "off"}, f"{H}/settings"))["new_events"] == "off"
    card = await service.card()
    assert (card["policy"]["new_events"], card["version"] > version) == ("off", True)
    await registers(service, 2, "evt_before")
    await registers(service, 3, "evt_webhook")
    await imports(service, mint, 4, event_id="evt_import")
    enabled = {event.event_id: event.is_enabled for event in await found(service, Event)}
    assert enabled == {"evt_before": None, "evt_webhook": False, "evt_import": False}
    await write(service)
    assert await leads(service) == {"otter2@otter.example"}
    answer = await service.http.get("/v1/hosts/host_a/events/evt_webhook/salesforce/settings")
    assert answer.json()["enabled"] == OFF


async def test_a_webhook_does_not_change_what_the_host_chose(service: Service) -> None:
    await registers(service, 1)
    await put(service, {"enabled": False, "writes": {"task": False}})
    await registers(service, 2)
    [event] = await found(service, Event)
    assert (event.is_enabled, event.writes, event.settings_version) == (False, {"task": False}, 1)


async def test_settings_stored_before_there_was_a_kind_read_as_its_default(service: Service) -> None:
    await save(service, Host(host_id="host_a", settings={"writes": {"task": False}}))
    shown = (await service.http.get(f"{H}/settings")).json()
    kinds = {name: switch["value"] for name, switch in DEFAULTS["writes"].items()}
    assert shown["writes"] == kinds | {"task": False}
    await put(service, {"writes": {"member": False}}, f"{H}/settings")
    shown = (await service.http.get(f"{H}/settings")).json()
    assert shown["writes"] == kinds | {"task": False, "member": False}
