"""Spans of a trace, where somebody collects them; otherwise nothing is imported, kept or paid for.

A trace context is the text of a W3C `traceparent`. It is kept with a job, so that a worker's spans belong to
the trace of the webhook. `app.infrastructure.open_telemetry` collects them, once it is handed to `use`.
Attributes are ids of ours, counts and kinds: never addresses, texts or anything that an attendee brought.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol, Self

SERVER, CLIENT, CONSUMER, INTERNAL = "SERVER", "CLIENT", "CONSUMER", "INTERNAL"
LINKS_MAX: Final = 100
"""Of one span; collectors keep 128."""


class Span(Protocol):
    """What one knows of a piece of work only while it goes on."""

    def set(self, **attributes: Any) -> None: ...

    def rename(self, name: str) -> None: ...


class Spans(Protocol):
    """Makes spans. `parent` and `links` are trace contexts; without a parent it is the span around."""

    def span(
        self, name: str, *, kind: str, parent: str | None, links: Sequence[str], attributes: dict[str, Any]
    ) -> AbstractContextManager[Span]: ...

    def record(
        self,
        name: str,
        *,
        kind: str,
        parent: str | None,
        link: str | None,
        seconds: float,
        attributes: dict[str, Any],
    ) -> None: ...

    def context(self) -> str | None: ...


class NoSpan:
    """The span of nobody who looks."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def set(self, **attributes: Any) -> None:
        pass

    def rename(self, name: str) -> None:
        pass


NO_SPAN: Final = NoSpan()
_spans: Spans | None = None


def use(spans: Spans | None) -> None:
    """Collect spans in this process from now on; None: no more."""
    global _spans
    _spans = spans


def is_on() -> bool:
    return _spans is not None


def span(
    name: str, *, kind: str = INTERNAL, parent: str | None = None, **attributes: Any
) -> AbstractContextManager[Span]:
    """A piece of work within the span around it, or within the trace of `parent`."""
    if _spans is None:
        return NO_SPAN
    return _spans.span(name, kind=kind, parent=parent, links=(), attributes=attributes)


def span_of_many(
    name: str, contexts: Sequence[str | None], *, size: int, **attributes: Any
) -> AbstractContextManager[Span]:
    """A piece of work for `size` things at once, with what is known of their traces.

    It belongs to the trace of a thing that is alone. Of several it belongs to none, and has links to them.
    """
    if _spans is None:
        return NO_SPAN
    known = list(dict.fromkeys(context for context in contexts if context is not None))
    is_alone = size == 1 and bool(known)
    return _spans.span(
        name,
        kind=INTERNAL,
        parent=known[0] if is_alone else None,
        links=() if is_alone else known[:LINKS_MAX],
        attributes={**attributes, "size": size},
    )


def record(
    name: str,
    *,
    seconds: float,
    kind: str = INTERNAL,
    parent: str | None = None,
    link: str | None = None,
    **attributes: Any,
) -> None:
    """A piece of work that took `seconds` and ended now."""
    if _spans is not None:
        _spans.record(name, kind=kind, parent=parent, link=link, seconds=seconds, attributes=attributes)


def current_context() -> str | None:
    """The trace context of the span around, where it is collected."""
    return None if _spans is None else _spans.context()
