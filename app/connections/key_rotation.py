"""Rotate encryption keys while the service runs: re-encrypt every encrypted value in batches."""

import asyncio
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from sqlalchemy import func, inspect, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor, KeyMissing, kid_of
from app.models import Base
from app.models.base import Sealed

BATCH: Final = 500
LOCKED_PAUSE: Final = 0.2
MAX_LOCKED_ROUNDS: Final = 50
"""Turns in a row that find only rows which somebody else holds."""


class RowsLocked(Exception):
    """Rows stay locked by another transaction; what is re-encrypted so far is kept, and another run
    continues.
    """


class SealedColumn(NamedTuple):
    """One column of sealed values, and the name that they are bound to."""

    table: Any
    column: Any
    bound_to: str


async def reencrypt_all(database: Database, vault: Encryptor, *, batch: int = BATCH) -> dict[str, int]:
    """Encrypt every value with the newest key; returns how many were changed, by column.

    Each batch is its own transaction and skips locked rows, so it may run beside everything, twice at once,
    and again after it was stopped. Raises KeyMissing, DecryptionFailed, RowsLocked.
    """
    changed = {}
    for sealed in sealed_columns():
        changed[sealed.bound_to] = await _rewrap_column(database, vault, sealed, batch=batch)
    return changed


async def keys_in_use(database: Database) -> dict[str, int]:
    """How many sealed values each key id holds."""
    used: dict[str, int] = {}
    async with database.system() as session:
        for sealed in sealed_columns():
            prefix = func.substring(sealed.column, 1, 2 + func.get_byte(sealed.column, 1))
            rows = await session.execute(
                select(prefix, func.count()).where(sealed.column.is_not(None)).group_by(prefix)
            )
            for head, count in rows:
                kid = bytes(head)[2:].decode("ascii", "replace")
                used[kid] = used.get(kid, 0) + count
    return used


async def check_keys(database: Database, vault: Encryptor) -> None:
    """Refuse to start without a key that stored values need. Raises KeyMissing."""
    missing = sorted(set(await keys_in_use(database)) - vault.kids)
    if missing:
        raise KeyMissing(
            f"ENCRYPTION_KEYS lacks {', '.join(missing)}, and stored values need it: put it back behind the "
            "newest key, then run `eventship-salesforce keys rotate`"
        )


def sealed_columns() -> Iterator[SealedColumn]:
    """Every sealed column that a model has."""
    for mapper in sorted(Base.registry.mappers, key=lambda mapper: mapper.class_.__name__):
        for name, column in mapper.columns.items():
            if isinstance(column.type, Sealed):
                bound_to = f"{column.table.name}.{column.name}"
                yield SealedColumn(mapper.class_, getattr(mapper.class_, name), bound_to)


async def _rewrap_column(database: Database, vault: Encryptor, sealed: SealedColumn, *, batch: int) -> int:
    done = held = 0
    while True:
        async with database.system() as session:
            count = await _rewrap_batch(session, vault, sealed, batch=batch)
            done += count
            is_over = count == 0 and not await session.scalar(_remaining(vault, sealed))
        if is_over:
            return done
        held = 0 if count else held + 1
        if held > MAX_LOCKED_ROUNDS:
            raise RowsLocked(f"some rows of {sealed.bound_to} stay locked: run it again")
        if not count:
            await asyncio.sleep(LOCKED_PAUSE)


async def _rewrap_batch(session: AsyncSession, vault: Encryptor, sealed: SealedColumn, *, batch: int) -> int:
    keys = inspect(sealed.table).primary_key
    chosen = (
        select(*keys, sealed.table.host_id.label("host"), sealed.column.label("value"))
        .where(_is_older(vault, sealed))
        .limit(batch)
        .with_for_update(skip_locked=True)
    )
    rows = (await session.execute(chosen)).all()
    for row in rows:
        value = vault.rewrap(bytes(row.value), host_id=row.host, column=sealed.bound_to)
        is_it = [key == given for key, given in zip(keys, row, strict=False)]
        await session.execute(
            update(sealed.table)
            .where(*is_it)
            .values({sealed.column: value})
            .execution_options(synchronize_session=False)
        )
    return len(rows)


def _remaining(vault: Encryptor, sealed: SealedColumn) -> Any:
    return select(func.count()).select_from(sealed.table).where(_is_older(vault, sealed))


def _is_older(vault: Encryptor, sealed: SealedColumn) -> Any:
    """A value begins with its form, the length of its key's id, and that id."""
    newest = vault.seal("", host_id="", column="")
    head = newest[: 2 + len(kid_of(newest))]
    return sealed.column.is_not(None) & (func.substring(sealed.column, 1, len(head)) != head)
