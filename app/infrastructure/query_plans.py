"""Hints to the planner of Postgres, for one query."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@asynccontextmanager
async def hash_joins_only(session: AsyncSession) -> AsyncIterator[None]:
    """Registrations and jobs side by side: while statistics know nothing of an event that was imported just
    now, the planner would look through all jobs for each registration.
    """
    await session.execute(text("SET LOCAL enable_nestloop = off"))
    yield
    await session.execute(text("SET LOCAL enable_nestloop = on"))
