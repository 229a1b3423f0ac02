"""The table of resources, and the way from a call to its handler."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from salesforce_simulator.errors import ErrorItem, SalesforceError, method_not_allowed, not_found
from salesforce_simulator.org import Org
from salesforce_simulator.rest import (
    collections,
    composite,
    composite_graph,
    metadata_resources,
    queries,
    sobject_tree,
    sobjects,
)
from salesforce_simulator.rest.request import RestRequest, RestResponse
from salesforce_simulator.translations import translate

Handler = Callable[[Org, RestRequest], RestResponse]
Packer = Callable[[Org, RestRequest, Handler], RestResponse]
_T = TypeVar("_T")
_Parts = tuple[str, ...]
_KEPT = 1000
_Table = Mapping[int, Sequence[tuple[_Parts, Mapping[str, _T]]]]

# A segment in braces takes anything; the first row that fits wins.
_RESOURCES: tuple[tuple[str, Mapping[str, Handler]], ...] = (
    ("", {"GET": metadata_resources.resources}),
    ("limits", {"GET": metadata_resources.limits}),
    ("limits/recordCount", {"GET": metadata_resources.record_counts}),
    ("sobjects", {"GET": metadata_resources.everything}),
    ("sobjects/{sobject}", {"GET": metadata_resources.basic, "POST": sobjects.create}),
    ("sobjects/{sobject}/describe", {"GET": metadata_resources.one}),
    (
        "sobjects/{sobject}/{id}",
        {"GET": sobjects.get, "PATCH": sobjects.update, "DELETE": sobjects.delete},
    ),
    (
        "sobjects/{sobject}/{field}/{value}",
        {"GET": sobjects.get_by_key, "PATCH": sobjects.upsert, "DELETE": sobjects.delete_by_key},
    ),
    ("query", {"GET": queries.query}),
    ("query/{locator}", {"GET": queries.more}),
    ("queryAll", {"GET": queries.query_all}),
    ("queryAll/{locator}", {"GET": queries.more}),
    ("parameterizedSearch", {"GET": queries.search, "POST": queries.search}),
    (
        "composite/sobjects",
        {"POST": collections.create, "PATCH": collections.update, "DELETE": collections.delete},
    ),
    ("composite/sobjects/{sobject}", {"GET": collections.retrieve, "POST": collections.retrieve}),
    ("composite/sobjects/{sobject}/{field}", {"PATCH": collections.upsert}),
    ("composite/tree/{sobject}", {"POST": sobject_tree.create}),
)
_PACKING: tuple[tuple[str, Mapping[str, Packer]], ...] = (
    ("composite", {"GET": composite.resources, "POST": composite.run}),
    ("composite/batch", {"POST": composite.batch}),
    ("composite/graph", {"POST": composite_graph.run}),
)


def _by_length(table: Iterable[tuple[str, Mapping[str, _T]]]) -> _Table[_T]:
    """The rows by their number of segments, in their order."""
    found: dict[int, list[tuple[_Parts, Mapping[str, _T]]]] = {}
    for pattern, handlers in table:
        parts = tuple(pattern.split("/")) if pattern else ()
        found.setdefault(len(parts), []).append((parts, handlers))
    return found


_RESOURCES_BY_LENGTH = _by_length(_RESOURCES)
_PACKING_BY_LENGTH = _by_length(_PACKING)


def dispatch(org: Org, call: RestRequest) -> RestResponse:
    """Answer a call; every refusal becomes a reply."""
    try:
        return _routed(org, call)
    except SalesforceError as error:
        return RestResponse(error.status, [_shown(org, call, item).as_rest() for item in error.items])


def _routed(org: Org, call: RestRequest) -> RestResponse:
    method = "GET" if call.method == "HEAD" else call.method
    packers, handlers = _row(call.segments)
    if packers is not None and not call.is_packed:
        return _chosen(packers, method)(org, call, dispatch)
    if handlers is None:
        raise not_found()
    return _chosen(handlers, method)(org, call if method == call.method else replace(call, method=method))


@lru_cache(maxsize=_KEPT)
def _row(segments: tuple[str, ...]) -> tuple[Mapping[str, Packer] | None, Mapping[str, Handler] | None]:
    """What packs calls there, and what answers there."""
    return _fitting(_PACKING_BY_LENGTH, segments)[1], _fitting(_RESOURCES_BY_LENGTH, segments)[1]


def _chosen(handlers: Mapping[str, _T], method: str) -> _T:
    if method not in handlers:
        raise method_not_allowed(method, ("HEAD", *handlers) if "GET" in handlers else tuple(handlers))
    return handlers[method]


def _fitting(table: _Table[_T], segments: tuple[str, ...]) -> tuple[_Parts, Mapping[str, _T] | None]:
    """The first row of a table that fits; no parts and None where there is none."""
    for parts, handlers in table.get(len(segments), ()):
        if all(part[:1] == "{" or part == segment for part, segment in zip(parts, segments, strict=True)):
            return parts, handlers
    return (), None


def _shown(org: Org, call: RestRequest, item: ErrorItem) -> ErrorItem:
    """Undocumented: whether a packed answer carries the match of a duplicate rule; a switch decides."""
    item = translate(item, org.config.user_language)
    if call.is_packed and not org.config.packed_duplicate_result:
        return replace(item, extra={})
    return item


@lru_cache(maxsize=_KEPT)
def endpoint(method: str, segments: tuple[str, ...]) -> str:
    """The resource a call is counted under, without ids."""
    for table in (_PACKING_BY_LENGTH, _RESOURCES_BY_LENGTH):
        parts, handlers = _fitting(table, segments)
        if handlers is not None:
            shown = (s if p == "{sobject}" else p for p, s in zip(parts, segments, strict=False))
            return f"{method} /{'/'.join(shown)}"
    return f"{method} /{segments[0] if segments else ''}"
