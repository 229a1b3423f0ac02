"""`restored`: what is said once after a restore or a fail-over with a loss, before any process starts."""

import argparse
import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

from app.cli.migrate import say
from app.config.settings import Settings, load_settings
from app.infrastructure.audit_log import audit_key
from app.infrastructure.database import Database
from app.infrastructure.startup_checks import check_database, check_pepper
from app.recovery.restored import Declared, declare_restored


def restored(since: datetime, *, look_for_days: float) -> int:
    """Declare it. Raises SettingsInvalid, TimeImpossible, and what a start raises of a database."""
    return asyncio.run(_run(load_settings(), since, timedelta(days=look_for_days)))


async def _run(settings: Settings, since: datetime, looks_for: timedelta) -> int:
    async with Database.of(settings, audit_key=audit_key(settings.hash_pepper)) as database:
        await check_database(database)
        await check_pepper(database, settings.hash_pepper)
        window = timedelta(seconds=settings.times.in_doubt)
        async with database.system() as session:
            declared = await declare_restored(session, since, looks_for=looks_for, lost_write_window=window)
    for line in told(declared, window):
        say(line)
    return 0


def told(declared: Declared, window: timedelta) -> list[str]:
    """What was done, and what follows, for whoever ran it."""
    return [
        f"{declared.leases} leases ended; in doubt: {declared.running} jobs, {declared.in_doubt} writes",
        f"what may have been written since {_shown(declared.since)} is looked for until "
        f"{_shown(declared.looks_until)}",
        f"nothing that existed before is created before {_shown(declared.restored_at + window)}",
        "start the processes, then let the platform send its webhooks since then again",
    ]


def moment(given: str) -> datetime:
    """A time with its zone. Raises ArgumentTypeError."""
    with contextlib.suppress(ValueError):
        found = datetime.fromisoformat(given)
        if found.tzinfo is not None:
            return found
    raise argparse.ArgumentTypeError(f"{given!r} is no time with a zone, such as 2026-11-29T20:00:00Z")


def _shown(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
