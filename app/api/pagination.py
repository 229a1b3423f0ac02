"""Pages of sorted lists, continued behind the last row: an opaque cursor that only its own list accepts."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, TypeVarTuple

from sqlalchemy import Select, SQLColumnExpression, literal, tuple_

from app.api.errors import CursorInvalid

LENGTH_MAX: Final = 4096
DIGITS_MAX: Final = 18

Key = str | int | datetime
Row = TypeVar("Row")
Columns = TypeVarTuple("Columns")


@dataclass(frozen=True)
class Cursor:
    """The cursors of one list: `kind` names the list and its order, `types` are those of its sort keys."""

    kind: str
    types: tuple[type[Key], ...]

    def encode(self, *keys: Key) -> str:
        """The cursor behind the row with these sort keys."""
        texts = [key.isoformat() if isinstance(key, datetime) else str(key) for key in keys]
        text = json.dumps([self.kind, *texts], ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def decode(self, cursor: str) -> list[Any]:
        """The keys of `encode`. Raises CursorInvalid.

        They are bound as parameters inside the host's own rows, so a forged one gains nothing and needs no
        signature.
        """
        try:
            padded = cursor[:LENGTH_MAX] + "=" * (-len(cursor) % 4)
            decoded = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        except (binascii.Error, ValueError, RecursionError):
            raise CursorInvalid from None
        if not isinstance(decoded, list) or len(decoded) != len(self.types) + 1 or decoded[0] != self.kind:
            raise CursorInvalid
        return [PARSERS[kind](text) for kind, text in zip(self.types, decoded[1:], strict=True)]


@dataclass(frozen=True)
class SortOrder:
    """The order of one list: `columns` are together unique, and `cursor` has their types."""

    cursor: Cursor
    columns: tuple[SQLColumnExpression[Any], ...]
    is_descending: bool = True

    def page(self, query: Select[*Columns], *, limit: int, cursor: str | None) -> Select[*Columns]:
        """The rows behind the cursor in this order, one more than `limit`. Raises CursorInvalid."""
        if cursor is not None:
            last = tuple_(*map(literal, self.cursor.decode(cursor)))
            keys = tuple_(*self.columns)
            query = query.where(keys < last if self.is_descending else keys > last)
        order = [each.desc() if self.is_descending else each.asc() for each in self.columns]
        return query.order_by(*order).limit(limit + 1)

    def cut(
        self, rows: Sequence[Row], *, limit: int, keys: Callable[[Row], tuple[Key, ...]]
    ) -> tuple[Sequence[Row], str | None]:
        """The rows of one page without the one beyond, and the cursor of the next page if there is one."""
        if len(rows) <= limit:
            return rows, None
        return rows[:limit], self.cursor.encode(*keys(rows[limit - 1]))


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value or any(0xD800 <= ord(each) <= 0xDFFF for each in value):
        raise CursorInvalid
    return value


def _number(value: object) -> int:
    text = _text(value)
    if not (text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX):
        raise CursorInvalid
    return int(text)


def _instant(value: object) -> datetime:
    """Raises CursorInvalid, also for a time without an offset or outside of what UTC can name."""
    try:
        at = datetime.fromisoformat(_text(value))
        if at.tzinfo is None:
            raise CursorInvalid
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise CursorInvalid from None


PARSERS: Final[dict[type[Key], Callable[[object], Key]]] = {str: _text, int: _number, datetime: _instant}
