"""The pepper's check value and the audit key made of it: another pepper would find no tombstones."""

import hashlib
from typing import Final

from sqlalchemy import text

from app.infrastructure.database import Database

NAME: Final = "pepper"
KEEP = text("""
    INSERT INTO key_checks (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING
""")
KNOWN = text("SELECT value FROM key_checks WHERE name = :name")


class PepperChanged(Exception):
    """Keyed hashes in the database were made with another pepper."""


def check_value(pepper: bytes) -> bytes:
    """What is kept of the pepper; it cannot be got back from it."""
    return hashlib.blake2b(b"check", key=pepper, digest_size=32, person=b"evs-check").digest()


def audit_key(pepper: bytes) -> bytes:
    """The key of the audit log's chains."""
    return hashlib.blake2b(b"chain", key=pepper, digest_size=32, person=b"evs-audit").digest()


async def check_pepper(database: Database, pepper: bytes) -> None:
    """Refuse to start with another pepper than the first process had. Raises PepperChanged."""
    async with database.system() as session:
        await session.execute(KEEP, {"name": NAME, "value": check_value(pepper)})
        known = await session.scalar(KNOWN, {"name": NAME})
    if known != check_value(pepper):
        raise PepperChanged(
            "PEPPER is not the one that this database's hashes were made with, so erased people would come "
            "back: set it to what `eventship-salesforce keys pepper` prints while ENCRYPTION_KEYS still ends "
            "with the oldest key"
        )
