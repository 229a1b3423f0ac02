"""Checks before a process starts, and their messages."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.config.encryption_key import KeyInvalid
from app.config.settings import SettingsInvalid
from app.infrastructure.database import Database
from app.infrastructure.database_errors import NOT_MIGRATED, DatabaseUnreachable, sqlstate, unreachable
from app.infrastructure.database_roles import RightsMissing
from app.infrastructure.encryption import KeyMissing
from app.infrastructure.migration_runner import MigrationFailed
from app.infrastructure.restored_copy import RestoredCopy
from app.infrastructure.schema_revision import NOTHING, STAMP, SchemaMissing, SchemaUnfit, Stamp, schema_fault
from app.infrastructure.tenant_isolation import fault_of_app, fault_of_system

T = TypeVar("T")

PEPPER: Final = "pepper"
KEEP_CHECK: Final = text("""
    INSERT INTO key_checks (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING
""")
KNOWN_CHECK: Final = text("SELECT value FROM key_checks WHERE name = :name")


class RoleUnsafe(Exception):
    """A connection acts as somebody who sees or may do more, or less, than it should."""


class PepperChanged(Exception):
    """Keyed hashes in the database were made with another pepper."""


STARTUP_ERRORS = (
    SettingsInvalid,
    DatabaseUnreachable,
    SchemaMissing,
    SchemaUnfit,
    RightsMissing,
    MigrationFailed,
    RoleUnsafe,
    KeyInvalid,
    KeyMissing,
    PepperChanged,
    RestoredCopy,
)
"""Faults of the configuration, each with a message that says what to set; anything else is our own fault."""


async def check_database(database: Database) -> str:
    """The revision of the database, after its tables and both engines proved to be as this release needs.

    Raises DatabaseUnreachable, SchemaMissing, SchemaUnfit, RoleUnsafe.
    """
    stamp = await _answer(database.system_variable, read_stamp, database)
    fault = schema_fault(stamp)
    if fault is not None:
        raise SchemaUnfit(f"{database.system_variable} is {fault}")
    for variable, fault_of in (
        (database.system_variable, fault_of_system),
        (database.app_variable, fault_of_app),
    ):
        fault = await _answer(variable, fault_of, database)
        if fault is not None:
            raise RoleUnsafe(fault)
    return str(stamp["version_num"])


async def _answer(variable: str, ask: Callable[[Database], Awaitable[T]], database: Database) -> T:
    try:
        return await ask(database)
    except (DBAPIError, OSError, TimeoutError) as error:
        if sqlstate(error) in NOT_MIGRATED:
            raise SchemaMissing(f"{variable} has no tables yet: run `eventship-salesforce migrate`") from None
        raise DatabaseUnreachable(unreachable(error, variable)) from error


async def read_stamp(database: Database) -> Stamp:
    """What the migrations left behind about themselves."""
    async with database.system() as session:
        return await session.scalar(STAMP) or NOTHING


def check_value(pepper: bytes) -> bytes:
    """What is kept of the pepper; it cannot be got back from it."""
    return hashlib.blake2b(b"check", key=pepper, digest_size=32, person=b"evs-check").digest()


async def check_pepper(database: Database, pepper: bytes) -> None:
    """Refuse to start with another pepper than the first process had. Raises PepperChanged."""
    async with database.system() as session:
        await session.execute(KEEP_CHECK, {"name": PEPPER, "value": check_value(pepper)})
        known = await session.scalar(KNOWN_CHECK, {"name": PEPPER})
    if known != check_value(pepper):
        raise PepperChanged(
            "PEPPER is not the one that this database's hashes were made with, so erased people would come "
            "back: set it to what `eventship-salesforce keys pepper` prints while ENCRYPTION_KEYS still ends "
            "with the oldest key"
        )
