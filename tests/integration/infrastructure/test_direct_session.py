"""Texts that a session sends by the driver: same transaction, walls and errors as everything else in it."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError, NotSupportedError, PendingRollbackError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.infrastructure.database import Database
from app.infrastructure.direct_session import DirectSession
from app.infrastructure.joined_texts import Read, execute_together, read_ahead
from app.models import Host
from tests.statements import statements_of
from tests.waiting import until

PUT = text("INSERT INTO hosts (host_id, name) VALUES (:host_id, :name)")
NAMES = text("SELECT host_id, name FROM hosts ORDER BY host_id")
RENAME = text("UPDATE hosts SET name = :name WHERE host_id = :host_id")
TENANT = text("SELECT current_setting('app.host_id', true)")


def put(host_id: str, name: str = "Otter") -> dict[str, str]:
    return {"host_id": host_id, "name": name}


async def names(database: Database) -> dict[str, str]:
    async with database.system() as session:
        return {row.host_id: row.name for row in await session.execute(NAMES)}


async def test_texts_alone_make_no_session(database: Database) -> None:
    async with database.tenant("host_a") as session:
        await session.execute(PUT, put("host_a"))
        assert (await session.execute(RENAME, put("host_a", "Vole"))).rowcount == 1  # type: ignore[attr-defined]
        assert (await session.execute(NAMES)).one().name == "Vole"
        assert await session.scalar(NAMES) == "host_a"
        assert (await session.scalars(NAMES)).all() == ["host_a"]
        assert isinstance(session, DirectSession)
        assert "sync_session" not in vars(session)
    assert await names(database) == {"host_a": "Vole"}


@pytest.mark.parametrize("is_text_first", [True, False])
async def test_texts_and_entities_share_one_transaction(database: Database, *, is_text_first: bool) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.system() as session:
            if is_text_first:
                await session.execute(PUT, put("host_a"))
            session.add(Host(host_id="host_b", name="Vole"))
            await session.flush()
            if not is_text_first:
                await session.execute(PUT, put("host_a"))
            assert len((await session.scalars(select(Host))).all()) == 2
            assert len((await session.execute(NAMES)).all()) == 2
            raise ZeroDivisionError
    assert await names(database) == {}


async def test_what_was_added_beside_texts_is_committed_with_them(database: Database) -> None:
    async with database.system() as session:
        await session.execute(PUT, put("host_a"))
        session.add(Host(host_id="host_b", name="Vole"))
    assert await names(database) == {"host_a": "Otter", "host_b": "Vole"}


async def test_texts_see_what_was_added_or_changed_before_them(database: Database) -> None:
    async with database.tenant("host_a") as session:
        host = Host(host_id="host_a", name="Vole")
        session.add(host)
        assert await session.scalar(NAMES) == "host_a"
        host.name = "Newt"
        assert (await session.execute(RENAME, put("host_a", "Heron"))).rowcount == 1  # type: ignore[attr-defined]
    assert await names(database) == {"host_a": "Heron"}


@pytest.mark.parametrize("has_entity", [True, False])
async def test_what_was_rolled_back_is_not_committed(database: Database, *, has_entity: bool) -> None:
    async with database.tenant("host_a") as session:
        await session.execute(PUT, put("host_a"))
        if has_entity:
            assert await session.get(Host, "host_a")
        await session.rollback()
    assert await names(database) == {}


async def test_no_text_goes_on_after_a_flush_that_failed(database: Database) -> None:
    with pytest.raises(PendingRollbackError):
        async with database.tenant("host_a") as session:
            await session.execute(PUT, put("host_a"))
            session.add(Host(host_id="host_a"))
            with pytest.raises(IntegrityError):
                await session.flush()
            with pytest.raises(PendingRollbackError):
                await session.scalar(TENANT)
    assert await names(database) == {}


async def test_a_text_whose_table_was_changed_is_prepared_anew(migrated: str, owner: AsyncEngine) -> None:
    """By a migration, while connections are kept that prepared it before: it is refused once."""
    found = text("SELECT * FROM otters")
    async with owner.begin() as connection:
        await connection.execute(text("CREATE TABLE otters (name text)"))
        await connection.execute(text("GRANT SELECT ON otters TO eventship_system"))
    async with Database.connect(migrated, pool=1) as database:
        async with database.system() as session:
            assert (await session.execute(found)).keys() == ["name"]
        async with owner.begin() as connection:
            await connection.execute(text("ALTER TABLE otters ADD COLUMN weight int"))
        with pytest.raises(NotSupportedError):
            async with database.system() as session:
                await session.execute(found)
        async with database.system() as session:
            assert (await session.execute(found)).keys() == ["name", "weight"]
    async with owner.begin() as connection:
        await connection.execute(text("DROP TABLE otters"))


async def test_a_text_that_fails_within_a_savepoint_ends_it_alone(database: Database) -> None:
    async with database.system() as session:
        await session.execute(PUT, put("host_a"))
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                await session.execute(PUT, put("host_a"))
        await session.execute(PUT, put("host_b"))
    assert list(await names(database)) == ["host_a", "host_b"]


async def test_what_a_text_is_refused_for_is_told_as_ever(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.system() as session:
            await session.execute(PUT, put("host_a"))
            await session.execute(PUT, put("host_a"))
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with database.tenant("host_a") as session:
            await session.execute(PUT, put("host_b"))
    assert await names(database) == {}


async def test_parameters_that_have_to_be_prepared_are(database: Database) -> None:
    typed = text("SELECT :value ->> 'a'").bindparams(bindparam("value", type_=JSONB))
    preset = text("SELECT CAST(:value AS text)").bindparams(value="vole")
    async with database.system() as session:
        assert await session.scalar(typed, {"value": {"a": "otter"}}) == "otter"
        assert await session.scalar(preset) == "vole"


@pytest.mark.parametrize("host_id", ["host_a", "", "o'tter", 'o"tter\\', "$1 :x", "ötter 🦦"])
async def test_a_tenant_is_bound_by_the_begin_of_its_transaction(database: Database, host_id: str) -> None:
    app, _ = database.engines
    with statements_of(app) as heard:
        async with database.tenant(host_id) as session:
            assert await session.scalar(TENANT) == host_id
    assert len(heard) == 1


async def test_the_next_transaction_of_a_connection_knows_no_tenant(database: Database) -> None:
    async with database.tenant("host_a") as session:
        await session.execute(PUT, put("host_a"))
    app, _ = database.engines
    async with app.connect() as connection:
        assert await connection.scalar(TENANT) in (None, "")
        assert (await connection.execute(NAMES)).all() == []


async def test_changes_are_carried_out_in_one_statement(database: Database) -> None:
    _, system = database.engines
    returning = text("UPDATE hosts SET name = :name WHERE host_id = :host_id RETURNING name")
    async with database.system() as session:
        await session.execute(PUT, put("host_a"))
        changes = [(PUT, put("host_b", "Vole")), (PUT, put("host_c", "Heron"))]
        with statements_of(system) as heard:
            found = await execute_together(session, changes, (returning, put("host_a", "Newt")))
        assert found.scalars().all() == ["Newt"]
    assert len(heard) == 1
    assert await names(database) == {"host_a": "Newt", "host_b": "Vole", "host_c": "Heron"}


async def test_colons_of_joined_changes_stay_what_they_are(database: Database) -> None:
    change = text("INSERT INTO hosts (host_id, name) VALUES (:host_id, :name || '\\:name' || 'a'::text)")
    async with database.system() as session:
        await execute_together(session, [(change, put("host_a"))], (PUT, put("host_b")))
    assert await names(database) == {"host_a": "Otter:namea", "host_b": "Otter"}


async def test_a_commit_that_is_refused_is_told_as_ever(migrated: str, owner: AsyncEngine) -> None:
    async with owner.begin() as connection:
        await connection.execute(text("CREATE TABLE voles (name text UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
        await connection.execute(text("GRANT SELECT, INSERT ON voles TO eventship_system"))
    name, count = text("INSERT INTO voles VALUES ('vole')"), text("SELECT count(*) FROM voles")
    async with Database.connect(migrated, pool=1) as database:
        async with database.system() as session:
            await session.execute(name)
        with pytest.raises(IntegrityError):
            async with database.system() as session:
                await session.execute(name)
        async with database.system() as session:
            assert await session.scalar(count) == 1
    async with owner.begin() as connection:
        await connection.execute(text("DROP TABLE voles"))


SLOW_COMMIT = """
    CREATE TABLE newts (name text);
    GRANT INSERT ON newts TO eventship_system;
    CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER late AFTER INSERT ON newts DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION sleep()
