"""Composite graph: several all-or-none composites, of row resources only."""

import re
from typing import Any

from simulator.errors import json_parser_error, refusal
from simulator.org import Org
from simulator.rest.call import Call, Reply, split_url
from simulator.rest.composite import Dispatch, run_parts

MAX_GRAPHS = 75
MAX_NODES = 500

_GRAPH_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")


def run(org: Org, call: Call, dispatch: Dispatch) -> Reply:
    graphs = call.object().get("graphs")
    if not isinstance(graphs, list) or not graphs:
        raise json_parser_error("Required field missing: graphs")
    nodes = sum(len(graph.get("compositeRequest") or ()) for graph in graphs)
    if len(graphs) > MAX_GRAPHS or nodes > MAX_NODES:
        raise refusal(org.config.too_many_parts_code, f"At most {MAX_GRAPHS} graphs and {MAX_NODES} nodes.")
    return Reply(200, {"graphs": [_one(org, call, graph, dispatch) for graph in graphs]})


def _one(org: Org, call: Call, graph: dict[str, Any], dispatch: Dispatch) -> dict[str, Any]:
    graph_id = str(graph.get("graphId", ""))
    parts = graph.get("compositeRequest") or []
    if not _GRAPH_ID.fullmatch(graph_id) or not parts:
        raise refusal("INVALID_INPUT", f"Graph '{graph_id}' needs an id and subrequests.")
    for part in parts:
        found = split_url(str(part.get("url", "")))
        if found is None or found[1][:1] != ("sobjects",):
            raise refusal("INVALID_INPUT", "Only sObject row resources are allowed in a graph.")
    answers = run_parts(org, call, parts, dispatch, all_or_none=True)
    return {
        "graphId": graph_id,
        "graphResponse": {"compositeResponse": answers},
        "isSuccessful": all(answer["httpStatusCode"] < 400 for answer in answers),
    }
