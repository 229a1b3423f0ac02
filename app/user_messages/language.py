"""The language in which a person is answered: chosen for each request, English where none fits better. Pure.

What is said in it stands in the catalog; the engine and the platform's notifications speak codes and English.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

ENGLISH: Final = "en"
RANGES_MAX: Final = 20
"""Of a header, so that nobody decides how long it is read."""

_current: ContextVar[str] = ContextVar("language", default=ENGLISH)


def current_language() -> str:
    return _current.get()


@contextmanager
def in_language(language: str) -> Iterator[None]:
    """Everything that is worded inside is worded in this language."""
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)


def best_language(accepted: str, offered: Collection[str]) -> str:
    """The offered language that an Accept-Language header prefers; English if it prefers none of them.

    `de-AT` takes `de` (the lookup of RFC 4647, section 3.4); of equal weights the first wins; a weight of 0
    takes nothing, and neither does `*`, which leaves it to us.
    """
    ranges = [_weighed(each) for each in accepted.split(",")[:RANGES_MAX]]
    for _, tag in sorted(ranges, key=lambda each: -each[0]):
        if tag in offered:
            return tag
    return ENGLISH


def _weighed(language_range: str) -> tuple[float, str]:
    """The weight of one range and the language that it begins with; no language for a weight of 0."""
    tag, _, parameters = language_range.partition(";")
    name, _, value = parameters.strip().partition("=")
    try:
        weight = float(value) if name.strip() == "q" else 1.0
    except ValueError:
        weight = 0.0
    return weight, tag.strip().lower().partition("-")[0] if 0 < weight <= 1 else ""
