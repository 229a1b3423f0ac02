"""Composite graph: several all-or-none composites, of row resources only.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_graph_limits.htm
"""

import re
from typing import Any

from salesforce_simulator.errors import json_parser_error, refusal
from salesforce_simulator.org import Org
from salesforce_simulator.rest import composite_references
from salesforce_simulator.rest.composite import Dispatch, halted, run_parts
from salesforce_simulator.rest.request import RestRequest, RestResponse, split_url

MAX_GRAPHS = 75
MAX_NODES = 500
MAX_DEPTH = 15
MAX_KINDS = 15
MAX_FAILED = 14

_GRAPH_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")


def run(org: Org, call: RestRequest, dispatch: Dispatch) -> RestResponse:
    graphs = call.object().get("graphs")
    if not isinstance(graphs, list) or not graphs:
        raise json_parser_error("Required field missing: graphs")
    for graph in graphs:
        _check(graph)
    _check_size(org, graphs)
    answers: list[dict[str, Any]] = []
    for graph in graphs:
        has_too_many = sum(not answer["isSuccessful"] for answer in answers) > MAX_FAILED
        answers.append(_unattempted(graph) if has_too_many else _one(org, call, graph, dispatch))
    return RestResponse(200, {"graphs": answers})


def _check(graph: dict[str, Any]) -> None:
    graph_id = str(graph.get("graphId", ""))
    parts = graph.get("compositeRequest") or []
    if not _GRAPH_ID.fullmatch(graph_id) or not parts:
        raise refusal("INVALID_INPUT", f"Graph '{graph_id}' needs an id and subrequests.")
    for part in parts:
        found = split_url(str(part.get("url", "")))
        if found is None or found[1][:1] != ("sobjects",):
            raise refusal("INVALID_INPUT", "Only sObject row resources are allowed in a graph.")


def _check_size(org: Org, graphs: list[dict[str, Any]]) -> None:
    nodes = [part for graph in graphs for part in graph["compositeRequest"]]
    limits = (
        (len(graphs), MAX_GRAPHS, "graphs"),
        (len(nodes), MAX_NODES, "nodes"),
        (len(set(map(_kind, nodes))), MAX_KINDS, "different nodes"),
        (max(_depth(graph["compositeRequest"]) for graph in graphs), MAX_DEPTH, "levels of depth"),
    )
    for found, limit, what in limits:
        if found > limit:
            raise refusal(org.config.too_many_parts_code, f"At most {limit} {what} are allowed.")


def _kind(part: dict[str, Any]) -> tuple[str, str, str]:
    """Nodes differ by API version, method and object."""
    version, segments, _ = split_url(str(part["url"])) or ("", (), {})
    return version, str(part.get("method", "GET")).upper(), "".join(segments[1:2]).lower()


def _depth(parts: list[dict[str, Any]]) -> int:
    """The longest chain of references, counted in nodes."""
    depths: dict[str, int] = {}
    for part in parts:
        parents = composite_references.referenced_ids([part.get("url"), part.get("body")])
        depths[str(part.get("referenceId"))] = 1 + max((depths.get(name, 0) for name in parents), default=0)
    return max(depths.values())


def _one(org: Org, call: RestRequest, graph: dict[str, Any], dispatch: Dispatch) -> dict[str, Any]:
    answers = run_parts(org, call, graph["compositeRequest"], dispatch, all_or_none=True)
    return _shown(graph, answers)


def _unattempted(graph: dict[str, Any]) -> dict[str, Any]:
    reply = {"body": [halted("Too many graphs failed.")], "httpHeaders": {}, "httpStatusCode": 400}
    return _shown(
        graph, [{**reply, "referenceId": part["referenceId"]} for part in graph["compositeRequest"]]
    )


def _shown(graph: dict[str, Any], answers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "graphId": str(graph["graphId"]),
        "graphResponse": {"compositeResponse": answers},
        "isSuccessful": all(answer["httpStatusCode"] < 400 for answer in answers),
    }
