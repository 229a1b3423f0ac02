"""`worker --check`: whether a worker of this host lives, by the row that it writes."""

import asyncio
import socket
import sys
from typing import Final

from pydantic import Field
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.cli.healthy import say_health
from app.config.settings import DatabaseSettings, SettingsInvalid, Times, read_settings
from app.infrastructure.database import Database
from app.infrastructure.database_errors import first_line, is_away

ANSWER_SECONDS: Final = 5.0
MISSED_BEATS: Final = 3
SHORTEST_SILENCE: Final = 15.0
SILENCE = text("""
    SELECT extract(epoch FROM clock_timestamp() - max(beat_at))::float FROM worker_heartbeats
    WHERE hostname = :hostname
""")


class WorkerSettings(DatabaseSettings):
    """What is needed to find a worker's row."""

    times: Times = Field(default_factory=Times)


def check_worker() -> int:
    """0 when a worker of this host wrote its row of late, or when nobody can know: Postgres is away.

    A database that is away must not restart the fleet, and a worker that hangs ends by itself.
    """
    settings = read_settings(WorkerSettings)
    allowed = max(MISSED_BEATS * settings.times.heartbeat, SHORTEST_SILENCE)
    try:
        silence = asyncio.run(_silence(settings, socket.gethostname()))
    except (SQLAlchemyError, OSError) as error:
        return say_health(f"not known, Postgres does not tell ({first_line(error)})", is_well=is_away(error))
    if silence is None:
        return say_health("no worker of this host has a row", is_well=False)
    return say_health(f"last heartbeat {silence:.0f} s ago", is_well=silence <= allowed)


async def _silence(settings: DatabaseSettings, hostname: str) -> float | None:
    async with (
        Database.of(settings) as database,
        asyncio.timeout(ANSWER_SECONDS),
        database.system() as session,
    ):
        found: float | None = await session.scalar(SILENCE, {"hostname": hostname})
        return found


def main() -> int:
    """The same as a process; 2 for a fault of the settings."""
    try:
        return check_worker()
    except SettingsInvalid as fault:
        sys.stderr.write(f"{'; '.join(str(fault).splitlines())}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
