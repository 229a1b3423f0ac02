"""Access that ends during a drain: no job fails, and work continues after the reconnect."""

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from app.config.settings import Times
from app.connections.service import open_client
from app.connections.tokens.probe import probe_closed
from app.models import Host, SyncJob
from app.sync.engine.drain import drain
from app.sync.engine.org_drain import DrainContext
from app.sync.jobs.enqueue import JobRequest, enqueue_jobs
from salesforce_simulator.org import Org
from tests.api.conftest import Service
from tests.factories_events import event_for, registration_for

JOBS = int(os.environ.get("RECONNECT_JOBS", "1000"))
BATCH = 200
REVOKED_AT_SEND = 10
"""The third batch or so: some rows are written then, and most are not."""
CHUNK = 500
FEW, SMALL_BATCH, ENDS_AT_SEND = 60, 20, 5
OWN = {"client_id": "3MVG9.otters.own.app", "client_secret": "otters-own-secret"}
CREDENTIALS = "/v1/hosts/host_a/salesforce/app-credentials"

End = Callable[[Service], None]
Cure = Callable[[Service], Awaitable[object]]


def engine_of(
    service: Service, *, ends_at_send: int | None = None, end: End = lambda service: None, batch: int = BATCH
) -> DrainContext:
    """An engine with ordinary times and small batches; before the given send, access ends."""
    resources = service.resources
    changes = {"times": Times(drain_budget=25, stop=30), "batch_size_max": batch}
    settings = resources.settings.model_copy(update=changes)
    sends = itertools.count(1)

    async def opener(host_id: str, *, before_send: Callable[[], None], **read: Any) -> Any:
        def guarded() -> None:
            before_send()
            if next(sends) == ends_at_send:
                end(service)

        return await open_client(resources, host_id, before_send=guarded, **read)

    return DrainContext(resources.database, settings, opener, "worker_otter", settings.hash_pepper)


async def register(service: Service, org_id: str, jobs: int = JOBS) -> None:
    database = service.resources.database
    async with database.system() as session:
        await session.merge(Host(host_id="host_a"))
        await session.merge(event_for())
    for start in range(0, jobs, CHUNK):
        numbers = range(start, min(start + CHUNK, jobs))
        async with database.system() as session:
            session.add_all(registration_for(number) for number in numbers)
            await session.flush()
            requests = [
                JobRequest("host_a", f"reg_{number:05}", "evt_otters", org_id, reason="live")
                for number in numbers
            ]
            await enqueue_jobs(session, requests)


async def states(service: Service) -> Counter[str]:
    async with service.resources.database.system() as session:
        rows = await session.execute(select(SyncJob.state, func.count()).group_by(SyncJob.state))
        return Counter({row[0]: row[1] for row in rows})


def revoke_all(service: Service) -> None:
    grants = service.simulator.simulator.default_org.grants
    for grant in list(grants):
        grants.revoke(grant)


def org_of(service: Service) -> Org:
    return service.simulator.simulator.default_org


def set_everybody(service: Service, *, is_active: bool) -> None:
    for user in org_of(service).store.live("User"):
        user["IsActive"] = is_active
    org_of(service).grants.expire_all()


def switch_off(service: Service, **switches: Any) -> None:
    """Something changes in the org, and every session is over."""
    service.configure(**switches)
    org_of(service).grants.expire_all()


def narrow_every_grant(service: Service) -> None:
    """The app loses the scope `api`: sessions live on, and no refresh could help."""
    for grant in org_of(service).grants:
        grant.scope = "id refresh_token"


def close_api_for_everybody(service: Service) -> None:
    users = [user["Id"] for user in org_of(service).store.live("User")]
    service.configure(api_disabled_users=users)


def know_own_app(service: Service, secret: str) -> None:
    shared = {"client_id": "3MVG9otter", "client_secret": "otter-secret"}
    switch_off(service, apps=[shared, OWN | {"client_secret": secret}])


async def save_own_app(service: Service, secret: str = OWN["client_secret"]) -> None:
    pair = {"mode": "own", "consumer_key": OWN["client_id"], "consumer_secret": secret}
    answer = await service.http.put(CREDENTIALS, json=pair)
    assert answer.status_code == 200, answer.text


async def own_app(service: Service) -> None:
    know_own_app(service, OWN["client_secret"])
    await save_own_app(service)


async def no_preparation(service: Service) -> None:
    """Most connections go through the shared app."""


async def reactivated(service: Service) -> None:
    set_everybody(service, is_active=True)
    await service.connect()


async def installed_again(service: Service) -> None:
    service.configure(package_installed=True)
    await service.connect()


async def org_is_back(service: Service) -> None:
    service.configure(is_org_active=True)
    await service.connect()


async def connected_again(service: Service) -> None:
    await service.connect()


async def api_ticked_for_users(service: Service) -> None:
    service.configure(api_disabled_users=[])
    assert await probe_closed(service.resources) == 1


