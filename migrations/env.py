"""Runs migrations as the owner role, over a connection handed in or the one of DATABASE_URL."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, text

from app.database import OWNER_ROLE, ensure_roles, lone_engine
from app.models import Base


def run(connection: Connection) -> None:
    connection.execute(text(f"SET ROLE {OWNER_ROLE}"))
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.commit()
    context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=False)
    with context.begin_transaction():
        context.run_migrations()


async def run_over(url: str) -> None:
    await ensure_roles(url)
    engine = lone_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


asyncio.run(run_over(context.config.attributes.get("url") or os.environ["DATABASE_URL"]))
