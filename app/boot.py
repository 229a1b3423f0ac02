"""What must be true before a process starts to work, and what it says when it is not."""

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from app.database import Database, DatabaseUnreachable, unreachable
from app.pepper import PepperChanged
from app.settings import SettingsInvalid
from app.vault import KeyInvalid, KeyMissing


class SchemaMissing(Exception):
    """The database has no tables of ours yet."""


CANNOT_START = (SettingsInvalid, DatabaseUnreachable, SchemaMissing, KeyInvalid, KeyMissing, PepperChanged)
"""Faults of the configuration, each with a message that says what to set; anything else is our own fault."""


async def check_schema(database: Database) -> str:
    """The revision that the database is at. Raises DatabaseUnreachable, SchemaMissing."""
    try:
        async with database.system() as session:
            revision: str = (
                await session.execute(text("SELECT version_num FROM alembic_version"))
            ).scalar_one()
    except ProgrammingError:
        raise SchemaMissing("DATABASE_URL has no tables yet: run `eventship-salesforce migrate`") from None
    except (DBAPIError, OSError, TimeoutError) as error:
        raise DatabaseUnreachable(unreachable(error)) from error
    return revision
