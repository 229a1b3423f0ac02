"""Which transactions keep plans, and what ends it within one."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.acting_role import KEEPING_PLANS, LIMITS
from app.infrastructure.database import Database
from app.infrastructure.joined_texts import execute_together
from app.infrastructure.raw_connection import DedicatedConnection
from app.models import Host
from app.models.kept_plan import KeptPlan, kept_plan

SHOWN = ", ".join(f"current_setting('{name}')" for name in KEEPING_PLANS)
KEPT, OTHER = kept_plan(f"SELECT {SHOWN}, 'kept'"), text(f"SELECT {SHOWN}, 'other'")
KEEPING = (*KEEPING_PLANS.values(), "kept")
PLANNING = (LIMITS["plan_cache_mode"], "on", "on")
BY_KEY = kept_plan("SELECT name FROM hosts WHERE host_id = :host_id")
MADE = text("""
    SELECT generic_plans, custom_plans FROM pg_prepared_statements
    WHERE statement LIKE 'SELECT name FROM hosts WHERE host_id = %'
""")
PUT = "INSERT INTO hosts (host_id) VALUES (:host_id)"


@pytest.fixture
async def alone(migrated: str, database: Database) -> AsyncIterator[Database]:
    """One connection for each role, so that every transaction has the same."""
    pooled = Database.connect(migrated, pool=1)
    yield pooled
    await pooled.close()


async def shown(session: AsyncSession, statement: object) -> tuple[str, ...]:
    return tuple((await session.execute(statement)).one())  # type: ignore[call-overload]


async def test_tenant_keeps_plans_until_something_else_is_said(alone: Database) -> None:
    async with alone.tenant("host_a", keeps_plans=True) as session:
        assert await shown(session, KEPT) == KEEPING
        assert await shown(session, OTHER) == (*PLANNING, "other")
        assert await shown(session, KEPT) == (*PLANNING, "kept")
    async with alone.tenant("host_a") as session:
        assert await shown(session, KEPT) == (*PLANNING, "kept")


async def test_entities_are_planned_for_the_rows_that_are_there(alone: Database) -> None:
    async with alone.tenant("host_a", keeps_plans=True) as session:
        assert await shown(session, KEPT) == KEEPING
        await session.execute(Host.__table__.select())
        assert await shown(session, KEPT) == (*PLANNING, "kept")


async def test_first_statement_says_whether_the_system_keeps_plans(alone: Database) -> None:
    async with alone.system() as session:
        assert await shown(session, OTHER) == (*PLANNING, "other")
        assert await shown(session, KEPT) == (*PLANNING, "kept")
    async with alone.system() as session:
        assert await shown(session, KEPT) == KEEPING
        assert await shown(session, OTHER) == (*PLANNING, "other")


async def test_intake_keeps_plans_until_something_else_is_said(alone: Database) -> None:
    direct: DedicatedConnection = alone.direct()
    for _ in range(2):
        async with direct.unit_of_work() as statements:
            assert [tuple(row) for row in await statements.execute(KEPT, {})] == [KEEPING]
            assert [tuple(row) for row in await statements.execute(OTHER, {})] == [(*PLANNING, "other")]
    await direct.close()


async def test_kept_plan_is_made_once_for_a_connection(alone: Database) -> None:
    for number in range(3):
        async with alone.tenant(f"host_{number}", keeps_plans=True) as session:
            await session.execute(BY_KEY, {"host_id": f"host_{number}"})
    async with alone.tenant("host_a") as session:
        assert tuple((await session.execute(MADE)).one()) == (3, 0)
        await session.execute(BY_KEY, {"host_id": "host_a"})
        assert tuple((await session.execute(MADE)).one()) == (3, 1)


async def test_joined_changes_keep_their_plan_if_each_does(alone: Database) -> None:
    seen = []
    async with alone.system() as session:
        execute = session.execute

        async def noted(statement: object, values: object) -> object:
            seen.append(isinstance(statement, KeptPlan))
            return await execute(statement, values)  # type: ignore[call-overload]

        session.execute = noted  # type: ignore[method-assign,assignment]
        for number, change in enumerate((kept_plan(PUT), text(PUT))):
            changes = [(change, {"host_id": f"host_{number}"})]
            await execute_together(session, changes, (BY_KEY, {"host_id": "host_a"}))
    assert seen == [True, False]
