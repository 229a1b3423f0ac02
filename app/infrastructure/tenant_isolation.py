"""Checks that both engines act as their roles, and that row-level security separates hosts."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.acting_role import LIMITS
from app.infrastructure.database import Database
from app.infrastructure.database_roles import APP_ROLE, BACKUP_ROLE, ROLES, SYSTEM_ROLE

MADE_UP_HOST: Final = "host_of_nobody\x1f"
"""No host can have this id: ids hold no control characters."""

WHO = text("""
    SELECT current_user AS role, acting.rolsuper AS superuser, acting.rolbypassrls AS bypassrls,
           (SELECT coalesce(string_agg(other.rolname, ', ' ORDER BY other.rolname), 'none')
            FROM pg_roles AS other
            WHERE other.rolname = ANY (:others) AND pg_has_role(acting.oid, other.oid, 'MEMBER')) AS also,
           (SELECT coalesce(string_agg(may, ', ' ORDER BY may), 'only read') FROM (
                SELECT unnest(ARRAY[
                    CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END
                ]) FROM pg_roles WHERE rolname = :backup
                UNION ALL
                SELECT taken.rolname FROM pg_roles AS backup JOIN pg_roles AS taken
                  ON taken.rolname = ANY (:ours) AND pg_has_role(backup.oid, taken.oid, 'MEMBER')
                WHERE backup.rolname = :backup
            ) AS backup (may)) AS backup,
           current_setting('row_security') AS row_security,
           current_setting('lock_timeout') AS lock_timeout,
           current_setting('statement_timeout') AS statement_timeout,
           current_setting('idle_in_transaction_session_timeout') AS idle_in_transaction_session_timeout,
           current_setting('plan_cache_mode') AS plan_cache_mode,
           current_setting('jit') AS jit
    FROM pg_roles AS acting WHERE acting.rolname = current_user
""")
OPEN_TABLES = text("""
    SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class
    WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND NOT relrowsecurity
      AND has_table_privilege(oid, 'SELECT') AND relname <> 'alembic_version'
""")
SEES_SOMETHING = text("SELECT EXISTS (SELECT FROM hosts) OR EXISTS (SELECT FROM registrations)")

MEANING: Final[Mapping[str, str]] = {
    "role": "its transactions act as",
    "superuser": "the role's SUPERUSER is",
    "bypassrls": "the role's BYPASSRLS is",
    "also": "the role is also a member of",
    "backup": f"{BACKUP_ROLE} may",
}


async def fault_of_system(database: Database) -> str | None:
    """What is wrong with whom the system engine acts as; the message begins with the variable to set."""
    async with database.system() as session:
        return _named(database.system_variable, await _fault_of_role(session, SYSTEM_ROLE))


async def fault_of_app(database: Database) -> str | None:
    """The same for the tenant-bound engine, and whether a host that does not exist sees nothing."""
    async with database.tenant(MADE_UP_HOST) as session:
        fault = await _fault_of_role(session, APP_ROLE)
        open_tables = await session.scalar(OPEN_TABLES)
        if fault is None and open_tables:
            fault = f"row-level security is off for {open_tables}"
        if fault is None and await session.scalar(SEES_SOMETHING):
            fault = "a host that does not exist sees rows of others"
    return _named(database.app_variable, fault)


async def _fault_of_role(session: AsyncSession, role: str) -> str | None:
    others, ours = ([each for each in ROLES if each != this] for this in (role, BACKUP_ROLE))
    values = {"others": others, "ours": ours, "backup": BACKUP_ROLE}
    row = (await session.execute(WHO, values)).one()
    return difference(row._asdict(), role)


def difference(found: Mapping[str, Any], role: str) -> str | None:
    """The first thing in which a connection's role and limits are not what `role` needs."""
    needed = {
        "role": role,
        "superuser": False,
        "bypassrls": False,
        "also": "none",
        "backup": "only read",
        "row_security": "on",
        **LIMITS,
    }
    for name, value in needed.items():
        if found[name] != value:
            return f"{MEANING.get(name, f'{name} is')} {_shown(found[name])}, must be {_shown(value)}"
    return None


def _shown(value: Any) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def _named(variable: str, fault: str | None) -> str | None:
    return fault and f"{variable}: {fault} (docs/operations.md#roles)"
