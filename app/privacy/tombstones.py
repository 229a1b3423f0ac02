"""Tombstones: keyed hashes of erased attendees, against which deliveries are checked.

Ingest locks a host shared and an erasure locks it exclusively, so that no delivery passes between the two.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text

from app.infrastructure.encryption import keyed_hash
from app.infrastructure.raw_connection import SqlExecutor
from app.infrastructure.sql_literals import text_literal
from app.models.kept_plan import found_by, kept_plan

REGISTRATION, EMAIL, ATTENDEE_ID, MENTION = "registration", "email", "attendee_id", "mention"
"""A mention is a text in a body that we do not read: it may be an id or an address."""

SHARED = "pg_advisory_xact_lock_shared(hashtextextended({host_id}, 11))"
LOCK_SHARED = kept_plan(
    "SELECT pg_advisory_xact_lock_shared(hashtextextended(host_id, 11))"
    " FROM unnest(CAST(:hosts AS text[])) AS h (host_id)"
)
LOCK_EXCLUSIVE = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(host_id, 11))"
    " FROM unnest(CAST(:hosts AS text[])) AS h (host_id)"
)
LOAD_ERASED = kept_plan(
    f"""
    SELECT e.key, e.erased_at
    FROM unnest(CAST(:hosts AS text[]), CAST(:kinds AS text[]), CAST(:keys AS bytea[]))
      AS k (host_id, kind, key)
    CROSS JOIN LATERAL {
        found_by("key", "k.key", table="erasures", beside="host_id = k.host_id AND kind = k.kind")
    } AS e
    """  # noqa: S608 -- put together from constants
)


class Subject(NamedTuple):
    """A person or a registration of one host; e-mails in their compared form."""

    host_id: str
    kind: str
    value: str


def tombstone_key(pepper: bytes, subject: Subject) -> bytes:
    """Return the keyed hash of the subject: without the pepper it names nobody."""
    return keyed_hash(pepper, f"{subject.host_id}:{subject.kind}", subject.value)


def covers(erased_at: Mapping[Subject, datetime], subject: Subject, at: datetime) -> bool:
    """Whether data about the subject of that time must not be stored."""
    until = erased_at.get(subject)
    return until is not None and (subject.kind == REGISTRATION or at <= until)


async def load_erased(
    statements: SqlExecutor, wanted: Iterable[Subject], *, pepper: bytes
) -> dict[Subject, datetime]:
    """Those of the subjects that were erased, and when."""
    subjects = {tombstone_key(pepper, subject): subject for subject in wanted}
    if not subjects:
        return {}
    columns: dict[str, list[Any]] = {
        "hosts": [subject.host_id for subject in subjects.values()],
        "kinds": [subject.kind for subject in subjects.values()],
        "keys": list(subjects),
    }
    found = await statements.execute(LOAD_ERASED, columns)
    return {subjects[key]: erased_at for key, erased_at in found}


async def lock_shared(statements: SqlExecutor, host_ids: Iterable[str]) -> None:
    """Block erasures of these hosts until the caller's transaction ends."""
    if hosts := sorted(host_ids):
        await statements.execute(LOCK_SHARED, {"hosts": hosts})


def shared_locks(host_ids: Iterable[str]) -> str:
    """As `lock_shared`, as a statement without parameters, to go with a BEGIN."""
    hosts = (text_literal(host_id) for host_id in sorted(host_ids))
    return f"SELECT {', '.join(SHARED.format(host_id=host_id) for host_id in hosts)}"


async def lock_exclusive(statements: SqlExecutor, host_ids: Iterable[str]) -> None:
    """Block all ingest of these hosts until the caller's transaction ends."""
    if hosts := sorted(host_ids):
        await statements.execute(LOCK_EXCLUSIVE, {"hosts": hosts})


def mentioned_subjects(host_id: str, text: str) -> Iterator[Subject]:
    """Who or what a text in a body that we do not read may be."""
    kinds = (EMAIL,) if "@" in text else (ATTENDEE_ID, REGISTRATION, MENTION)
    yield from (Subject(host_id, kind, text) for kind in kinds)
