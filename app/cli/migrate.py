"""Brings the database to the newest schema, or looks whether it is there; needs nothing but DATABASE_URL."""

import asyncio
import sys
from urllib.parse import unquote, urlsplit

from alembic import command
from pydantic import Field
from pydantic_settings import BaseSettings

from app.config.settings import DatabaseSettings, PostgresUrl, read_settings
from app.infrastructure.backup_rights import fault_of_backup
from app.infrastructure.database import Database
from app.infrastructure.database_roles import quoted, sql_for_dba
from app.infrastructure.migration_runner import alembic_config
from app.infrastructure.schema_revision import SchemaMissing, SchemaUnfit
from app.infrastructure.startup_checks import check_database

EXAMPLE_LOGIN = "es_owner"


class MigrationSettings(BaseSettings):
    """The one setting that a migration reads."""

    database_url: PostgresUrl = Field(description="a login that may create roles, or is the owner's")


class LoginSettings(BaseSettings):
    """The same where only the name of the login is of interest."""

    database_url: PostgresUrl | None = None


def say(line: str) -> None:
    """One line on standard output."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def migrate() -> int:
    """Upgrade to head.

    Raises SettingsInvalid, DatabaseUnreachable, RightsMissing, SchemaUnfit, MigrationFailed.
    """
    command.upgrade(alembic_config(read_settings(MigrationSettings).database_url, say), "head")
    return 0


def check_migrated() -> int:
    """0 when API and workers would start on the database and a backup of it would be whole; 1, and a line,
    when it must be migrated first.


    Connects as they do. Raises SettingsInvalid, DatabaseUnreachable, RoleUnsafe.
    """
    try:
        revision, fault = asyncio.run(_looked_at(read_settings(DatabaseSettings)))
    except (SchemaMissing, SchemaUnfit) as unfit:
        say(str(unfit))
        return 1
    say(f"the database is at {revision}")
    if fault is not None:
        say(f"a backup would not be whole: {fault}: run `eventship-salesforce migrate`")
    return 0 if fault is None else 1


def print_sql_for_dba() -> int:
    """What an administrator runs once when our login may not. Raises SettingsInvalid."""
    url = read_settings(LoginSettings).database_url
    login = urlsplit(url).username if url else None
    say(sql_for_dba(quoted(unquote(login or EXAMPLE_LOGIN))))
    return 0


async def _looked_at(settings: DatabaseSettings) -> tuple[str, str | None]:
    """The revision, and what a backup would miss."""
    async with Database.of(settings) as database:
        revision = await check_database(database)
        async with database.system() as session:
            return revision, await fault_of_backup(session)
