"""Closing what must wait: a connection that Salesforce refuses, an org that wants to be left alone."""

import random
from datetime import timedelta

from sqlalchemy import ColumnElement, func, literal, update

from app import audit
from app.database import Database
from app.models import Connection, OrgLease
from app.salesforce.errors import Failure
from app.sync.leases import Lease
from app.sync.policy import closing_reason, org_wait

UNAVAILABLE = "unavailable"
BATCH_MIN = 10


async def close_connection(database: Database, host_id: str, failure: Failure) -> None:
    """Salesforce refuses the whole connection: rows wait, none fails, the card says why."""
    reason = closing_reason(failure)
    async with database.tenant(host_id) as session:
        closed = await session.execute(
            update(Connection)
            .where(Connection.host_id == host_id, Connection.state == "connected")
            .values(
                state="needs_reconnect",
                state_since=func.clock_timestamp(),
                reason_code=reason,
                version=Connection.version + 1,
            )
            .returning(Connection.org_id)
        )
        org_id = closed.scalar()
        if org_id is not None:
            about = {"org_id": org_id, "reason_code": reason, "error": failure.error_code}
            await audit.record(
                session, host_id, actor="system", action="salesforce.connection_ended", details=about
            )


async def back_off(database: Database, lease: Lease, failure: Failure | None, *, is_slow: bool) -> None:
    """Leave the org alone for a while; longer with every end in a row that brought no useful answer."""
    lease.failures += 1
    wait = org_wait(failure, lease.failures, random.random())  # noqa: S311 -- jitter
    async with database.system() as session:
        await session.execute(
            update(OrgLease)
            .where(OrgLease.org_id == lease.org_id, OrgLease.fence == lease.fence)
            .values(
                failures=OrgLease.failures + 1,
                is_slow=is_slow,
                batch_size=_smaller() if is_slow else OrgLease.batch_size,
                not_before=func.clock_timestamp() + literal(timedelta(seconds=wait.seconds)),
                not_before_reason=wait.reason,
            )
        )


def _smaller() -> ColumnElement[int]:
    """What took too long is tried with half as many rows."""
    return func.greatest(BATCH_MIN, OrgLease.batch_size // 2)


async def note_health(database: Database, lease: Lease, *, batch_size: int) -> None:
    """The org answers: forget its failures and keep the batch size that suits it."""
    if lease.failures == 0 and batch_size == lease.batch_size:
        return
    lease.failures, lease.batch_size = 0, batch_size
    async with database.system() as session:
        await session.execute(
            update(OrgLease)
            .where(OrgLease.org_id == lease.org_id, OrgLease.fence == lease.fence)
            .values(failures=0, is_slow=False, not_before=None, not_before_reason=None, batch_size=batch_size)
        )
