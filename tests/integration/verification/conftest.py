"""A host with written registrations, the calls of its owner, and the worker's turns."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select, text, update

from app.api.auth import Principal, Role
from app.api.calls import EventCall
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.models import Connection, Verification, VerificationDifference
from app.registrations.schemas import RetryOutcome
from app.verification.repair import repair
from app.verification.requests import read_verification, start_verification
from app.verification.run import run_verifications
from app.verification.schemas import RepairToStart, VerificationShown
from tests.integration.sync.conftest import EVENT, HOST, Rig, opened_rig

REGISTERED = {"registered": "Registered", "attended": "Attended"}


@dataclass
class Verifier:
    """What an owner asks for, and what workers do."""

    rig: Rig

    @property
    def call(self) -> EventCall:
        principal = Principal("user_17", {HOST: Role.OWNER}, frozenset())
        return EventCall(HOST, principal, self.rig.resources, EVENT)

    async def written(self, number: int = 1, **changes: Any) -> list[str]:
        """Registrations that are in Salesforce, members of the linked campaign."""
        campaign = await self.rig.org.campaign(labels=("Registered", "Attended*"))
        await self.rig.link(campaign, **REGISTERED)
        regs = [await self.rig.registered(each, **changes) for each in range(1, number + 1)]
        await self.rig.drain()
        assert set((await self.rig.states()).values()) == {"synced"}
        return regs

    async def start(self) -> VerificationShown:
        return await start_verification(self.call)

    async def turn(self, **given: Any) -> VerificationShown:
        """What a worker does now; everything that waits is due."""
        async with self.rig.database.system() as session:
            await session.execute(update(Verification).values(due_at=text("clock_timestamp()")))
        await run_verifications(self.rig.resources, **given)
        return await self.read()

    async def verify(self, **given: Any) -> VerificationShown:
        await self.start()
        return await self.turn(**given)

    async def read(self, *, limit: int = 200, cursor: str | None = None) -> VerificationShown:
        return await read_verification(self.call, limit=limit, cursor=cursor)

    async def kinds(self) -> list[tuple[str, str]]:
        """What the latest run found."""
        return [(each.registration_id, each.kind) for each in (await self.read()).items]

    async def repair(self, *ids: str, dry_run: bool = False) -> RetryOutcome:
        wish = {"registration_ids": list(ids)} if ids else {"all": True}
        return await repair(self.call, RepairToStart.model_validate({**wish, "dry_run": dry_run}))

    async def run(self) -> Verification:
        async with self.rig.database.system() as session:
            return (await session.scalars(select(Verification))).one()

    async def differences(self) -> list[VerificationDifference]:
        async with self.rig.database.system() as session:
            return list(await session.scalars(select(VerificationDifference)))

    async def connection(self, **changes: Any) -> None:
        async with self.rig.database.system() as session:
            await session.execute(update(Connection).where(Connection.host_id == HOST).values(**changes))

    async def may_view_all(self, *objects: str) -> None:
        """The connected user has a permission set that shows every record of these objects."""
        async with self.rig.database.system() as session:
            user_id = (await session.get_one(Connection, HOST)).user_id
        sets = [{"name": "View_All", "view_all": list(objects), "users": [user_id]}]
        await self.rig.org.configure(permission_sets=sets)

    async def purge(self, sobject: str, record_id: str) -> None:
        """Deletes a record, and empties the recycle bin."""
        await self.rig.delete(sobject, record_id)
        assert (await self.rig.org.control.post("/empty-bin")).json()["emptied"] >= 1

    async def record(self, registration_id: str, slot: str) -> str:
        return str((await self.rig.slots(registration_id))[slot].sf_id)

    async def calls(self) -> int:
        return int((await self.rig.org.calls())["total"])


@pytest.fixture
async def verifier(database: Database, settings: Settings) -> AsyncIterator[Verifier]:
    async with opened_rig(database, settings) as rig:
        yield Verifier(rig)
