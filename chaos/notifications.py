"""`python -m chaos.notifications`: facts, while senders die, Postgres restarts and the receiver refuses.

A fact is a backfill that is done; the same transaction writes its notification. In the end the platform must
have received one notification for each fact, each with its number, and none for what was rolled back. The
control run sends at most once: there the same check must find damage.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alembic import command
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.campaigns.backfill import start_backfill
from app.config.webhook_secret import WebhookSecret
from app.infrastructure.database import Database
from app.infrastructure.encryption import new_key
from app.infrastructure.migration_runner import alembic_config
from app.models import Backfill, Notification
from app.notifications.delivery import enable_receiver
from app.states import BackfillState, NotificationState
from chaos.fork_client import ForkClient, ForkedProcess
from chaos.notification_figures import SHORT, Figures, Size
from chaos.notification_receiver import Receiver
from chaos.refresh_child import WEBHOOK_SECRET
from devtools.local_stack.local_services import LocalServices

WRITERS: Final = 6
AWAY: Final = (DBAPIError, PoolTimeout, OSError)
OPERATOR_SECONDS: Final = 0.3
"""How long after a 410 somebody enables the receiver again."""


class RolledBack(Exception):
    """The transaction of a fact that did not become one."""


@dataclass
class Rig:
    """What a run needs."""

    size: Size
    engines: LocalServices
    database: Database
    receiver: Receiver
    forks: ForkClient
    environment: dict[str, str]
    chance: random.Random
    senders: list[ForkedProcess]
    made: int = 0
    kills: int = 0
    restarts: int = 0
    gone: int = 0

    def grow(self) -> None:
        """Start the senders that are missing."""
        self.senders = [each for each in self.senders if each.is_alive]
        for _ in range(self.size.senders - len(self.senders)):
            self.senders.append(self.forks.fork("sender", "notifier", env=self.environment))

    def kill(self) -> None:
        """kill -9 one of them."""
        self.chance.choice(self.senders).signal(signal.SIGKILL)
        self.kills += 1

    def restart_postgres(self) -> None:
        """An immediate stop, as if its machine had gone, and the recovery."""
        pid = int((self.engines.data_directory / "postmaster.pid").read_text().split("\n")[0])
        os.kill(pid, signal.SIGQUIT)
        self.engines.stop()
        self.engines.start_postgres()
        self.restarts += 1


async def run(size: Size, *, is_control: bool = False) -> Figures:
    """Everything, on an engine of its own."""
    async with AsyncExitStack() as parts:
        rig = await _build(parts, size, is_control=is_control)
        begun = time.monotonic()
        writing = [asyncio.create_task(_write(rig)) for _ in range(WRITERS)]
        await _trouble(rig)
        await asyncio.gather(*writing)
        await _settle(rig)
        async with rig.database.system() as session:
            done = select(Backfill.backfill_id).where(Backfill.state == BackfillState.DONE)
            facts = (await session.scalars(done)).all()
        figures = Figures.of(facts, rig.receiver.payloads())
        figures.forged, figures.changed = rig.receiver.forged, rig.receiver.changed
        figures.repeats = rig.receiver.answers.total() - figures.received
        figures.kills, figures.restarts, figures.gone = rig.kills, rig.restarts, rig.gone
        figures.seconds = time.monotonic() - begun
    return figures


async def _build(parts: AsyncExitStack, size: Size, *, is_control: bool) -> Rig:
    home = Path(parts.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp")))
    engines = LocalServices(home / "engines")
    parts.callback(engines.discard)
    await asyncio.to_thread(engines.start_postgres)
    await asyncio.to_thread(command.upgrade, alembic_config(engines.database_url), "head")
    database = Database.connect(engines.database_url, audit_key=b"chaos", keeps_notifications=True)
    parts.push_async_callback(database.close)
    chance = random.Random(size.seed)  # noqa: S311 - a replayable choice
    receiver = Receiver(WebhookSecret.parse(WEBHOOK_SECRET), chance)
    server = await parts.enter_async_context(await receiver.serve())
    environment = {
        **os.environ,
        "DATABASE_URL": engines.database_url,
        "RECEIVER_URL": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
        "CHAOS_KEY": new_key("chaos"),
        **({"CHAOS_CONTROL": "1"} if is_control else {}),
    }
    forks = parts.enter_context(ForkClient(home / "logs"))
    rig = Rig(size, engines, database, receiver, forks, environment, chance, [])
    await asyncio.to_thread(rig.grow)
    return rig


async def _write(rig: Rig) -> None:
    """Make facts until there were enough tries, and here and there something that is none."""
    while rig.made < rig.size.facts:
        rig.made += 1
        host_id = f"host_{rig.made % rig.size.hosts}"
        with suppress(RolledBack, *AWAY):
            async with rig.database.tenant(host_id) as session:
                event_id = f"evt_{rig.made}"
                await start_backfill(
                    session,
                    host_id,
                    event_id,
                    org_id="org",
                    reason="request",
                    requested_by="chaos",
                    is_kept_empty=True,
                )
                await asyncio.sleep(rig.chance.uniform(0, 0.05))
                if rig.chance.random() < 0.1:
                    raise RolledBack
        await asyncio.sleep(0.02)


async def _trouble(rig: Rig) -> None:
    """Spread kills, restarts and a 410 over the time in which facts are made."""
    restarts = {rig.size.kills * (n + 1) // (rig.size.restarts + 1) for n in range(rig.size.restarts)}
    for turn in range(rig.size.kills):
        until = (turn + 1) / (rig.size.kills + 1) * rig.size.facts
        while rig.made < until:  # noqa: ASYNC110 -- six writers count it
            await asyncio.sleep(0.02)
        await asyncio.to_thread(rig.kill)
        if turn == rig.size.kills // 2:
            await _be_gone(rig)
        if turn in restarts:
            await asyncio.to_thread(rig.restart_postgres)
        await asyncio.to_thread(rig.grow)


async def _be_gone(rig: Rig) -> None:
    """Answer 410 until it was heard; an operator enables the receiver again a little later."""
    rig.receiver.is_gone = True
    async with asyncio.timeout(rig.size.settle_seconds):
        while not rig.receiver.answers["410"]:
            await asyncio.to_thread(rig.grow)
            await asyncio.sleep(0.05)
    await asyncio.sleep(OPERATOR_SECONDS)
    rig.receiver.is_gone = False
    rig.gone += 1
    await _enable(rig)


async def _enable(rig: Rig) -> None:
    with suppress(*AWAY):
        async with rig.database.system() as session:
            await enable_receiver(session)


async def _settle(rig: Rig) -> None:
    """Wait until nothing is pending; whatever does not end shows as missing."""
    deadline = time.monotonic() + rig.size.settle_seconds
    while time.monotonic() < deadline:
        await _enable(rig)
        async with rig.database.system() as session:
            pending = select(Notification.host_id).where(Notification.state == NotificationState.PENDING)
            if (await session.execute(pending.limit(1))).first() is None:
                return
        await asyncio.sleep(0.1)


def main(arguments: list[str] | None = None) -> int:
    """Print the figures of a run and of its control; 1 when one of them is not what it must be."""
    parser = argparse.ArgumentParser(prog="python -m chaos.notifications", description=main.__doc__)
    parser.add_argument("--size", choices=("short", "normal"), default="normal")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    shape = SHORT if chosen.size == "short" else Size()
    size = Size(**{**vars(shape), "seed": chosen.seed})
    figures, control = asyncio.run(run(size)), asyncio.run(run(size, is_control=True))
    for name, value in vars(figures).items():
        sys.stdout.write(f"{name:<10} {round(value, 1):>8} {round(vars(control)[name], 1):>8} (control)\n")
    return 0 if figures.is_good and control.has_damage else 1


if __name__ == "__main__":
    sys.exit(main())
