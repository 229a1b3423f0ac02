"""An org takes another My Domain while we write: every call goes to a name of the simulator."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update

from app.connections.grants.revocation import queue_revocation, try_revoke
from app.infrastructure.database import Database
from app.models import Connection
from devtools.local_stack.local_services import LocalServices
from tests.factories import settings_for
from tests.integration.sync.conftest import HOST, Rig, opened_rig
from tests.tokens import TokenMint

LOGIN, OLD, NEW = "login.localhost:8100", "northwind.my.localhost:8100", "eastwind.my.localhost:8100"


@contextlib.asynccontextmanager
async def named_rig(
    database: Database, engines: LocalServices, mint: TokenMint, *, login: str = LOGIN
) -> AsyncIterator[Rig]:
    """A rig whose host signed in at a login host and writes to the org's own name."""
    settings = settings_for(
        engines,
        jwks_file=mint.jwks_file,
        salesforce_login_url=f"http://{LOGIN}",
        salesforce_sandbox_login_url="http://test.localhost:8100",
        salesforce_simulator_url="http://localhost:8100",
    )
    async with opened_rig(database, settings) as rig:
        async with database.system() as session:
            places = {"instance_url": f"http://{OLD}", "login_url": f"http://{login}"}
            await session.execute(update(Connection).values(places))
        yield rig


async def rename(rig: Rig, **switches: Any) -> None:
    await rig.org.configure(**switches)
    answer = await rig.org.control.post("/rename", json={"my_domain": "eastwind"})
    assert answer.status_code == 200, answer.text


async def requests_sent(rig: Rig) -> list[tuple[str, str, int]]:
    """What was asked since the calls were last forgotten: host, kind of path, status."""
    found = (await rig.org.control.get("/requests")).json()["requests"]
    return [(each["host"], each["path"].split("/")[2], each["status"]) for each in found]


async def connection(rig: Rig) -> Connection:
    async with rig.database.system() as session:
        return await session.get_one(Connection, HOST)


MOVED = {"redirect": (301, 301), "not_owned": (400, 404), "gone": (404, 404)}


@pytest.mark.parametrize(("answers", "statuses"), MOVED.items(), ids=MOVED)
async def test_renamed_org_is_followed_by_one_refresh(
    database: Database, engines: LocalServices, mint: TokenMint, answers: str, statuses: tuple[int, int]
) -> None:
    async with named_rig(database, engines, mint) as rig:
        first = await rig.registered(1)
        await rig.drain()
        assert await rig.states() == {first: "synced"}
        assert {host for host, _, _ in await requests_sent(rig)} == {OLD}
        version = (await connection(rig)).token_version

        await rename(rig, old_my_domain_answers=answers)
        await rig.org.control.delete("/calls")
        second = await rig.registered(2)
        await rig.drain()

        assert await rig.states() == {first: "synced", second: "synced"}
        told, *rest = await requests_sent(rig)
        tokens = [each for each in rest if each[1] == "oauth2"]
        assert told == (OLD, "data", statuses[0])
        assert tokens == [(OLD, "oauth2", statuses[1]), (LOGIN, "oauth2", 200)]
        assert {each for each in rest if each[1] == "data"} == {(NEW, "data", 200)}
        found = await connection(rig)
        assert (found.instance_url, found.token_version) == (f"http://{NEW}", version + 1)
        assert (found.state, found.fault_code) == ("connected", None)


async def test_renamed_org_of_who_signed_in_at_its_old_name_is_followed_too(
    database: Database, engines: LocalServices, mint: TokenMint
) -> None:
    async with named_rig(database, engines, mint, login=OLD) as rig:
        await rename(rig)
        reg = await rig.registered(1)
        await rig.drain()
        assert await rig.states() == {reg: "synced"}
        tokens = [each for each in await requests_sent(rig) if each[1] == "oauth2"]
        assert tokens == [(OLD, "oauth2", 301), (LOGIN, "oauth2", 200)]
        assert (await connection(rig)).instance_url == f"http://{NEW}"


async def test_grant_of_who_signed_in_at_an_old_name_is_revoked_all_the_same(
    database: Database, engines: LocalServices, mint: TokenMint
) -> None:
    async with named_rig(database, engines, mint) as rig:
        await rename(rig)
        token = str(rig.org.session["refresh_token"])
        async with database.system() as session:
            about = (session, rig.resources.vault, HOST)
            queued = await queue_revocation(*about, login_url=f"http://{OLD}", token=token)
        assert await try_revoke(rig.resources, queued)
        assert await requests_sent(rig) == [(OLD, "oauth2", 301), (LOGIN, "oauth2", 200)]
