"""`python -m chaos.refresh`: many tasks in many processes meet an expired token, round after round.

The simulator rotates refresh tokens and ends a grant whose old token is used again, so a second refresh of
one expiry shows as a dead connection. Then processes are killed at random inside the refresh: the connection
must end alive, or as `needs_reconnect`, and never be asked for ever.
"""

import argparse
import asyncio
import base64
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
from alembic import command
from pydantic import SecretStr
from sqlalchemy import select, update
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.commands.migrate import alembic_config
from app.connections.sealing import ACCESS_TOKEN, REFRESH_TOKEN
from app.connections.service import open_client
from app.database import Database
from app.local import LocalEngines, die_with_parent, free_port
from app.machine.secrets import LocalSecrets
from app.main import open_resources
from app.models import Connection
from app.problems import Problem
from app.resources import Resources
from app.salesforce.errors import SalesforceError
from app.settings import Settings, Times
from app.vault import Vault

HOST: Final = "host_otters"
QUESTION: Final = "SELECT Id FROM Organization"
TOKEN_CALL: Final = "POST /services/oauth2/token"  # noqa: S105 - a door
REUSE: Final = "reuse of a refresh token"
HASTY: Final = Times(refresh_total=3.0, refresh_stale=4.0)
"""For rounds with kills, so that a lost answer is taken over soon."""
TRIES: Final = 8
FEW: Final = 10
"""Tasks in a round with kills: there it is the moment that counts."""
CONNECTED_AT: Final = datetime(2026, 11, 2, tzinfo=UTC)
WEBHOOK_SECRET: Final = f"whsec_{base64.b64encode(bytes(32)).decode()}"
SLOW_TOKENS: Final = {
    "kind": "latency",
    "count": 1_000_000,
    "seconds": 0.2,
    "match": {"path": "/services/oauth2/token"},
}
"""Time enough to be killed in the middle of a refresh."""
ROUND_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Size:
    """How much of it: a round is one expiry that all tasks of all processes meet."""

    processes: int = 4
    tasks: int = 50
    rounds: int = 100
    kill_rounds: int = 12
    seed: int = 1
    seconds: float = 170.0


@dataclass
class Figures:
    """What came of it. `failed_calls` are those that a busy machine kept waiting too long."""

    rounds: int = 0
    refreshes: int = 0
    extra_refreshes: int = 0
    reuses: int = 0
    dead_rounds: int = 0
    failed_calls: int = 0
    kill_rounds: int = 0
    kills: int = 0
    ended_alive: int = 0
    ended_needs_reconnect: int = 0
    ended_otherwise: int = 0
    most_requests_in_a_kill_round: int = 0
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """One refresh per expiry, no reuse without a crash, and every crash came to an end."""
        faults = (self.extra_refreshes, self.reuses, self.dead_rounds)
        return self.rounds > 0 and not any(faults) and not self.ended_otherwise


