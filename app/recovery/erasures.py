"""Erase again whom a restored database brought back, by the keyed hashes of the erasure journal."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure import audit_log
from app.infrastructure.database import Database
from app.models.registrations import ATTENDEE_EMAIL
from app.models.registrations import ATTENDEE_ID as PAYLOAD_ATTENDEE_ID
from app.privacy.erasure import ErasureRequest, erase, redact_registrations
from app.privacy.journal import JournalEntry
from app.privacy.past_events import REMOVED
from app.privacy.tombstones import (
    ATTENDEE_ID,
    EMAIL,
    MENTION,
    REGISTRATION,
    Subject,
    lock_exclusive,
    tombstone_key,
)
from app.privacy.unparsed_store import delete_unparsed_by_key
from app.recovery.restored import OPERATOR

# Everywhere an erasure finds somebody by an address or an id.
NAMED: Final = text(f"""
    SELECT 'registration', registration_id FROM registrations WHERE host_id = :host_id
    UNION SELECT 'email', email_key FROM registrations WHERE host_id = :host_id
    UNION SELECT 'attendee_id', attendee ->> 'id' FROM registrations WHERE host_id = :host_id
    UNION SELECT 'email', address_key(buyer ->> 'email') FROM registrations
          WHERE host_id = :host_id AND buyer IS NOT NULL
    UNION SELECT 'email', address_key(reply #>> '{{}}') FROM registrations
          CROSS JOIN LATERAL jsonb_path_query(emails, '$.*.replied.from.email') AS r (reply)
          WHERE host_id = :host_id AND emails <> '{{}}'
    UNION SELECT 'registration', registration_id FROM deliveries WHERE host_id = :host_id
    UNION SELECT 'email', {ATTENDEE_EMAIL} FROM deliveries WHERE host_id = :host_id
    UNION SELECT 'attendee_id', {PAYLOAD_ATTENDEE_ID} FROM deliveries WHERE host_id = :host_id
    UNION SELECT 'email', email_key FROM salesforce_users WHERE host_id = :host_id
    UNION SELECT 'email', address_key(user_email) FROM salesforce_users WHERE host_id = :host_id
    UNION SELECT 'email', address FROM hosts
          CROSS JOIN LATERAL jsonb_array_elements_text(settings #> '{{exclusions,addresses}}') AS a (address)
          WHERE host_id = :host_id AND jsonb_typeof(settings #> '{{exclusions,addresses}}') = 'array'
""")  # noqa: S608 -- put together from constants
KEEP_TOMBSTONES: Final = text("""
    INSERT INTO erasures AS known (host_id, kind, key, erased_at)
    SELECT :host_id, kind, key, :at
    FROM unnest(CAST(:kinds AS text[]), CAST(:keys AS bytea[])) AS new (kind, key) ORDER BY kind, key
    ON CONFLICT (host_id, kind, key) DO UPDATE
    SET erased_at = greatest(known.erased_at, excluded.erased_at)
""")
NO_LIMIT: Final = text("SET LOCAL statement_timeout = '30min'")


@dataclass(frozen=True)
class ErasedAgain:
    """How many erasures the journal has, and how many registrations were emptied for them."""

    entries: int
    registrations: int


async def erase_again(database: Database, entries: Iterable[JournalEntry], *, pepper: bytes) -> ErasedAgain:
    """Host by host, each in a transaction of its own. May be done again: what is erased stays so."""
    by_host: dict[str, list[JournalEntry]] = defaultdict(list)
    for entry in entries:
        by_host[entry.host_id].append(entry)
    emptied = 0
    for host_id, of_host in sorted(by_host.items()):
        async with database.system() as session:
            await session.execute(NO_LIMIT)
            emptied += await _erase_of_host(session, host_id, of_host, pepper=pepper)
    return ErasedAgain(sum(map(len, by_host.values())), emptied)


async def _erase_of_host(
    session: AsyncSession, host_id: str, entries: Sequence[JournalEntry], *, pepper: bytes
) -> int:
    rows = await session.execute(NAMED, {"host_id": host_id})
    known = {
        (kind, tombstone_key(pepper, Subject(host_id, kind, value))): value
        for kind, value in rows
        if value is not None
    }
    erased: set[str] = set()
    for entry in entries:
        for wish in _wishes(entry, known):
            again = erase if _names_people(entry) else _redact_alone
            erased.update(await again(session, wish, pepper=pepper, by=OPERATOR))
        await _keep(session, entry)
    return len(erased)


def _names_people(entry: JournalEntry) -> bool:
    """Whether a person was erased, and not registrations alone, as of past events."""
    return any(kind in (EMAIL, ATTENDEE_ID) for kind, _ in entry.keys)


async def _redact_alone(
    session: AsyncSession, wish: ErasureRequest, *, pepper: bytes, by: str
) -> Sequence[str]:
    """Whatever else their people registered for stays."""
    await lock_exclusive(session, [wish.host_id])
    await redact_registrations(session, wish, pepper=pepper)
    details = {"registrations": len(wish.registration_ids)}
    await audit_log.append_entry(session, wish.host_id, actor=by, action=REMOVED, details=details)
    return wish.registration_ids


def _wishes(entry: JournalEntry, known: Mapping[tuple[str, bytes], str]) -> Iterator[ErasureRequest]:
    """What stands of it here, as whoever asked for it first would name it."""
    found: dict[str, list[str]] = defaultdict(list)
    for kind, key in sorted(entry.keys):
        if (value := known.get((kind, key))) is not None:
            found[kind].append(value)
    ids = tuple(found[REGISTRATION])
    people: list[tuple[str | None, str | None]] = [(id_, None) for id_ in found[ATTENDEE_ID]]
    people += [(None, email) for email in found[EMAIL]]
    for attendee_id, email in people or ([(None, None)] if ids else []):
        yield ErasureRequest(entry.host_id, entry.at, attendee_id, email, ids)


async def _keep(session: AsyncSession, entry: JournalEntry) -> None:
    """The tombstones themselves, whoever is told of again; and bodies that nobody reads."""
    kinds, keys = zip(*sorted(entry.keys), strict=True) if entry.keys else ((), ())
    values = {"host_id": entry.host_id, "at": entry.at, "kinds": list(kinds), "keys": list(keys)}
    await session.execute(KEEP_TOMBSTONES, values)
    mentions = [key for kind, key in sorted(entry.keys) if kind == MENTION]
    await delete_unparsed_by_key(session, entry.host_id, mentions, at=entry.at)
