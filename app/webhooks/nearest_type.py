"""The known type that an unknown one was perhaps meant to be."""

import re
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

from app.webhooks.schemas import TYPES

LIKENESS_MIN: Final = 0.7
"""Of subject and verb alike: `registration.exploded` is like none."""


@lru_cache(maxsize=256)
def nearest_type(type_: str) -> str | None:
    """The known type that is most like this one, where one is like it."""
    likeness, found = max((_likeness(type_, known), known) for known in TYPES)
    return found if likeness >= LIKENESS_MIN else None


def _likeness(one: str, other: str) -> float:
    """Between 0 and 1: that of the parts that differ most. Capitals and underscores do not count."""
    parts = [re.split(r"[^a-z0-9_-]", each.strip().lower(), maxsplit=1) for each in (one, other)]
    if len(parts[0]) != len(parts[1]):
        return 0.0
    plain = [[re.sub(r"[^a-z0-9]", "", part) for part in each] for each in parts]
    return min(SequenceMatcher(None, a, b).ratio() for a, b in zip(*plain, strict=True))
