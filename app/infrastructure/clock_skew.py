"""Our clock beside the database's: webhooks and bearer tokens are judged by ours, all else by the other."""

import logging
import time
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import Database
from app.infrastructure.log_limit import LogLimit

log = logging.getLogger(__name__)
limit = LogLimit(log)

SKEW_SECONDS_MAX: Final = 60.0
"""A fifth of what webhooks may be away; senders' clocks need the rest."""
THEIRS: Final = text("SELECT extract(epoch FROM clock_timestamp())::float8")


@dataclass(frozen=True)
class Skew:
    """How far our clock is ahead of the database's; a slow answer may be wrong by `uncertain` seconds."""

    seconds: float
    uncertain: float

    @property
    def fault(self) -> str | None:
        """In words, when it is certainly more than may be."""
        if abs(self.seconds) - self.uncertain <= SKEW_SECONDS_MAX:
            return None
        side = "ahead of" if self.seconds > 0 else "behind"
        return f"{abs(self.seconds):.0f} s {side} the database's"


async def read_skew(session: AsyncSession) -> Skew:
    """Compare the clocks; one that is too far away is logged, once a minute."""
    asked_at, began = own_time(), time.monotonic()
    theirs: float = (await session.execute(THEIRS)).scalar_one()
    uncertain = (time.monotonic() - began) / 2
    skew = Skew(asked_at + uncertain - theirs, uncertain)
    if skew.fault is not None:
        limit.log(
            logging.ERROR, "clock_skewed", key="clock", fault=skew.fault, seconds=round(skew.seconds, 1)
        )
    return skew


async def compare_clocks(database: Database) -> Skew:
    """The same with a session of its own."""
    async with database.system() as session:
        return await read_skew(session)


def own_time() -> float:
    """Seconds since 1970 by this machine."""
    return time.time()
