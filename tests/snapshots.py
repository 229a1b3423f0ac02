"""The database as it was: what a restored backup looks like to the service, without the time of a restore."""

import json
from dataclasses import dataclass
from typing import Self

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.models import Base

TABLES = tuple(table.name for table in Base.metadata.sorted_tables)


@dataclass(frozen=True)
class Snapshot:
    """All rows of all tables."""

    rows: dict[str, str]

    @classmethod
    async def take(cls, owner: AsyncEngine) -> Self:
        async with owner.connect() as connection:
            query = "SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]')::text FROM {} AS t"
            return cls({name: await connection.scalar(text(query.format(name))) or "" for name in TABLES})

    async def restore(self, owner: AsyncEngine) -> None:
        async with owner.begin() as connection:
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            for name, rows in self.rows.items():
                await connection.execute(text(f"DELETE FROM {name}"))
                if json.loads(rows):
                    columns = ", ".join(Base.metadata.tables[name].columns.keys())
                    await connection.execute(
                        text(
                            f"INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} "
                            f"FROM jsonb_populate_recordset(CAST(NULL AS {name}), CAST(:rows AS jsonb))"
                        ),
                        {"rows": rows},
                    )