"""

SLEEPS = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid AND wait_event = 'PgSleep'")


@pytest.mark.parametrize("last", ["INSERT INTO newts VALUES ('newt')", "SELECT pg_sleep(3)"])
async def test_a_connection_is_not_used_again_whose_transaction_was_cancelled(
    migrated: str, owner: AsyncEngine, last: str
) -> None:
    """In the middle of its commit, or before."""
    mine = text("SELECT pg_backend_pid()")
    async with owner.begin() as connection:
        for each in SLOW_COMMIT.split(";\n"):
            await connection.execute(text(each))
    async with Database.connect(migrated, pool=1) as database:
        async with database.system() as session:
            before = await session.scalar(mine)

        async def work() -> None:
            async with database.system() as session:
                assert await session.scalar(mine) == before
                await session.execute(text(last))

        async def sleeps() -> bool:
            async with owner.connect() as connection:
                return bool(await connection.scalar(SLEEPS, {"pid": before}))

        working = asyncio.create_task(work())
        await until(sleeps)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        async with database.system() as session:
            assert await session.scalar(mine) != before
    async with owner.begin() as connection:
        await connection.execute(text("DROP TABLE newts"))
        await connection.execute(text("DROP FUNCTION sleep"))


TYPES = text("""
    SELECT CAST(:word AS text) AS word, CAST('{"a": [1, null]}' AS jsonb) AS body,
           CAST(NULL AS text) AS nothing, CAST('2026-01-02 03:04:05.6+01' AS timestamptz) AS at,
           CAST('a' AS bytea) AS bytes, ARRAY['x'] AS list
    FROM generate_series(1, :rows) AS number
