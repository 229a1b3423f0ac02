"""The Idempotency-Key: one answer to one request, its owner, and its lifetime."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text, update

from app.api import idempotency_store
from app.api.errors import KeyReused
from app.api.idempotency import BufferedResponse, claim_or_wait
from app.api.idempotency_store import ClaimedKey, StoredResponse, claim_key, save_response
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.models import IdempotencyKey, SyncJob
from tests.api.service import caller, running
from tests.integration.registrations.sample_event import EVENT_ID, RULE, add, add_connected_host, simple
from tests.tokens import TokenMint

E = f"/v1/hosts/host_a/events/{EVENT_ID}/salesforce"
ALL = {"filter": {"all": True}}


@pytest.fixture
async def app(settings: Settings, database: Database) -> AsyncIterator[FastAPI]:
    async with running(settings) as app:
        yield app


@pytest.fixture
async def client(app: FastAPI, mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(app, mint.headers(hosts={"host_a": "admin"})) as client:
        yield client


async def requested_version(database: Database, registration_id: str) -> int:
    async with database.system() as session:
        query = select(SyncJob.requested_version).where(SyncJob.registration_id == registration_id)
        return (await session.execute(query)).scalar_one()


async def test_same_key_gives_the_first_answer_again(
    client: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await add(database, simple("r1", "failed", error=RULE))
    key = {"Idempotency-Key": "otter-1"}
    first = await client.post(f"{E}/registrations/r1/retry", headers=key)
    again = await client.post(f"{E}/registrations/r1/retry", headers=key)
    assert (again.status_code, again.content) == (202, first.content)
    assert (again.headers["idempotent-replayed"], again.headers["cache-control"]) == ("true", "no-store")
    assert again.headers["content-type"] == first.headers["content-type"]
    assert await requested_version(database, "r1") == 2


async def test_same_key_at_once_is_carried_out_once(
    client: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await add(database, simple("r1", "synced"))
    key = {"Idempotency-Key": "otter-1"}
    answers = await asyncio.gather(
        *(client.post(f"{E}/registrations/r1/retry", headers=key) for _ in range(5))
    )
    assert len({(each.status_code, each.content) for each in answers}) == 1
    assert await requested_version(database, "r1") == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("retry", ALL | {"dry_run": True}, id="other-body"),
        pytest.param("pause", ALL, id="other-path"),
        pytest.param("retry?a=b", ALL, id="other-query"),
    ],
)
async def test_key_of_another_request_is_refused(
    client: httpx.AsyncClient, database: Database, vault: Encryptor, path: str, body: dict[str, Any]
) -> None:
    await add_connected_host(database, vault)
    key = {"Idempotency-Key": "otter-1"}
    assert (await client.post(f"{E}/retry", json=ALL, headers=key)).status_code == 202
    answer = await client.post(f"{E}/{path}", json=body, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (409, "KeyReused")


async def test_key_belongs_to_one_user_and_one_host(
    app: FastAPI, client: httpx.AsyncClient, database: Database, vault: Encryptor, mint: TokenMint
) -> None:
    await add_connected_host(database, vault)
    await add_connected_host(database, vault, "host_b")
    key = {"Idempotency-Key": "otter-1"}
    await client.post(f"{E}/pause", headers=key)
    async with caller(app, mint.headers(hosts={"host_a": "owner"}, sub="user_18")) as other_user:
        assert (await other_user.post(f"{E}/pause", headers=key)).status_code == 409
    async with caller(app, mint.headers(hosts={"host_b": "owner"})) as other_host:
        assert (await other_host.post(f"{E}/pause", headers=key)).status_code == 404
        answer = await other_host.post(E.replace("host_a", "host_b") + "/pause", headers=key)
        assert (answer.status_code, "idempotent-replayed" in answer.headers) == (200, False)


async def test_kept_answer_is_given_to_nobody_without_a_right_to_it(
    app: FastAPI, client: httpx.AsyncClient, database: Database, vault: Encryptor, mint: TokenMint
) -> None:
    await add_connected_host(database, vault)
    key = {"Idempotency-Key": "otter-1"}
    await client.post(f"{E}/pause", headers=key)
    async with caller(app) as nobody, caller(app, mint.headers(hosts={"host_a": "member"})) as member:
        assert (await nobody.post(f"{E}/pause", headers=key)).status_code == 401
        assert (await member.post(f"{E}/pause", headers=key)).status_code == 403


async def test_kept_answer_is_sealed(client: httpx.AsyncClient, database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    await add(database, simple("r1", "failed", error=RULE))
    await client.post(f"{E}/registrations/r1/retry", headers={"Idempotency-Key": "otter-1"})
    async with database.system() as session:
        stored = await session.scalar(text("SELECT t::text FROM idempotency_keys AS t"))
    assert "Otter" not in stored
    assert b"r1@otter.example".hex() not in stored


@pytest.mark.parametrize("key", ["with space", "ü", "x" * 256], ids=["space", "not-ascii", "too-long"])
async def test_key_out_of_shape_is_refused(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post(f"{E}/pause", headers={b"Idempotency-Key": key.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (422, "PayloadInvalid")


async def test_huge_body_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{E}/retry", content=b" " * 1_048_577, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (413, "BodyTooLarge")


async def test_refusal_is_an_answer_too(
    client: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    key = {"Idempotency-Key": "otter-1"}
    first = await client.post(f"{E}/pause", headers=key)
    await add_connected_host(database, vault)
    again = await client.post(f"{E}/pause", headers=key)
    assert (first.status_code, again.content) == (404, first.content)


async def test_key_is_free_again_after_a_fault_of_ours(
    client: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await add(database, simple("r1", "synced"), simple("broken", "failed"))
    async with database.system() as session:
        await session.execute(
            update(SyncJob).where(SyncJob.registration_id == "broken").values(warnings=["not one"])
        )
    key = {"Idempotency-Key": "otter-1"}
    assert (await client.post(f"{E}/registrations/broken/retry", headers=key)).status_code == 500
    assert (await client.post(f"{E}/registrations/r1/retry", headers=key)).status_code == 202


async def test_request_that_is_still_under_way_is_waited_for_only_so_long(
    app: FastAPI, database: Database
) -> None:
    resources = app.state.resources
    assert isinstance(await claim_or_wait(resources, "host_a", key="k", digest=b"1"), ClaimedKey)
    with pytest.raises(KeyReused) as refused:
        await claim_or_wait(resources, "host_a", key="k", digest=b"1", wait_seconds=-1)
    assert (refused.value.reason, refused.value.headers) == ("under_way", {"Retry-After": "5"})


async def test_key_without_a_database_is_refused_as_unavailable(settings: Settings, mint: TokenMint) -> None:
    away = settings.model_copy(update={"database_url": "postgresql+asyncpg://owner@127.0.0.1:1/postgres"})
    headers = mint.headers(hosts={"host_a": "owner"}) | {"Idempotency-Key": "k"}
    async with running(away) as app, caller(app, headers) as client:
        answer = await client.post(f"{E}/pause")
    assert (answer.status_code, answer.json()["code"]) == (503, "DatabaseUnavailable")
    assert answer.headers["retry-after"] == "5"


async def test_answer_that_depends_on_the_moment_is_not_kept(
    client: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    key = {"Idempotency-Key": "otter-1"}
    unsupported = await client.post(f"{E}/nothing-here", headers=key)
    assert unsupported.status_code == 404
    async with database.system() as session:
        assert len((await session.scalars(select(IdempotencyKey))).all()) == 1
    assert not BufferedResponse(status=429).is_kept
    assert not BufferedResponse(status=503).is_kept
    assert not BufferedResponse(status=200, headers=((b"content-type", b"text/csv"),)).is_kept
    assert BufferedResponse(status=202).is_kept


async def test_abandoned_and_old_keys_are_taken_over(database: Database) -> None:
    first = await claim_key(database, "host_a", key="k", digest=b"1")
    assert isinstance(first, ClaimedKey)
    assert await claim_key(database, "host_a", key="k", digest=b"1") is None
    with pytest.raises(KeyReused):
        await claim_key(database, "host_a", key="k", digest=b"2")
    await _grow_older(database, "6 minutes")
    second = await claim_key(database, "host_a", key="k", digest=b"2")
    assert isinstance(second, ClaimedKey)
    await save_response(database, first, status=200, sealed=b"from the one that died")
    assert await claim_key(database, "host_a", key="k", digest=b"2") is None
    await save_response(database, second, status=200, sealed=b"sealed")
    await _grow_older(database, "23 hours")
    assert await claim_key(database, "host_a", key="k", digest=b"2") == StoredResponse(200, b"sealed")
    await _grow_older(database, "2 hours")
    assert isinstance(await claim_key(database, "host_a", key="k", digest=b"3"), ClaimedKey)


async def _grow_older(database: Database, by: str) -> None:
    async with database.system() as session:
        await session.execute(
            update(IdempotencyKey).values(created_at=IdempotencyKey.created_at - text(f"interval '{by}'"))
        )


@pytest.mark.parametrize(("bound", "most"), [("ANSWERS_MAX", 3), ("BYTES_MAX", 1_000)])
async def test_host_keeps_so_many_answers_and_bytes(
    client: httpx.AsyncClient,
    database: Database,
    vault: Encryptor,
    monkeypatch: pytest.MonkeyPatch,
    bound: str,
    most: int,
) -> None:
    await add_connected_host(database, vault)
    await add_connected_host(database, vault, "host_b")
    monkeypatch.setattr(idempotency_store, bound, most)
    answers = [await client.post(f"{E}/pause", headers={"Idempotency-Key": f"k{each}"}) for each in range(20)]
    refused = [each for each in answers if each.status_code != 200]
    assert 1 <= len(answers) - len(refused) <= 10
    assert {each.json()["reason"] for each in refused} == {"kept_answers"}
    assert {each.status_code for each in refused} == {429}
    assert 86_000 < int(refused[0].headers["retry-after"]) <= 86_400
    again = await client.post(f"{E}/pause", headers={"Idempotency-Key": "k0"})
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert (await client.post(f"{E}/pause")).status_code == 200
    assert isinstance(await claim_key(database, "host_b", key="k", digest=b"d" * 32), ClaimedKey)
    async with database.system() as session:
        await session.execute(
            update(IdempotencyKey).values(created_at=text("clock_timestamp() - interval '25 hours'"))
        )
    assert (await client.post(f"{E}/pause", headers={"Idempotency-Key": "new"})).status_code == 200


async def test_what_only_reads_keeps_no_answer(
    client: httpx.AsyncClient, database: Database, vault: Encryptor
) -> None:
    await add_connected_host(database, vault)
    await client.post(
        "/v1/hosts/host_a/salesforce/mapping/validate", json={}, headers={"Idempotency-Key": "k"}
    )
    await client.post(f"{E}/mapping/validate", json={}, headers={"Idempotency-Key": "k"})
    await client.post(f"{E}/campaign/validate", json={}, headers={"Idempotency-Key": "k"})
    await client.post("/v1/hosts/host_a/salesforce/diagnosis", json={}, headers={"Idempotency-Key": "k"})
    await client.post(f"{E}/mapping/preview", json={"mapping": {}}, headers={"Idempotency-Key": "k"})
    async with database.system() as session:
        assert (await session.scalars(select(IdempotencyKey.key))).all() == []
