"""This worker's row in Postgres: who lives, since when, and how much it drains, by the database's clock."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.infrastructure.database import Database
from app.models import WorkerHeartbeat


@dataclass(frozen=True)
class Heartbeat:
    """Writes and removes the row of one worker process."""

    database: Database
    worker_id: str
    hostname: str
    pid: int

    async def beat(self, *, drains: int, is_stopping: bool, lives: float) -> bool:
        """Renew the worker's row, or create it again if it was deleted; says whether other workers are there.

        One counts for `lives` seconds after its last heartbeat, unless it is stopping.
        """
        others = (
            select(WorkerHeartbeat.worker_id)
            .where(WorkerHeartbeat.worker_id != self.worker_id, ~WorkerHeartbeat.is_stopping)
            .where(WorkerHeartbeat.beat_at > func.clock_timestamp() - timedelta(seconds=lives))
        )
        row = insert(WorkerHeartbeat).values(
            worker_id=self.worker_id,
            hostname=self.hostname,
            pid=self.pid,
            drains=drains,
            is_stopping=is_stopping,
        )
        async with self.database.system() as session:
            renewed = row.on_conflict_do_update(
                index_elements=[WorkerHeartbeat.worker_id],
                set_={
                    "beat_at": func.clock_timestamp(),
                    "drains": row.excluded.drains,
                    "is_stopping": row.excluded.is_stopping,
                },
            )
            return bool(await session.scalar(renewed.returning(others.exists())))

    async def end(self) -> None:
        """Remove the row: a worker that stopped by itself is no worker that fell silent."""
        async with self.database.system() as session:
            await session.execute(delete(WorkerHeartbeat).where(WorkerHeartbeat.worker_id == self.worker_id))
