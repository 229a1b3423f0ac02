"""What the role for backups may read: every table whole, whichever migration made it, and nothing else.

An owner of a managed Postgres cannot give BYPASSRLS, and without it row-level security lets a dump come out
empty and say nothing: so the role has a policy of its own on each table.
"""

from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database_roles import BACKUP_ROLE

POLICY: Final = "backup_reads"
FORBIDS: Final = f"""
    NOT has_table_privilege('{BACKUP_ROLE}', oid, 'SELECT') OR (relrowsecurity AND NOT EXISTS (
        SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polname = '{POLICY}' AND polcmd = 'r'
          AND polroles = ARRAY[to_regrole('{BACKUP_ROLE}')::oid]
          AND pg_get_expr(polqual, polrelid) = 'true'
    ))
"""
UNREAD: Final = text(f"""
    SELECT quote_ident(relname) AS name, relkind = 'S' AS is_sequence, relrowsecurity AS is_walled,
           pg_has_role(current_user, relowner, 'USAGE') AS is_ours
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S')
      AND CASE WHEN relkind = 'S' THEN NOT has_sequence_privilege('{BACKUP_ROLE}', oid, 'SELECT')
               ELSE {FORBIDS} END
    ORDER BY relname
""")  # noqa: S608 -- put together from constants
HAS_ROLE: Final = text(f"SELECT to_regrole('{BACKUP_ROLE}') IS NOT NULL")
MAY_USE: Final = text(f"SELECT has_schema_privilege('{BACKUP_ROLE}', 'public', 'USAGE')")


def open_for_backup(connection: Connection) -> None:
    """Let the role read what it cannot read yet; run as the owner of the tables.

    A table of somebody else stays as it is, and `fault_of_backup` names it: no migration fails for it.
    """
    if not connection.scalar(MAY_USE):
        connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {BACKUP_ROLE}"))
    for name, is_sequence, is_walled, is_ours in connection.execute(UNREAD).all():
        if not is_ours:
            continue
        kind = "SEQUENCE" if is_sequence else "TABLE"
        connection.execute(text(f"GRANT SELECT ON {kind} {name} TO {BACKUP_ROLE}"))
        if is_walled:
            connection.execute(text(f"DROP POLICY IF EXISTS {POLICY} ON {name}"))
            rule = f"FOR SELECT TO {BACKUP_ROLE} USING (true)"
            connection.execute(text(f"CREATE POLICY {POLICY} ON {name} {rule}"))


async def fault_of_backup(session: AsyncSession) -> str | None:
    """What a dump by the role would miss, in words."""
    if not await session.scalar(HAS_ROLE):
        return f"the role {BACKUP_ROLE} is missing"
    unread = [row.name for row in await session.execute(UNREAD)]
    return f"{BACKUP_ROLE} does not see all of {', '.join(unread)}" if unread else None
