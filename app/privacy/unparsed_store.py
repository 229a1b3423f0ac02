"""Store unparsed bodies, and delete those that mention an erased attendee."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.privacy.tombstones import (
    MENTION,
    Subject,
    covers,
    load_erased,
    lock_shared,
    mentioned_subjects,
    tombstone_key,
)
from app.privacy.unparsed_bodies import UnparsedBody, UnusableBody

STORE_UNUSABLE = text("""
    INSERT INTO quarantine (webhook_id, reason, host_id, faults, occurred_at, body_sha256, sealed, mentions)
    SELECT :webhook_id, :reason, :host_id, CAST(:faults AS jsonb), :occurred_at, :body_sha256, :sealed,
           :mentions
    WHERE NOT EXISTS (
        SELECT FROM quarantine WHERE webhook_id = :webhook_id AND body_sha256 = :body_sha256
    )
""")
DELETE_UNKNOWN = text("""
    DELETE FROM unknown_bodies
    WHERE host_id = :host_id AND mentions && CAST(:keys AS bytea[])
      AND (occurred_at <= :at OR mentions && CAST(:for_ever AS bytea[]))
""")
CLEAR_UNUSABLE = text("""
    UPDATE quarantine SET sealed = NULL, mentions = '{}'
    WHERE host_id = :host_id AND mentions && CAST(:keys AS bytea[])
      AND (occurred_at IS NULL OR occurred_at <= :at OR mentions && CAST(:for_ever AS bytea[]))
""")


async def store_unusable(session: AsyncSession, unusable: UnusableBody, *, pepper: bytes) -> None:
    """Store an unusable body once, however often it is sent.

    The body is left out if it is about an erased attendee.
    """
    unread = unusable.unread
    if unread is not None and unusable.host_id is not None:
        await lock_shared(session, [unusable.host_id])
        if await _is_about_erased(session, unusable.host_id, unread, at=unusable.occurred_at, pepper=pepper):
            unread = None
    values = {
        "webhook_id": unusable.webhook_id,
        "reason": unusable.reason,
        "host_id": unusable.host_id,
        "faults": to_json(unusable.faults).decode(),
        "occurred_at": unusable.occurred_at,
        "body_sha256": unusable.body_sha256,
        "sealed": unread and unread.sealed,
        "mentions": mention_keys(unusable.host_id or "", unread.mentions if unread else (), pepper=pepper),
    }
    await session.execute(STORE_UNUSABLE, values)


async def delete_unparsed(
    session: AsyncSession,
    host_id: str,
    *,
    people: Iterable[str],
    registration_ids: Sequence[str],
    at: datetime,
    pepper: bytes,
) -> None:
    """Delete the bodies up to `at` that mention one of `people`, and all that mention a registration."""
    for_ever = mention_keys(host_id, registration_ids, pepper=pepper)
    keys = mention_keys(host_id, people, pepper=pepper) + for_ever
    await delete_unparsed_by_key(session, host_id, keys, at=at, for_ever=for_ever)


async def delete_unparsed_by_key(
    session: AsyncSession,
    host_id: str,
    keys: Sequence[bytes],
    *,
    at: datetime,
    for_ever: Sequence[bytes] = (),
) -> None:
    """The same by the keys of what is mentioned; whatever its time those with a key in `for_ever`."""
    values = {"host_id": host_id, "at": at, "keys": list(keys), "for_ever": list(for_ever)}
    await session.execute(DELETE_UNKNOWN, values)
    await session.execute(CLEAR_UNUSABLE, values)


async def _is_about_erased(
    session: AsyncSession, host_id: str, unread: UnparsedBody, *, at: datetime | None, pepper: bytes
) -> bool:
    subjects = [subject for text in unread.mentions for subject in mentioned_subjects(host_id, text)]
    erased_at = await load_erased(session, subjects, pepper=pepper)
    return any(at is None or covers(erased_at, subject, at) for subject in erased_at)


def mention_keys(host_id: str, texts: Iterable[str], *, pepper: bytes) -> list[bytes]:
    """The keyed hashes under which an erasure finds the texts."""
    return sorted(tombstone_key(pepper, Subject(host_id, MENTION, each)) for each in texts)
