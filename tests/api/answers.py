"""What tests of the API read from answers and from the audit log."""

from typing import Any

import httpx
from sqlalchemy import select

from app.infrastructure.database import Database
from app.models import AuditEntry


def body_of(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of a successful answer."""
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and problem code of a refusal."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


async def audited_actions(database: Database) -> list[tuple[str, dict[str, Any]]]:
    """Action and details of every audit entry, oldest first."""
    async with database.system() as session:
        entries = await session.scalars(select(AuditEntry).order_by(AuditEntry.seq))
        return [(entry.action, entry.details) for entry in entries]
