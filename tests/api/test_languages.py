"""German for whoever asks for it: problems, advice, findings, pages and streams, each in one language."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import update

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.live.host_feed import Feed
from app.live.snapshots import Snapshots
from app.live.subscriber import Subscriber
from app.models import Connection, SyncJob
from app.sync.model.item_errors import ItemError, ItemWarning
from app.user_messages.phrases import Phrase
from tests.api.conftest import Service
from tests.api.service import caller, running
from tests.integration.registrations.sample_event import EVENT_ID, RULE, add, add_connected_host, simple
from tests.tokens import TokenMint

H = "/v1/hosts/host_a/salesforce"
E = f"/v1/hosts/host_a/events/{EVENT_ID}/salesforce"
GERMAN = {"Accept-Language": "de-AT, en;q=0.5"}


@pytest.fixture
async def app(settings: Settings, database: Database) -> AsyncIterator[FastAPI]:
    async with running(settings) as app:
        yield app


@pytest.fixture
async def client(app: FastAPI, mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(app, mint.headers(hosts={"host_a": "admin"})) as client:
        yield client


def language(answer: httpx.Response) -> tuple[str, bool]:
    """What the answer says it is in, and whether caches know what it depends on."""
    return answer.headers["content-language"], "Accept-Language" in answer.headers["vary"]


async def test_problems_are_in_the_language_of_the_caller(client: httpx.AsyncClient) -> None:
    german = await client.get(f"{E}/stats", headers=GERMAN)
    english = await client.get(f"{E}/stats", headers={"Accept-Language": "fr"})
    assert (german.json()["title"], language(german)) == ("Veranstaltung nicht gefunden", ("de", True))
    assert (english.json()["title"], language(english)) == ("Event not found", ("en", True))
    assert german.json()["code"] == english.json()["code"] == "EventNotFound"
    nobody = await client.get(H.replace("host_a", "host_b"), headers=GERMAN)
    assert nobody.json()["title"] == "Veranstalter nicht gefunden"
    wrong = await client.get(f"{H}/preflight?lang=de")
    assert wrong.json()["advice"]["title"] == "Salesforce ist nicht verbunden"


async def test_a_fault_of_ours_is_said_in_the_language_of_the_caller(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("otter")

    monkeypatch.setattr("app.connections.endpoints.load_card", fails)
    answer = await client.get(H, headers=GERMAN)
    assert (answer.status_code, answer.json()["title"]) == (500, "Bei uns ist etwas schiefgegangen")
    assert language(answer) == ("de", True)


async def test_card_rows_and_groups_are_german_for_one_and_english_for_another(
    client: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await add(database, simple("r1", "failed", error=RULE), simple("r2", "pending"))
    rows = [(await client.get(f"{E}/registrations/r1", headers=each)).json() for each in (GERMAN, {})]
    assert [row["error"]["advice"]["title"] for row in rows] == [
        "Eine Validierungsregel hat den Datensatz abgelehnt",
        "A validation rule refused the record",
    ]
    [group] = (await client.get(f"{E}/stats", headers=GERMAN)).json()["groups"]
    assert group["title"] == "Eine Validierungsregel in Salesforce hat abgelehnt: Lead"
    lost = {"state": "needs_reconnect", "reason_code": "user_inactive"}
    async with database.system() as session:
        await session.execute(update(Connection).values(lost))
    answer = await client.get(H, headers=GERMAN)
    assert answer.json()["reason"]["title"] == "Der Salesforce-Benutzer, der verbunden hat, ist inaktiv"
    assert answer.json()["reason"]["explanation"].endswith("Änderung wartet; sie geht nicht verloren.")
    assert language(answer) == ("de", True)


async def test_a_kept_answer_stays_in_the_language_that_it_was_given_in(
    client: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    key = {"Idempotency-Key": "otter-1"}
    first = await client.delete(f"{E}/campaign", headers=key | GERMAN)
    again = await client.delete(f"{E}/campaign", headers=key)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    assert language(again) == language(first) == ("de", True)


async def test_findings_are_worded_for_whoever_reads_them_not_for_whoever_looked(service: Service) -> None:
    await service.connect()
    service.configure(hidden_objects=["Task"])

    async def titles(**headers: str) -> dict[str, Any]:
        answer = await service.http.get(f"{H}/preflight", headers=headers)
        return {each["code"]: each["title"] for each in answer.json()["findings"]}

    looked = await service.http.post(f"{H}/preflight", headers=GERMAN)
    german = {each["code"]: each["title"] for each in looked.json()["findings"]}
    assert german["object_not_readable"] == "Der verbundene Benutzer kann das Objekt Aufgabe nicht sehen"
    assert await titles(**GERMAN) == german
    english = await titles()
    assert english.keys() == german.keys()
    assert set(english.values()).isdisjoint(german.values())


async def test_what_was_stored_with_a_row_is_worded_when_it_is_read(
    client: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    reason = Phrase("unfit.no_whole_number")
    warning = ItemWarning(
        "field_dropped", "Lead", "Age__c", Phrase("note.left_out", value="1.5", reason=reason)
    )
    of_before = {"code": "field_dropped", "object": "Lead", "field": "Diet__c", "text": "As it was worded."}
    error = ItemError(
        "configuration", "INVALID_TYPE", Phrase("unfit.object_hidden", object="Lead"), "registered", "Lead"
    )
    await add(database, simple("r1", "failed", error=RULE | error.as_json()))
    async with database.system() as session:
        await session.execute(update(SyncJob).values(warnings=[warning.as_json(), of_before]))
    row = (await client.get(f"{E}/registrations/r1", headers=GERMAN)).json()
    assert [each["text"] for each in row["warnings"]] == [
        "„1.5“ wurde weggelassen. Das ist keine ganze Zahl.",
        "As it was worded.",
    ]
    hidden = "Der verbundene Benutzer darf das Objekt Lead in Salesforce nicht sehen; "
    hidden += "darum lässt sich nichts anlegen."
    assert row["error"]["message"] == hidden
    [group] = (await client.get(f"{E}/stats", headers=GERMAN)).json()["groups"]
    assert group["message"] == hidden
    row = (await client.get(f"{E}/registrations/r1")).json()
    assert [each["text"] for each in row["warnings"]] == [str(warning.text), "As it was worded."]
    assert row["error"]["message"] == error.message


async def test_a_mapping_is_judged_in_the_language_of_the_caller(service: Service) -> None:
    await service.connect()
    mapping = {"fields": [{"object": "Lead", "field": "Otter__c", "from": "attendee.phone"}]}
    answer = await service.http.post(f"{H}/mapping/validate", json=mapping, headers=GERMAN)
    assert "Lead hat kein Feld Otter__c, oder es ist verborgen." in answer.text
    sources = (await service.http.get(f"{H}/mapping/sources", headers=GERMAN)).json()["items"]
    assert {"attendee.first_name": "Person: Vorname"}.items() <= {
        each["path"]: each["label"] for each in sources
    }.items()
    fields = (await service.http.get(f"{H}/mapping/objects/Lead/fields", headers=GERMAN)).json()["fields"]
    [email] = [each for each in fields if each["name"] == "Email"]
    assert "daran werden Personen erkannt" in email.values()


async def test_pages_of_the_sign_in_are_german(client: httpx.AsyncClient) -> None:
    page = await client.get("/oauth/salesforce/start?ticket=none&lang=de")
    assert '<html lang="de">' in page.text
    assert "Dieser Link wurde schon benutzt oder ist abgelaufen" in page.text
    assert language(page) == ("de", True)


async def test_streams_of_one_host_do_not_mix_languages(
    app: FastAPI, database: Database, vault: Encryptor, mint: TokenMint
) -> None:
    await add_connected_host(database, vault)
    await add(database, simple("r1", "failed", error=RULE))
    feed = Feed(Snapshots(app.state.resources, "host_a"))
    role = "admin"
    readers = {each: Subscriber(role, EVENT_ID, frozenset(), each) for each in ("de", "en")}  # type: ignore[arg-type]
    feed.subscribers.update(readers.values())
    await feed.start()
    async with database.system() as session:
        await session.execute(update(SyncJob).values(attempts=SyncJob.attempts + 1))
    await feed.poll()
    for spoken, title in (("de", "Eine Validierungsregel"), ("en", "A validation rule")):
        messages = await readers[spoken].get(within=1)
        assert {"row", "stats"} <= {message.kind for message in messages}
        assert {message.language for message in messages} == {spoken}
        [row] = [message for message in messages if message.kind == "row"]
        assert title in row.data
