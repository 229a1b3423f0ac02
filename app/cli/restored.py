"""`restored`: what is said once after a restore or a fail-over with a loss, before any process starts."""

import argparse
import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.cli.migrate import say
from app.config.settings import Settings, load_settings
from app.infrastructure.audit_log import audit_key
from app.infrastructure.database import Database
from app.infrastructure.startup_checks import check_database, check_pepper
from app.privacy.journal import JournalEntry, export_journal, read_journal
from app.recovery.erasures import erase_again
from app.recovery.restored import Declared, declare_restored


@dataclass(frozen=True)
class Restored:
    """What is declared; `journals` are files of erasures."""

    since: datetime
    looks_for: timedelta
    journals: Sequence[Path] = ()


def restored(wish: Restored) -> int:
    """Declare it. Raises SettingsInvalid, TimeImpossible, JournalUnreadable, and what a start raises of a
    database.
    """
    return asyncio.run(_run(load_settings(), wish, read_journal(wish.journals)))


def export_erasures(since: datetime | None) -> int:
    """Print the erasures that the database knows as a journal. Raises what a start raises of a database."""
    return asyncio.run(_export(load_settings(), since))


async def _export(settings: Settings, since: datetime | None) -> int:
    async with Database.of(settings) as database, database.system() as session:
        for entry in await export_journal(session, since):
            say(entry.as_line())
    return 0


async def _run(settings: Settings, wish: Restored, erasures: Sequence[JournalEntry]) -> int:
    async with Database.of(settings, audit_key=audit_key(settings.hash_pepper)) as database:
        await check_database(database)
        await check_pepper(database, settings.hash_pepper)
        window = timedelta(seconds=settings.times.in_doubt)
        async with database.system() as session:
            declared = await declare_restored(
                session, wish.since, looks_for=wish.looks_for, lost_write_window=window
            )
        again = await erase_again(database, erasures, pepper=settings.hash_pepper)
    say(f"{again.entries} erasures done again: {again.registrations} registrations emptied")
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