async def api_switched_on(service: Service) -> None:
    """Nobody reconnects: the hourly probe succeeds."""
    service.configure(is_api_enabled=True)
    assert await probe_closed(service.resources) == 1


async def address_let_in(service: Service) -> None:
    service.configure(ip_restricted=False)
    assert await probe_closed(service.resources) == 1


async def new_secret_saved(service: Service) -> None:
    """Nobody connects: the new Secret of the same app is used at once."""
    await save_own_app(service, "otters-newer-secret")


@dataclass(frozen=True)
class Ending:
    """How access ends, what the card says, and what cures it."""

    reason: str
    end: End
    cure: Cure
    prepare: Cure = no_preparation


ENDINGS = {
    "user deactivated": Ending("user_inactive", partial(set_everybody, is_active=False), reactivated),
    "app uninstalled": Ending(
        "app_uninstalled", partial(switch_off, package_installed=False), installed_again
    ),
    "api closed": Ending("api_disabled", partial(switch_off, is_api_enabled=False), api_switched_on),
    "api closed for the user": Ending("api_disabled", close_api_for_everybody, api_ticked_for_users),
    "scope taken away": Ending("session_not_for_api", narrow_every_grant, connected_again),
    "org switched off": Ending("org_inactive", partial(switch_off, is_org_active=False), org_is_back),
    "address shut out": Ending("ip_restricted", partial(switch_off, ip_restricted=True), address_let_in),
    "secret changed": Ending(
        "credentials_rejected", partial(know_own_app, secret="otters-newer-secret"), new_secret_saved, own_app
    ),
}


async def emails(service: Service) -> Counter[str]:
    async with service.control() as control:
        rows = (await control.get("/_simulator/records/Lead")).json()["records"]
    return Counter(str(row["Email"]) for row in rows)


async def tasks(service: Service) -> Counter[str]:
    async with service.control() as control:
        rows = (await control.get("/_simulator/records/Task")).json()["records"]
    return Counter(str(row["WhoId"]) for row in rows)


async def drain_all(engine: DrainContext, org_id: str) -> None:
    while await drain(engine, org_id, stop=asyncio.Event()):
        pass


async def test_revoked_grant_in_a_long_drain_fails_no_job_and_doubles_nothing(service: Service) -> None:
    card = await service.connect()
    org_id = card["connection"]["org"]["id"]
    await register(service, org_id)

    await drain_all(engine_of(service, ends_at_send=REVOKED_AT_SEND, end=revoke_all), org_id)
    card, after_end = await service.card(), await states(service)
    assert (card["state"], card["reason"]["code"]) == ("needs_reconnect", "access_revoked")
    assert 0 < after_end["synced"] < JOBS
    assert after_end["failed"] == 0
    assert card["work"]["waiting"] == JOBS - after_end["synced"]
    assert await attempts_burnt(service) == 0

    card = await service.connect()
    assert card["state"] == "connected"
    await drain_all(engine_of(service), org_id)
    assert await states(service) == Counter({"synced": JOBS})
    leads, activities = await emails(service), await tasks(service)
    assert (len(leads), set(leads.values())) == (JOBS, {1})
    assert (len(activities), set(activities.values())) == (JOBS, {1})


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
async def test_ended_access_is_reported_at_the_next_call_and_work_waits_for_its_cure(
    service: Service, ending: Ending
) -> None:
    await ending.prepare(service)
    org_id = (await service.connect())["connection"]["org"]["id"]
    await register(service, org_id, FEW)
    before = token_requests(service)

    engine = engine_of(service, ends_at_send=ENDS_AT_SEND, end=ending.end, batch=SMALL_BATCH)
    await drain_all(engine, org_id)
    card, after_end = await service.card(), await states(service)
    assert (card["state"], card["reason"]["code"]) == ("needs_reconnect", ending.reason)
    assert (after_end["synced"] < FEW, after_end["failed"]) == (True, 0)
    assert card["work"]["waiting"] == FEW - after_end["synced"]
    assert await attempts_burnt(service) == 0
    assert token_requests(service) - before <= 1

    before = token_requests(service)
    for _ in range(3):
        await drain_all(engine, org_id)
    assert token_requests(service) == before  # no token is requested while the gate is closed

    await ending.cure(service)
    assert (await service.card())["state"] == "connected"
    await drain_all(engine_of(service, batch=SMALL_BATCH), org_id)
    assert await states(service) == Counter({"synced": FEW})
    leads, activities = await emails(service), await tasks(service)
    assert (len(leads), set(leads.values()), len(activities)) == (FEW, {1}, FEW)


async def attempts_burnt(service: Service) -> int:
    async with service.resources.database.system() as session:
        most = select(func.max(SyncJob.attempts)).where(SyncJob.state == "pending")
        return await session.scalar(most) or 0


def token_requests(service: Service) -> int:
    return org_of(service).calls.uncounted["POST /services/oauth2/token"]
