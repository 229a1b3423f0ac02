"""What every log line of a request, a drain or a batch says beside its own words: ids of what it is about."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

NOTHING: Final[Mapping[str, Any]] = {}
log_context: ContextVar[Mapping[str, Any]] = ContextVar("log_context", default=NOTHING)
"""Tasks begin with what their creator has."""


@contextmanager
def logged_with(**ids: Any) -> Iterator[None]:
    """Within it each log line has these beside those that it would have anyway."""
    before = log_context.set({**log_context.get(), **ids})
    try:
        yield
    finally:
        log_context.reset(before)
