"""What the platform is notified of, in tests: kept by the tests' own database, and read back."""

from typing import Any

import pytest
from sqlalchemy import select

from app.infrastructure.database import Database
from app.models import Notification


def keep_notifications(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process with NOTIFY_URL does, until the test ends."""
    monkeypatch.setitem(database.info, "keeps_notifications", True)


async def notified(database: Database, *, host_id: str = "host_a") -> list[tuple[str, str | None, Any]]:
    """Type, event and data of each, in the order of the facts."""
    async with database.system() as session:
        rows = await session.scalars(
            select(Notification).where(Notification.host_id == host_id).order_by(Notification.position)
        )
        return [(row.type, row.event_id, row.data) for row in rows]


async def types(database: Database, *, host_id: str = "host_a") -> list[str]:
    return [each[0] for each in await notified(database, host_id=host_id)]
