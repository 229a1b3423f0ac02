"""What must be true before a process starts to work, and what it says when it is not."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.database import Database
from app.database_faults import UNDEFINED_TABLE, DatabaseUnreachable, sqlstate, unreachable
from app.pepper import PepperChanged
from app.settings import SettingsInvalid
from app.vault import KeyInvalid, KeyMissing
from app.walls import fault_of_app, fault_of_system

T = TypeVar("T")

REVISION = text("SELECT version_num FROM alembic_version")


class SchemaMissing(Exception):
    """The database has no tables of ours yet."""


class RoleUnsafe(Exception):
    """A connection acts as somebody who sees or may do more, or less, than it should."""


CANNOT_START = (
    SettingsInvalid,
    DatabaseUnreachable,
    SchemaMissing,
    RoleUnsafe,
    KeyInvalid,
    KeyMissing,
    PepperChanged,
)
"""Faults of the configuration, each with a message that says what to set; anything else is our own fault."""


async def check_database(database: Database) -> str:
    """The revision of the database, after both engines proved to act as they should.

    Raises DatabaseUnreachable, SchemaMissing, RoleUnsafe.
    """
    revision = await _answer(database.system_variable, _revision, database)
    for variable, fault_of in (
        (database.system_variable, fault_of_system),
        (database.app_variable, fault_of_app),
    ):
        fault = await _answer(variable, fault_of, database)
        if fault is not None:
            raise RoleUnsafe(fault)
    return revision


async def _answer(variable: str, ask: Callable[[Database], Awaitable[T]], database: Database) -> T:
    try:
        return await ask(database)
    except (DBAPIError, OSError, TimeoutError) as error:
        if sqlstate(error) == UNDEFINED_TABLE:
            raise SchemaMissing(f"{variable} has no tables yet: run `eventship-salesforce migrate`") from None
        raise DatabaseUnreachable(unreachable(error, variable)) from error


async def _revision(database: Database) -> str:
    async with database.system() as session:
        return str((await session.execute(REVISION)).scalar_one())
