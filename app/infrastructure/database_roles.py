"""What the login that migrates must be able to do: taken where it may, named where it may not."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app.infrastructure.database_errors import sqlstate

OWNER_ROLE: Final = "eventship_owner"
APP_ROLE: Final = "eventship_app"
SYSTEM_ROLE: Final = "eventship_system"
BACKUP_ROLE: Final = "eventship_backup"
TAKEN_ROLES: Final = (OWNER_ROLE, APP_ROLE, SYSTEM_ROLE)
"""Those that the login of `migrate` acts as. It only makes the role for backups, and reads nothing as it."""
ROLES: Final = (*TAKEN_ROLES, BACKUP_ROLE)

FORBIDDEN: Final = "42501"
PRINT: Final = "`eventship-salesforce migrate --print-sql-for-dba`"

# From Postgres 16 on, being a member and being allowed to SET ROLE are two things.
STATES: Final = """
    SELECT wanted.name, found.oid IS NOT NULL AS exists,
           coalesce(pg_has_role(current_user, found.oid, '{take}'), false) AS is_ours
    FROM unnest(CAST(:roles AS text[])) WITH ORDINALITY AS wanted (name, place)
    LEFT JOIN pg_roles AS found ON found.rolname = wanted.name
    ORDER BY wanted.place
"""
MAY_CREATE: Final = text("SELECT has_schema_privilege(:role, 'public', 'CREATE')")
LOGIN: Final = text("SELECT quote_ident(current_user)")


class RightsMissing(Exception):
    """The login may not do what `migrate` needs; the message says what to run, and who can."""


@dataclass(frozen=True)
class RoleState:
    """A role of ours, and whether the login may take it."""

    name: str
    exists: bool
    is_ours: bool


def statements_for(states: Iterable[RoleState], login: str) -> list[str]:
    """What makes the roles that are missing, and lets `login` take those that it acts as."""
    wanted = []
    for state in states:
        if not state.exists:
            wanted.append(f"CREATE ROLE {state.name} NOLOGIN NOSUPERUSER NOBYPASSRLS")
        if not state.is_ours and state.name in TAKEN_ROLES:
            wanted.append(f"GRANT {state.name} TO {login}")
    return wanted


def take_rights(connection: Connection) -> None:
    """Make the roles that are missing, take those that exist, and let the owner make tables.

    Raises RightsMissing; nothing of it is kept unless the transaction is committed.
    """
    login = str(connection.scalar(LOGIN))
    version = connection.dialect.server_version_info or (0,)
    query = text(STATES.format(take="SET" if version >= (16,) else "MEMBER"))
    states = [RoleState(*row) for row in connection.execute(query, {"roles": list(ROLES)})]
    for statement in statements_for(states, login):
        _run(connection, statement, login)
    if not connection.scalar(MAY_CREATE, {"role": OWNER_ROLE}):
        grant = f"GRANT CREATE, USAGE ON SCHEMA public TO {OWNER_ROLE}"
        _run(connection, grant, login)
        if not connection.scalar(MAY_CREATE, {"role": OWNER_ROLE}):
            raise RightsMissing(_missing(login, grant))


def _run(connection: Connection, statement: str, login: str) -> None:
    try:
        connection.execute(text(statement))
    except DBAPIError as error:
        if sqlstate(error) != FORBIDDEN:
            raise
        raise RightsMissing(_missing(login, statement)) from error


def _missing(login: str, statement: str) -> str:
    return (
        f"DATABASE_URL: its login {login} may not run `{statement}`: "
        f"let an administrator of the database run what {PRINT} prints"
    )


def sql_for_dba(login: str) -> str:
    """All that an administrator does once per database; afterwards `login` needs no right of its own."""
    lines = [
        "-- Once per database, by a superuser connected to that database.",
        "-- Then `eventship-salesforce migrate` works for this login without CREATEROLE and without owning",
        "-- the database. Running it again changes nothing.",
        "DO $$ BEGIN",
    ]
    for role in ROLES:
        lines += [
            f"    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN",
            f"        CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS;",
            "    END IF;",
        ]
    lines += [
        "END $$;",
        f"GRANT CREATE, USAGE ON SCHEMA public TO {OWNER_ROLE};",
        f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}, {SYSTEM_ROLE}, {BACKUP_ROLE};",
        "-- All three: a migration may write rows of all hosts; with DATABASE_URL alone it does everything.",
        f"GRANT {', '.join(TAKEN_ROLES)} TO {login};",
        "-- Logins of their own, for DATABASE_APP_URL and DATABASE_SYSTEM_URL:",
        f"-- CREATE ROLE es_app LOGIN PASSWORD '...' IN ROLE {APP_ROLE};",
        f"-- CREATE ROLE es_system LOGIN PASSWORD '...' IN ROLE {SYSTEM_ROLE};",
        "-- And one for pg_dump, which sees rows of all hosts and changes nothing:",
        f"-- CREATE ROLE es_backup LOGIN PASSWORD '...' IN ROLE {BACKUP_ROLE};",
    ]
    return "\n".join(lines)


def quoted(login: str) -> str:
    """A name as Postgres takes it."""
    plain = login.replace("_", "").isalnum() and login.isascii() and login == login.lower()
    return login if plain and not login[0].isdigit() else '"' + login.replace('"', '""') + '"'
