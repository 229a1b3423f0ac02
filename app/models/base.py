"""What every table shares: naming of constraints, and column types used throughout."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, ClassVar

from sqlalchemy import DateTime, LargeBinary, MetaData, Sequence, Text, TypeDecorator, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

HostId = Annotated[str, mapped_column(Text, primary_key=True)]
Json = Annotated[dict[str, Any], mapped_column(JSONB)]
JsonList = Annotated[list[Any], mapped_column(JSONB)]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())]


def one_of(column: str, values: Iterable[str]) -> str:
    """The SQL condition that a text column holds one of these."""
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


class Sealed(TypeDecorator[bytes]):
    """What only the vault opens, bound to the row's host and the names of its table and column.

    A change of keys visits all of them.
    """

    impl = LargeBinary
    cache_ok = True


class Digest(TypeDecorator[bytes]):
    """A hash: what it was made of cannot be read from it."""

    impl = LargeBinary
    cache_ok = True


class Base(DeclarativeBase):
    """Declarative base; every `datetime` is timestamptz, every `str` is text."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: DateTime(timezone=True), str: Text}


CHANGES = Sequence("changes", metadata=Base.metadata)
"""Numbers every change of a registration or job: what the live stream resumes from."""
