"""Engines, a simulator that rotates refresh tokens, and the one connection between the two."""

import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
from alembic import command
from sqlalchemy import select, update

from app.connections.model.encrypted_columns import ACCESS_TOKEN, REFRESH_TOKEN
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.infrastructure.migration_runner import alembic_config
from app.models import Connection
from chaos.process_group import ProcessGroup
from devtools.local_stack.local_services import LocalServices, die_with_parent, free_port
from devtools.local_stack.secrets import LocalSecrets

HOST: Final = "host_otters"
CONNECTED_AT: Final = datetime(2026, 11, 2, tzinfo=UTC)


@dataclass
class Stage:
    """The simulator's control API, the database and the connection between the two."""

    control: httpx.AsyncClient
    database: Database
    vault: Encryptor

    async def counted(self, name: str) -> int:
        calls = (await self.control.get("/calls")).json()
        return int(calls["uncounted"].get(name, 0))

    async def expire(self) -> None:
        await self.control.post("/expire-tokens")

    async def state(self) -> str:
        async with self.database.system() as session:
            found = await session.scalar(select(Connection.state).where(Connection.host_id == HOST))
        return str(found)

    async def is_settled(self) -> bool:
        """Whether no refresh is marked as under way."""
        async with self.database.system() as session:
            marker = select(Connection.refresh_started_at).where(Connection.host_id == HOST)
            return await session.scalar(marker) is None

    async def connect(self) -> dict[str, Any]:
        """A fresh grant of the simulator, in the place of whatever there was."""
        given: dict[str, Any] = (await self.control.get("/session")).json()
        values = connection_values(self.vault, given)
        async with self.database.system() as session:
            known = await session.get(Connection, HOST)
            if known is None:
                session.add(Connection(host_id=HOST, **values))
            else:
                changed = values | {"token_version": Connection.token_version + 1, "refresh_started_at": None}
                await session.execute(update(Connection).where(Connection.host_id == HOST).values(changed))
        return given


def connection_values(vault: Encryptor, given: Mapping[str, Any]) -> dict[str, Any]:
    """A row for a grant that the simulator's control API issued."""
    seal = vault.seal
    return {
        "state": "connected",
        "reason_code": None,
        "environment": "production",
        "login_url": given["login_url"],
        "client_id": given["client_id"],
        "org_id": given["org_id"],
        "instance_url": given["instance_url"],
        "user_id": given["user_id"],
        "api_version": "62.0",
        "access_token": seal(given["access_token"], host_id=HOST, column=ACCESS_TOKEN),
        "refresh_token": seal(given["refresh_token"], host_id=HOST, column=REFRESH_TOKEN),
        "connected_at": CONNECTED_AT,
        "connected_by": "chaos",
    }


async def build(parts: AsyncExitStack) -> tuple[Stage, ProcessGroup]:
    """Everything that a run needs, ended by `parts`; the herd has no child yet."""
    home = Path(parts.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp")))
    engines = LocalServices(home / "engines", is_durable=False)
    parts.callback(engines.discard)
    engines.start_postgres()
    await asyncio.to_thread(command.upgrade, alembic_config(engines.database_url), "head")
    url = await parts.enter_async_context(_simulator(home))
    control = await parts.enter_async_context(
        httpx.AsyncClient(base_url=f"{url}/_simulator", trust_env=False)
    )
    await control.put("/config", json={"rotation": True})
    secrets = LocalSecrets.of(home)
    database = Database.connect(engines.database_url, audit_key=b"chaos")
    parts.push_async_callback(database.close)
    stage = Stage(control, database, Encryptor.from_texts([secrets.encryption_key]))
    given = await stage.connect()
    env = {
        "DATABASE_URL": engines.database_url,
        "SIMULATOR_URL": url,
        "CHAOS_KEY": secrets.encryption_key,
        "CHAOS_CLIENT": json.dumps([given["client_id"], given["client_secret"]]),
    }
    herd = ProcessGroup(env)
    parts.push_async_callback(herd.stop)
    return stage, herd


@asynccontextmanager
async def _simulator(home: Path) -> AsyncIterator[str]:
    port = free_port()
    with (home / "simulator.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "salesforce_simulator", "--port", str(port), "--quiet"),
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
    url = f"http://127.0.0.1:{port}"
    try:
        await _answers(f"{url}/services/data")
        yield url
    finally:
        process.kill()
        await process.wait()


async def _answers(url: str) -> None:
    async with asyncio.timeout(30), httpx.AsyncClient(trust_env=False) as http:
        while True:
            try:
                await http.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            else:
                return