@dataclass
class Herd:
    """The child processes; each answers a line for a line."""

    env: Mapping[str, str]
    children: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def grow(self, count: int) -> None:
        """Start what is missing, all at once."""
        born = (self._born() for _ in range(count - len(self.children)))
        self.children += await asyncio.gather(*born)

    async def go(self, tasks: int) -> list[asyncio.Task[str]]:
        """Let every child begin a round at once; each task ends with what the child says."""
        for child in self.children:
            assert child.stdin is not None
            child.stdin.write(f"{tasks}\n".encode())
        return [asyncio.create_task(self._line(child)) for child in self.children]

    def kill(self, number: int) -> None:
        """kill -9; the answer of this child will be empty."""
        self.children.pop(number).kill()

    async def stop(self) -> None:
        for child in self.children:
            if child.returncode is None:
                child.kill()
                await child.wait()
        self.children.clear()

    async def _born(self) -> asyncio.subprocess.Process:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chaos.refresh", "--child"),
            env={**os.environ, **self.env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
        assert await self._line(child) == "ready"
        return child

    async def _line(self, child: asyncio.subprocess.Process) -> str:
        assert child.stdout is not None
        async with asyncio.timeout(ROUND_SECONDS):
            return (await child.stdout.readline()).decode().strip()


@dataclass
class Stage:
    """The simulator's door, the database and the connection between the two."""

    door: httpx.AsyncClient
    database: Database
    vault: Vault

    async def counted(self, name: str) -> int:
        calls = (await self.door.get("/calls")).json()
        return int(calls["uncounted"].get(name, 0))

    async def expire(self) -> None:
        await self.door.post("/expire-tokens")

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
        given: dict[str, Any] = (await self.door.get("/session")).json()
        values = connection_values(self.vault, given)
        async with self.database.system() as session:
            known = await session.get(Connection, HOST)
            if known is None:
                session.add(Connection(host_id=HOST, **values))
            else:
                changed = values | {"token_version": Connection.token_version + 1, "refresh_started_at": None}
                await session.execute(update(Connection).where(Connection.host_id == HOST).values(changed))
        return given


def connection_values(vault: Vault, given: Mapping[str, Any]) -> dict[str, Any]:
    """A row for a grant that the simulator's door handed out."""
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


async def run(size: Size) -> Figures:
    """Everything, on engines and a simulator of its own."""
    figures, started_at = Figures(), time.monotonic()
    async with AsyncExitStack() as parts:
        stage, herd = await _build(parts)
        await herd.grow(size.processes)
        started_at = time.monotonic()
        for _ in range(size.rounds):
            if time.monotonic() - started_at > size.seconds * 0.6:
                break
            await _round(stage, herd, size, figures)
        await herd.stop()
        hasty = Herd({**herd.env, "CHAOS_HASTY": "1"})
        parts.push_async_callback(hasty.stop)
        chance = random.Random(size.seed)  # noqa: S311 - a replayable choice
        await stage.door.post("/faults", json=SLOW_TOKENS)
        for _ in range(size.kill_rounds):
            await hasty.grow(size.processes)
            if time.monotonic() - started_at > size.seconds:
                break
            await _kill_round(stage, hasty, size, figures, chance)
    figures.seconds = time.monotonic() - started_at
    return figures


async def _round(stage: Stage, herd: Herd, size: Size, figures: Figures) -> None:
    before, reused = await stage.counted(TOKEN_CALL), await stage.counted(REUSE)
    await stage.expire()
    said = await asyncio.gather(*(await herd.go(size.tasks)))
    sent = await stage.counted(TOKEN_CALL) - before
    figures.rounds += 1
    figures.refreshes += sent
    figures.extra_refreshes += abs(sent - 1)
    figures.reuses += await stage.counted(REUSE) - reused
    figures.failed_calls += sum(int(line or 0) for line in said)
    if await stage.state() != "connected":
        figures.dead_rounds += 1
        await stage.connect()


async def _kill_round(stage: Stage, herd: Herd, size: Size, figures: Figures, chance: random.Random) -> None:
    before = await stage.counted(TOKEN_CALL)
    await stage.expire()
    answers = await herd.go(min(size.tasks, FEW))
    await asyncio.sleep(chance.uniform(0.0, 0.5))
    while len(herd.children) > 1 and chance.random() < 0.8:
        herd.kill(chance.randrange(len(herd.children)))
        figures.kills += 1
    await asyncio.gather(*answers)
    await herd.grow(size.processes)
    await _settle(stage, herd, size)
    state = await stage.state()
    is_over = await stage.is_settled()
    figures.kill_rounds += 1
    figures.ended_alive += state == "connected" and is_over
    figures.ended_needs_reconnect += state == "needs_reconnect"
    figures.ended_otherwise += not (is_over or state == "needs_reconnect")
    sent = await stage.counted(TOKEN_CALL) - before
    figures.most_requests_in_a_kill_round = max(sent, figures.most_requests_in_a_kill_round)
    if state != "connected":
        await stage.connect()


async def _settle(stage: Stage, herd: Herd, size: Size) -> None:
    """Ask on as workers do, until the connection answers or has ended."""
    for _ in range(TRIES):
        said = await asyncio.gather(*(await herd.go(1)))
        is_answered = all(line == "0" for line in said)
        if await stage.state() != "connected" or (is_answered and await stage.is_settled()):
            return


async def _build(parts: AsyncExitStack) -> tuple[Stage, Herd]:
    home = Path(parts.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp")))
    engines = LocalEngines(home / "engines", is_durable=False)
    parts.callback(engines.discard)
    engines.start_postgres()
    await asyncio.to_thread(command.upgrade, alembic_config(engines.database_url), "head")
    url = await parts.enter_async_context(_simulator(home))
    door = await parts.enter_async_context(httpx.AsyncClient(base_url=f"{url}/_simulator", trust_env=False))
    await door.put("/config", json={"rotation": True})
    secrets = LocalSecrets.of(home)
    database = Database.connect(engines.database_url)
    parts.push_async_callback(database.close)
    stage = Stage(door, database, Vault.from_texts([secrets.encryption_key]))
    given = await stage.connect()
    env = {
        "DATABASE_URL": engines.database_url,
        "SIMULATOR_URL": url,
        "CHAOS_KEY": secrets.encryption_key,
        "CHAOS_CLIENT": json.dumps([given["client_id"], given["client_secret"]]),
    }
    herd = Herd(env)
    parts.push_async_callback(herd.stop)
    return stage, herd


@asynccontextmanager
async def _simulator(home: Path) -> AsyncIterator[str]:
    port = free_port()
    with (home / "simulator.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "simulator", "--port", str(port), "--quiet"),
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


async def child() -> None:
    """One process: a line with a number of tasks begins a round, its answer is how many calls failed."""
    async with open_resources(_child_settings()) as resources:
        lines = await _stdin()
        _say("ready")
        while line := await lines.readline():
            calls = (_one_call(resources) for _ in range(int(line)))
            _say(str(sum(not is_good for is_good in await asyncio.gather(*calls))))


async def _one_call(resources: Resources) -> bool:
    for _ in range(TRIES):
        try:
            client = await open_client(resources, HOST)
            return len(await client.query(QUESTION)) == 1
        except (SalesforceError, Problem):
            return False
        except PoolTimeout:
            continue  # fifty tasks on a few connections of a busy machine: their turn comes
    return False


async def _stdin() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _child_settings() -> Settings:
    url = os.environ["SIMULATOR_URL"]
    client_id, client_secret = json.loads(os.environ["CHAOS_CLIENT"])
    return Settings.model_validate(
        {
            "database_url": os.environ["DATABASE_URL"],
            "database_pool": 15,
            "redis_url": "redis://127.0.0.1:1/0",
            "public_url": url,
            "dashboard_url": url,
            "webhook_secrets": WEBHOOK_SECRET,
            "encryption_keys": os.environ["CHAOS_KEY"],
            "jwks_url": url,
            "salesforce_login_url": url,
            "salesforce_sandbox_login_url": url,
            "salesforce_simulator_url": url,
            "salesforce_client_id": client_id,
            "salesforce_client_secret": SecretStr(client_secret),
            "times": HASTY if os.environ.get("CHAOS_HASTY") else Times(),
        }
    )


def main(arguments: list[str] | None = None) -> int:
    """Print the figures; 1 when one of them is not what it must be."""
    parser = argparse.ArgumentParser(prog="python -m chaos.refresh", description=main.__doc__)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    for name in ("processes", "tasks", "rounds", "kill_rounds", "seed"):
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=int, default=getattr(Size, name))
    chosen = vars(parser.parse_args(arguments))
    if chosen.pop("child"):
        asyncio.run(child())
        return 0
    figures = asyncio.run(run(Size(**chosen)))
    for name, value in vars(figures).items():
        _say(f"{name.replace('_', ' '):<32} {round(value, 1)}")
    return 0 if figures.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
