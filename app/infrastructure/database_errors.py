"""Describes a database that cannot be used in one line: the variable, Postgres' words, and what to do."""

import ssl
from collections.abc import Mapping
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

NOT_MIGRATED: Final = frozenset({"42P01", "22023"})
"""A table that is not there, and a role that is not (as a value of `role`)."""

SERVER_FULL: Final = "53300"
"""No connection is left, or none that is not kept for superusers."""

ADVICE: Final[Mapping[str, str]] = {
    "28P01": "check its user and password",
    "28000": "check its user, sslmode, and the server's pg_hba.conf",
    "3D000": "make the database, or correct its name",
    "42501": "run `eventship-salesforce migrate`, or let its login take the role (docs/operations.md#roles)",
    SERVER_FULL: "raise max_connections, or lower DATABASE_POOL",
    # Both are what a pooler answers that gives a prepared statement to another client's connection.
    "42P05": "behind PgBouncer use 1.21 with max_prepared_statements, or session mode",
    "26000": "behind PgBouncer use 1.21 with max_prepared_statements, or session mode",
}
"""By SQLSTATE."""
RUNS: Final = "set it to a server that runs"
TLS_ADVICE: Final = "check its host, sslmode and sslrootcert"


AWAY: Final = ("08", "25006", "28", "3D", "53", "55", "57", "58", "XX")
"""Connection, read-only, login, resources (a full disk), object state, operator, system, internal errors."""
DRIVER_FAULTS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
DRIVER_LOST: Final = (asyncpg.InterfaceError, asyncpg.InternalClientError)

VALUES: Final = ("22", "54")
"""What cannot be stored, or is more than a row or an index can hold."""
DATA: Final = (*VALUES, "23")
"""These, and what breaks a constraint."""


class DatabaseUnreachable(Exception):
    """Postgres does not answer at the configured address, or not to us."""


def unreachable(error: BaseException, variable: str) -> str:
    """One line about a database that cannot be used, and what to do; never its password."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    advice = TLS_ADVICE if isinstance(cause, ssl.SSLError) else ADVICE.get(sqlstate(error), RUNS)
    return f"{variable}: Postgres cannot be used ({first_line(error)}): {advice}"


def first_line(error: BaseException) -> str:
    """What the server or the network said, without the statement and its values."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return (str(cause).splitlines() or [type(cause).__name__])[0]


def is_away(error: BaseException) -> bool:
    """Whether the database cannot be used just now, rather than that what was asked of it is at fault."""
    if isinstance(error, OSError | TimeoutError | PoolTimeout | OperationalError | InterfaceError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, DRIVER_LOST) or sqlstate(error).startswith(AWAY)


def is_of_the_data(error: BaseException) -> bool:
    """Whether the same values will be refused every time, by themselves or beside what is stored."""
    return is_of_a_value(error) or sqlstate(error).startswith(DATA)


def is_of_a_value(error: BaseException) -> bool:
    """Whether Postgres, or its driver, refuses a value as such."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, asyncpg.DataError | UnicodeError) or sqlstate(error).startswith(VALUES)


def sqlstate(error: BaseException) -> str:
    """The five characters that Postgres gave the error; empty when it gave none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(cause, "sqlstate", None) or "")
