"""One migration at a time, as the owner, in one transaction that keeps all or nothing: behind poolers too."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app.infrastructure.backup_rights import open_for_backup
from app.infrastructure.database_errors import DatabaseUnreachable, first_line, sqlstate, unreachable
from app.infrastructure.database_roles import OWNER_ROLE, take_rights
from app.infrastructure.schema_revision import (
    MIGRATIONS,
    NOTHING,
    STAMP,
    SchemaUnfit,
    can_upgrade,
    newest_revision,
    oldest_code,
    schema_fault,
)

Say = Callable[[str], None]

LOCK_KEY: Final = 0x65767368_6970
TRY_LOCK: Final = text("SELECT pg_try_advisory_xact_lock(:key)")
WAIT_FOR_LOCK: Final = text("SELECT pg_advisory_xact_lock(:key)")
NO_LIMITS: Final = text(
    "SELECT set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true)"
)
ACT_AS_OWNER: Final = text(
    f"SELECT set_config('role', '{OWNER_ROLE}', true), set_config('lock_timeout', '5s', true)"
)
HAS_STAMP: Final = text("SELECT to_regclass('public.alembic_version') IS NOT NULL")
HAS_FLOOR: Final = text("""
    SELECT EXISTS (SELECT FROM pg_attribute
                   WHERE attrelid = 'public.alembic_version'::regclass AND attname = 'min_code')
""")
ADD_FLOOR: Final = text("ALTER TABLE alembic_version ADD COLUMN min_code varchar(32)")
WRITE_FLOOR: Final = text(
    "UPDATE alembic_version SET min_code = :floor WHERE min_code IS DISTINCT FROM :floor"
)
LOCK_NOT_AVAILABLE: Final = "55P03"


class MigrationFailed(Exception):
    """A migration did not go through, and nothing of it was kept."""


def begin(connection: Connection, say: Say) -> bool:
    """Wait for our turn and become the owner; False when a later release was here already.

    Raises RightsMissing, SchemaUnfit.
    """
    connection.execute(NO_LIMITS)
    if not connection.scalar(TRY_LOCK, {"key": LOCK_KEY}):
        say("another migration is running: waiting for it")
        connection.execute(WAIT_FOR_LOCK, {"key": LOCK_KEY})
    take_rights(connection)
    connection.execute(ACT_AS_OWNER)
    stamp = connection.scalar(STAMP) if connection.scalar(HAS_STAMP) else None
    if stamp is None or can_upgrade(stamp):
        return True
    fault = schema_fault(stamp)
    if fault is not None:
        raise SchemaUnfit(f"DATABASE_URL is {fault}")
    say(f"at {stamp['version_num']}, by a later release: this one, of {newest_revision()}, can work on it")
    return False


def end(connection: Connection, say: Say) -> None:
    """Let backups read all tables, and write down who can work on them now."""
    if not connection.scalar(HAS_FLOOR):
        connection.execute(ADD_FLOOR)
    open_for_backup(connection)
    connection.execute(WRITE_FLOOR, {"floor": oldest_code()})
    stamp = connection.scalar(STAMP) or NOTHING
    say(f"the database is at {stamp['version_num']}, for releases of {oldest_code()} and newer")


def progress(connection: Connection, say: Say) -> Callable[..., None]:
    """For alembic: after each revision a line, and the owner again, whoever it ended as."""

    def tell(*, step: Any, **_: Any) -> None:
        connection.execute(ACT_AS_OWNER)
        say(f"{step.up_revision.revision} {step.up_revision.doc}")

    return tell


@contextmanager
def in_one_line() -> Iterator[None]:
    """Whatever Postgres refuses, in one line. Raises DatabaseUnreachable, MigrationFailed."""
    try:
        yield
    except OSError as error:
        raise DatabaseUnreachable(unreachable(error, "DATABASE_URL")) from error
    except DBAPIError as error:
        if sqlstate(error) == LOCK_NOT_AVAILABLE:
            raise MigrationFailed(
                "nothing was changed: a table is held by another transaction for longer than 5 s "
                "(pg_stat_activity names it): run migrate again"
            ) from error
        if not error.statement:
            raise DatabaseUnreachable(unreachable(error, "DATABASE_URL")) from error
        statement = " ".join(error.statement.split())[:80]
        raise MigrationFailed(f"nothing was changed: {first_line(error)} (at `{statement}`)") from error


def alembic_config(url: str, tell: Say = lambda line: None) -> Config:
    """Alembic's configuration for our migrations, wherever the process stands."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"], config.attributes["say"] = url, tell
    return config
