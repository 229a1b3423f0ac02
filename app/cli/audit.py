"""The audit log from the command line: is every host's chain whole, up to the heads that are kept of it?"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from app.config.settings import load_settings
from app.infrastructure.audit_log import OPERATIONS, Break, accept, audit_key, first_broken, hosts_with_logs
from app.infrastructure.database import Database
from app.infrastructure.startup_checks import check_pepper
from app.models import AuditEntry

OPERATOR = "operator"
SAID = {
    "changed": "entry {seq} does not fit its chain",
    "missing": "entry {seq} is missing",
    "no_head": "no head is kept of its {seq} entries: `audit accept` keeps one of a log from before heads",
}


class HeadsUnreadable(Exception):
    """The file of heads is not one that `audit heads` wrote."""


def audit(what: str, host_id: str | None, heads: str | None) -> int:
    """`verify`: 0 when every chain is whole, else 1 and a line for each that is not. `heads`: print them, to
    be kept elsewhere and given to `verify`. `accept`: keep the heads of logs that have none.

    Raises SettingsInvalid, DatabaseUnreachable, PepperChanged, HeadsUnreadable.
    """
    return asyncio.run(_run(what, host_id, read_heads(heads) if heads else []))


async def _run(what: str, host_id: str | None, heads: Sequence[tuple[str, int, str]]) -> int:
    settings = load_settings()
    async with Database.of(settings, audit_key=audit_key(settings.hash_pepper)) as database:
        await check_pepper(database, settings.hash_pepper)
        if what == "verify":
            return await verify_all(database, host_id, heads)
        return await (accept_all if what == "accept" else print_heads)(database, host_id)


async def verify_all(
    database: Database, host_id: str | None, heads: Sequence[tuple[str, int, str]] = ()
) -> int:
    """Over an open database. `heads` were printed before: what they name must stand there still."""
    async with database.system() as session:
        hosts = await _hosts(session, host_id)
        broken = {host: await first_broken(session, host) for host in hosts}
        for host, seq, digest in heads:
            if host_id in (None, host) and broken.get(host) is None:
                broken[host] = await _other_than(session, host, seq, digest)
    bad = {host: found for host, found in broken.items() if found is not None}
    for host, found in bad.items():
        sys.stdout.write(f"{_name(host)}: {SAID[found.why].format(seq=found.seq)}\n")
    sys.stdout.write(f"{len(broken)} logs checked, {len(bad)} broken\n")
    return 1 if bad else 0


async def accept_all(database: Database, host_id: str | None) -> int:
    """Keep the heads of logs that are whole but for them; 1 when one is not."""
    is_bad = False
    async with database.system() as session:
        for host in await _hosts(session, host_id):
            if await first_broken(session, host) is None:
                continue
            found = await accept(session, host, actor=OPERATOR)
            is_bad |= found is not None
            said = "accepted" if found is None else SAID[found.why].format(seq=found.seq)
            sys.stdout.write(f"{_name(host)}: {said}\n")
    return 1 if is_bad else 0


async def print_heads(database: Database, host_id: str | None) -> int:
    """A line for each log: number of entries, hash of the last one, host."""
    async with database.system() as session:
        last = (
            select(AuditEntry.host_id, AuditEntry.seq, AuditEntry.hash)
            .ext(distinct_on(AuditEntry.host_id))
            .order_by(AuditEntry.host_id, AuditEntry.seq.desc())
        )
        for host, seq, digest in await session.execute(last):
            if host_id in (None, host):
                sys.stdout.write(f"{seq} {digest.hex()} {host}\n")
    return 0


def read_heads(path: str) -> list[tuple[str, int, str]]:
    """Host, number and hash of each line. Raises HeadsUnreadable."""
    try:
        lines = [line.split(" ") for line in Path(path).read_text(encoding="utf-8").splitlines()]
        return [(host, int(seq), digest) for seq, digest, host in lines]
    except (OSError, ValueError):
        raise HeadsUnreadable(f"--heads {path}: not a file that `audit heads` wrote") from None


async def _hosts(session: AsyncSession, host_id: str | None) -> list[str]:
    return [host_id] if host_id is not None else await hosts_with_logs(session)


async def _other_than(session: AsyncSession, host: str, seq: int, digest: str) -> Break | None:
    entry = await session.get(AuditEntry, (host, seq))
    if entry is None:
        return Break(seq, "missing")
    return None if entry.hash.hex() == digest else Break(seq, "changed")


def _name(host: str) -> str:
    return "operations" if host == OPERATIONS else host
