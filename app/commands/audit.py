"""The audit log from the command line: is every host's chain whole?"""

import asyncio
import sys

from app.audit import first_broken, hosts_with_entries
from app.database import Database
from app.settings import DatabaseSettings, read_settings


def verify_audit(host_id: str | None) -> int:
    """0 when every chain is whole; else 1, and a line per host that names its first bad entry."""
    return asyncio.run(_verify(host_id))


async def _verify(host_id: str | None) -> int:
    settings = read_settings(DatabaseSettings)
    database = Database.of(settings)
    try:
        return await verify_all(database, host_id)
    finally:
        await database.close()


async def verify_all(database: Database, host_id: str | None) -> int:
    """The same over an open database."""
    async with database.system() as session:
        hosts = [host_id] if host_id else await hosts_with_entries(session)
        broken = {host: await first_broken(session, host) for host in hosts}
    bad = {host: seq for host, seq in broken.items() if seq is not None}
    for host, seq in bad.items():
        sys.stdout.write(f"{host}: entry {seq} does not fit its chain\n")
    sys.stdout.write(f"{len(hosts)} logs checked, {len(bad)} broken\n")
    return 1 if bad else 0
