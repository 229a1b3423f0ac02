"""Runs migrations as the owner role, over one connection to the address that is handed in or DATABASE_URL."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection

from app.infrastructure.database import lone_engine
from app.infrastructure.migration_runner import begin, end, in_one_line, progress
from app.models import Base

say = context.config.attributes.get("say", lambda line: None)


def run(connection: Connection) -> None:
    if not begin(connection, say):
        return
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_server_default=False,
        on_version_apply=progress(connection, say),
    )
    with context.begin_transaction():
        context.run_migrations()
    end(connection, say)


async def run_over(url: str) -> None:
    engine = lone_engine(url)
    try:
        with in_one_line():
            async with engine.begin() as connection:
                await connection.run_sync(run)
    finally:
        await engine.dispose()


asyncio.run(run_over(context.config.attributes.get("url") or os.environ["DATABASE_URL"]))