""")
NUMBERS = text("SELECT number FROM generate_series(1, :rows) AS number ORDER BY number DESC")


@pytest.fixture
def heard(database: Database) -> Any:
    """The statements that a tenant's session sends."""
    with statements_of(database.engines[0]) as found:
        yield found


async def test_what_was_read_ahead_is_handed_out_once_as_if_it_had_been_asked_alone(
    database: Database, heard: list[str]
) -> None:
    asked: list[Read] = [
        (TYPES, {"word": "otter", "rows": 2}),
        (NUMBERS, {"rows": 3}),
    ]
    async with database.tenant("host_a") as session:
        alone = [(await session.execute(each[0], each[1])).all() for each in asked]
        heard.clear()
        await read_ahead(session, asked)
        ahead = [(await session.execute(each[0], each[1])).all() for each in asked]
        assert (len(heard), ahead) == (1, alone)
        assert (ahead[0][0].word, ahead[0][0].body, ahead[0][0].nothing) == ("otter", {"a": [1, None]}, None)
        assert [type(value) for value in ahead[0][0]] == [type(value) for value in alone[0][0]]
        assert (await session.execute(NUMBERS, asked[1][1])).all() == alone[1]
        assert len(heard) == 2


async def test_what_was_read_ahead_answers_no_other_question(database: Database, heard: list[str]) -> None:
    async with database.tenant("host_a") as session:
        await read_ahead(session, [(NUMBERS, {"rows": 3})])
        assert (await session.scalars(NUMBERS, {"rows": 1})).all() == [1]
        assert (await session.scalars(NUMBERS, {"rows": 3})).all() == [3, 2, 1]
    assert len(heard) == 3


async def test_reads_ahead_see_the_rows_of_their_tenant_alone(database: Database) -> None:
    async with database.system() as session:
        await session.execute(PUT, put("host_a"))
        await session.execute(PUT, put("host_b"))
    async with database.tenant("host_b") as session:
        await read_ahead(session, [(NAMES, {})])
        assert (await session.scalars(NAMES, {})).all() == ["host_b"]
