"""Kinds of records that nobody writes, in the catalogue for the time of a test."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.sync.model import record_kinds
from app.sync.model.record_kind import RecordKind

KEPT = (record_kinds.kind_of_slot, record_kinds.milestones, record_kinds.milestone_of)
"""What is worked out of the catalogue once."""


@contextmanager
def catalogue_with(*kinds: RecordKind) -> Iterator[None]:
    """The catalogue with these kinds at its end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_kinds, "RECORD_KINDS", (*record_kinds.RECORD_KINDS, *kinds))
        _forget()
        yield
    _forget()


def _forget() -> None:
    for each in KEPT:
        each.cache_clear()
