"""The HTTP side of /services/data: session, switches, limits, counting, then the resource."""

import re
from dataclasses import replace
from typing import Any

from simulator import http
from simulator.errors import ErrorItem, not_found
from simulator.http import Answer, Request
from simulator.oauth.grants import Grant
from simulator.org import Org
from simulator.rest.call import Call, split_url
from simulator.rest.dispatch import dispatch, endpoint
from simulator.simulator import Simulator

MAX_URI = 16_384
_RETIRED_SINCE = 21
_RELEASE = re.compile(r"\d+\.0")
_MAINTENANCE = (
    "<html><head><title>Maintenance</title></head><body><h1>We are down for maintenance.</h1></body></html>"
)
_TOO_LONG = "<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>"


def versions(simulator: Simulator, request: Request) -> Answer:
    """The version list: no session, not counted, no Sforce-Limit-Info."""
    simulator.default_org.calls.uncounted["GET /services/data"] += 1
    offered = simulator.default_org.config.versions
    return Answer(200, [_version(number) for number in range(offered.min, offered.max + 1)])


def _version(number: int) -> dict[str, str]:
    """v66 is Spring '26, v67 Summer '26, v68 Winter '27, and so on."""
    season = ("Spring", "Summer", "Winter")[number % 3]
    year = 26 + (number - 66) // 3 + (number % 3 == 2)
    return {"label": f"{season} '{year:02d}", "url": f"/services/data/v{number}.0", "version": f"{number}.0"}


def data(simulator: Simulator, request: Request) -> Answer:
    """Answer a data request; commits what it changed."""
    if len(request.path) + len(request.query_text) + 1 > MAX_URI:
        return Answer(414, _TOO_LONG, content_type=http.HTML)
    session = _session(simulator, request)
    if isinstance(session, Answer):
        return session
    org, grant = session
    blocked = _blocked(org)
    if blocked is not None:
        return _with_usage(org, blocked)
    call = _call(request, grant)
    if call is None:
        return _with_usage(org, _refused(404, *not_found().items))
    answer = _with_usage(org, _answered(org, _overridden(call), request))
    org.commit()
    return answer


def _session(simulator: Simulator, request: Request) -> tuple[Org, Grant] | Answer:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind and kind.lower() not in {"bearer", "oauth"}:
        return _refused(401, ErrorItem("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"))
    found = simulator.by_access_token(token.strip())
    if found is None or _is_expired(*found, token.strip()):
        answer = _refused(401, ErrorItem("INVALID_SESSION_ID", "Session expired or invalid"))
        return _with_usage(simulator.default_org, answer)
    org, grant = found
    if not {"api", "full"} & set(grant.scope.split()):
        message = "This session is not valid for use with the REST API"
        return _with_usage(org, _refused(401, ErrorItem("INVALID_SESSION_ID", message)))
    return org, grant


def _is_expired(org: Org, grant: Grant, token: str) -> bool:
    """Sessions slide: each use starts the timeout anew."""
    minutes, now = org.config.session_minutes, org.clock().timestamp()
    if minutes is not None and now - grant.access_tokens[token] > minutes * 60:
        org.grants.expire(token)
        return True
    grant.access_tokens[token] = now
    return False


def _blocked(org: Org) -> Answer | None:
    if org.config.is_maintenance:
        return Answer(503, _MAINTENANCE, content_type=http.HTML)
    if not org.config.is_api_enabled:
        message = "The REST API is not enabled for this Organization."
        return _refused(403, ErrorItem("API_DISABLED_FOR_ORG", message))
    if org.api_used >= org.config.api_limit.max:
        return _refused(403, ErrorItem("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
    return None


def _call(request: Request, grant: Grant) -> Call | None:
    found = split_url(f"{request.path}?{request.query_text}")
    if found is None or not _RELEASE.fullmatch(found[0]):
        return None
    version, segments, query = found
    return Call(
        method=request.method,
        version=version,
        segments=segments,
        user_id=grant.user_id,
        query=query,
        headers=request.headers,
        raw=request.body.decode("utf-8", "replace"),
        base_url=request.base_url,
    )


def _overridden(call: Call) -> Call:
    """`?_HttpMethod=PATCH` on a POST, for clients that cannot send PATCH."""
    wanted = call.query.get("_HttpMethod")
    return replace(call, method=wanted.upper()) if wanted and call.method == "POST" else call


def _answered(org: Org, call: Call, request: Request) -> Answer:
    number = int(float(call.version))
    if _RETIRED_SINCE <= number < org.config.versions.min:
        return _refused(410, ErrorItem("UNSUPPORTED_API_VERSION", f"API version {call.version} is retired"))
    if not org.config.versions.min <= number <= org.config.versions.max:
        return _refused(404, *not_found().items)
    reply = dispatch(org, call)
    _count(org, call, reply.body)
    body = None if call.method == "HEAD" else reply.body
    return Answer(reply.status, body, reply.headers)


def _count(org: Org, call: Call, body: Any) -> None:
    """A composite is one call whatever it holds; a batch costs one for each part."""
    is_batch = call.segments == ("composite", "batch") and isinstance(body, dict)
    cost = len(body["results"]) if is_batch else 1
    org.api_used += cost
    org.calls.by_endpoint[endpoint(call)] += cost


def _with_usage(org: Org, answer: Answer) -> Answer:
    usage = f"api-usage={org.api_used}/{org.config.api_limit.max}"
    return replace(answer, headers={**answer.headers, "Sforce-Limit-Info": usage})


def _refused(status: int, *items: ErrorItem) -> Answer:
    return Answer(status, [item.as_rest() for item in items])
