"""The endpoints for history and export: redacted, paged, never stored, safe to open."""

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import AuditEntry, SyncAttempt
from app.registrations.export import COLUMNS, MARK, PAGE, safe_cell
from tests.api.service import caller, running
from tests.factories import NOW, ORG_ID
from tests.integration.registrations.sample_event import (
    EVENT_ID,
    RULE,
    add,
    add_connected_host,
    event,
    job,
    record,
    registration,
    save,
    simple,
)
from tests.tokens import TokenMint

E = f"/v1/hosts/host_a/events/{EVENT_ID}/salesforce"
LEAD = "00Q5g00000AbCdEEAV"


@pytest.fixture
async def app(settings: Settings, database: Database, vault: Encryptor) -> AsyncIterator[FastAPI]:
    await add_connected_host(database, vault)
    async with running(settings) as app:
        yield app


@pytest.fixture
async def member(app: FastAPI, mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(app, mint.headers(hosts={"host_a": "member"})) as client:
        yield client


def attempt(registration_id: str, minutes: int = 0, **changes: Any) -> SyncAttempt:
    values: dict[str, Any] = {
        "event_id": EVENT_ID,
        "org_id": ORG_ID,
        "kind": "registered",
        "reason": "live",
        "outcome": "failed",
        "requests": [
            {
                "method": "POST",
                "path": "/services/data/v62.0/sobjects/Lead",
                "body": {"LastName": "Otter", "Email": "otti@otter.example"},
            }
        ],
        "responses": [
            {
                "success": False,
                "id": None,
                "is_lost": False,
                "matches": [],
                "errors": [
                    {"error_code": RULE["error_code"], "message": RULE["message"], "fields": ["Phone"]}
                ],
            }
        ],
        "error": RULE | {"group_id": "g_rule"},
    }
    at = NOW + timedelta(minutes=minutes)
    return SyncAttempt(host_id="host_a", registration_id=registration_id, at=at, **(values | changes))


async def test_history_tells_each_attempt_the_latest_first(
    member: httpx.AsyncClient, database: Database
) -> None:
    await add(database, simple("r1", "failed", error=RULE), simple("r2", "synced"))
    retried = {"reason": "retry", "requested_by": "user_17", "outcome": "synced", "error": None}
    await save(database, attempt("r1"), attempt("r1", 5, **retried), attempt("r2", 9))
    answer = await member.get(f"{E}/registrations/r1/history")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    latest, first = answer.json()["items"]
    assert (latest["why"], latest["by"], latest["outcome"], latest["error"]) == (
        "retry", "user_17", "synced", None,
    )  # fmt: skip
    assert first["at"] == "2026-11-21T10:00:00Z"
    assert first["requests"][0]["body"]["Email"] == "otti@otter.example"
    assert first["answers"][0]["errors"][0]["error_code"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert (first["error"]["class"], first["error"]["group_id"], first["error"]["advice"]["code"]) == (
        "data", "g_rule", "validation_rule",
    )  # fmt: skip
    assert set(first) == {"at", "kind", "why", "requests", "answers", "outcome", "error", "by"}


async def test_pages_of_a_history_join_without_a_gap(member: httpx.AsyncClient, database: Database) -> None:
    await add(database, simple("r1", "failed"))
    await save(database, *(attempt("r1", minutes) for minutes in range(5)))
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = (await member.get(f"{E}/registrations/r1/history", params={"limit": 2} | cursor)).json()
        seen += [each["at"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert (len(seen), seen) == (5, sorted(seen, reverse=True))


@pytest.mark.parametrize("cursor", ["x", "WyJoaXN0b3J5IiwieCJd", "WyJoaXN0b3J5IiwiMjAyNi0xMS0yMSJd"])
async def test_forged_cursor_is_refused(member: httpx.AsyncClient, database: Database, cursor: str) -> None:
    await add(database, simple("r1", "failed"))
    answer = await member.get(f"{E}/registrations/r1/history", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "CursorInvalid")


async def test_history_of_somebody_erased_is_empty(member: httpx.AsyncClient, database: Database) -> None:
    await add(database, (registration("r1", erased_at=NOW), job("r1", "skipped")))
    await save(database, attempt("r1"))
    assert (await member.get(f"{E}/registrations/r1/history")).json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("what", ["history", "dry-run"])
async def test_registration_of_another_event_is_not_found(
    member: httpx.AsyncClient, database: Database, what: str
) -> None:
    await save(database, event(event_id="evt_other"))
    await add(database, (registration("o1", event_id="evt_other"), None))
    for registration_id in ("o1", "nobody"):
        answer = await member.get(f"{E}/registrations/{registration_id}/{what}")
        assert (answer.status_code, answer.json()["code"]) == (404, "RegistrationNotFound")


async def table(client: httpx.AsyncClient, **params: Any) -> list[dict[str, str]]:
    answer = await client.get(f"{E}/registrations.csv", params=params)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode().removeprefix(MARK), newline="")))


async def test_file_holds_the_rows_with_links_and_is_not_stored(
    member: httpx.AsyncClient, database: Database
) -> None:
    await add(
        database,
        simple("r1", "failed", error=RULE),
        records=[record("r1", "person", sobject="Lead", sf_id=LEAD, details={"found_by": "email"})],
    )
    answer = await member.get(f"{E}/registrations.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == f'attachment; filename="registrations-{EVENT_ID}.csv"'
    assert answer.content.startswith(MARK.encode())
    [row] = await table(member)
    assert list(row) == list(COLUMNS)
    assert (row["email"], row["state"], row["person_id"], row["error_code"]) == (
        "r1@otter.example", "failed", LEAD, "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    )  # fmt: skip
    assert row["person_url"] == f"https://acme.lightning.force.com/lightning/r/Lead/{LEAD}/view"
    assert (row["registered_at"], row["is_checked_in"]) == ("2026-11-21T10:00:00Z", "false")


async def test_file_takes_the_filters_of_the_list(member: httpx.AsyncClient, database: Database) -> None:
    await add(
        database,
        simple("r1", "failed", error=RULE),
        simple("r2", "synced"),
        simple("r3", "pending"),
    )
    assert [row["registration_id"] for row in await table(member, state="synced")] == ["r2"]
    assert [row["registration_id"] for row in await table(member, state=["synced", "failed"])] == ["r1", "r2"]
    assert [row["registration_id"] for row in await table(member, q="r3@otter")] == ["r3"]
    assert [row["registration_id"] for row in await table(member, group_id="g_rule")] == ["r1"]
    assert await table(member, error_code="NONE") == []


async def test_file_of_an_event_that_is_not_there_is_a_problem(member: httpx.AsyncClient) -> None:
    answer = await member.get(E.replace(EVENT_ID, "evt_nobody") + "/registrations.csv")
    assert (answer.status_code, answer.json()["code"]) == (404, "EventNotFound")


async def test_export_is_in_the_log_without_what_was_searched_for(
    member: httpx.AsyncClient, database: Database
) -> None:
    assert await table(member, q="mary@otter.example", state="failed") == []
    async with database.system() as session:
        [entry] = list(await session.scalars(select(AuditEntry)))
    assert (entry.host_id, entry.action) == ("host_a", "salesforce.rows_exported")
    assert entry.details == {"event_id": EVENT_ID, "filters": ["states", "q"]}


async def test_file_of_any_length_has_every_row_once(member: httpx.AsyncClient, database: Database) -> None:
    await add(database, *(simple(f"r{number:05}", "synced") for number in range(PAGE * 2 + 1)))
    ids = [row["registration_id"] for row in await table(member)]
    assert ids == [f"r{number:05}" for number in range(PAGE * 2 + 1)]


CELLS: dict[str, tuple[object, str]] = {
    "formula": ('=HYPERLINK("http://evil.example")', '\'=HYPERLINK("http://evil.example")'),
    "plus": ("+49 30 123", "'+49 30 123"),
    "minus": ("-2+3", "'-2+3"),
    "at": ("@SUM(1)", "'@SUM(1)"),
    "tab": ("\t=1", "'\t'=1"),
    "return": ("\r=1", "'\r'=1"),
    "newline": ("\n=1", "'\n'=1"),
    "spaces-first": ("  =1", "'  =1"),
    "tab-alone": ("\tx", "'\tx"),
    "semicolon": ("x;=cmd|' /C calc'!A0;y", "x;'=cmd|' /C calc'!A0;y"),
    "semicolons": ("a;+1; -2;@x", "a;'+1;' -2;'@x"),
    "semicolon-and-quote": ('x;"=1+1"', 'x;\'"=1+1"'),
    "second-line": ("x\r\n=1+1", "x\r'\n'=1+1"),
    "tab-inside": ("x\t=1", "x\t'=1"),
    "full-width": ("\uff1d1+1", "'\uff1d1+1"),
    "full-width-plus-and-minus": ("\uff0b1;\uff0d1;\uff20x", "'\uff0b1;'\uff0d1;'\uff20x"),
    "zero-width-first": ("\u200b=1", "'\u200b=1"),
    "byte-order-mark-first": ("x;\ufeff=1", "x;'\ufeff=1"),
    "joiner-after-spaces": (" \u200d \u2060+1", "' \u200d \u2060+1"),
    "semicolon-alone": ("Otter; Co", "Otter; Co"),
    "plain": ("Mary-Jane = 1", "Mary-Jane = 1"),
    "nothing": (None, ""),
    "true": (True, "true"),
    "time": (NOW, "2026-11-21T10:00:00Z"),
}


@pytest.mark.parametrize(("value", "cell"), CELLS.values(), ids=CELLS.keys())
def test_no_cell_is_run_by_a_spreadsheet(value: object, cell: str) -> None:
    assert safe_cell(value) == cell


@pytest.mark.parametrize("separator", [",", ";", "\t"])
async def test_no_cell_is_a_formula_whatever_the_separator(
    member: httpx.AsyncClient, database: Database, separator: str
) -> None:
    hostile = [str(value) for value, _ in CELLS.values() if isinstance(value, str)]
    for number, text in enumerate(hostile):
        attendee = {
            "first_name": text,
            "last_name": "x",
            "company": f"x{text}",
            "email": f"{number}@o.example",
        }
        await add(database, (registration(f"r{number}", attendee=attendee), job(f"r{number}", "synced")))
    answer = await member.get(f"{E}/registrations.csv")
    for line in re.split(r"[\r\n]+", answer.text) if separator != "," else [answer.text]:
        for row in csv.reader(io.StringIO(line, newline=""), delimiter=separator):
            for cell in row:
                assert not re.match(r"[\s\"\u200b\ufeff\u200d\u2060]*[=+@\uff1d\uff0b\uff0d\uff20-]", cell), (
                    cell
                )


async def test_name_that_is_a_formula_stays_a_name(member: httpx.AsyncClient, database: Database) -> None:
    attendee = {"first_name": "=cmd|' /C calc'!A0", "last_name": 'O"tter, Ltd\nx', "email": "@o.example"}
    await add(database, (registration("r1", attendee=attendee), job("r1", "synced")))
    [row] = await table(member)
    assert row["name"] == "'=cmd|' /C calc'!A0 O\"tter, Ltd\nx"
    assert row["email"] == "'@o.example"
