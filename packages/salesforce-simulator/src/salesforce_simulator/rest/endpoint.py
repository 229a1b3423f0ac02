"""The HTTP side of /services/data: session, switches, limits, counting, then the resource."""

import re
from dataclasses import replace
from typing import Any

from salesforce_simulator import http
from salesforce_simulator.config_parts import ConnectedApp
from salesforce_simulator.errors import ErrorItem, not_found
from salesforce_simulator.grants import SESSION_MINUTES, Grant, is_jwt
from salesforce_simulator.hosts import data_refusal
from salesforce_simulator.http import Request, Response
from salesforce_simulator.org import Org
from salesforce_simulator.rest.dispatch import dispatch, endpoint
from salesforce_simulator.rest.request import RestRequest, split_url
from salesforce_simulator.simulator import Simulator

MAX_URI = 16_384
_RETIRED_SINCE = 21
_RELEASE = re.compile(r"\d+\.0")
_BAD_MESSAGE = "<h1>Bad Message {}</h1><pre>reason: {}</pre>"


def versions(simulator: Simulator, request: Request) -> Response:
    """The version list: no session, not counted, no Sforce-Limit-Info."""
    simulator.default_org.calls.uncounted["GET /services/data"] += 1
    offered = simulator.default_org.config.versions
    return Response(200, [_version(number) for number in range(offered.min, offered.max + 1)])


def _version(number: int) -> dict[str, str]:
    """v66 is Spring '26, v67 Summer '26, v68 Winter '27, and so on."""
    season = ("Spring", "Summer", "Winter")[number % 3]
    year = 26 + (number - 66) // 3 + (number % 3 == 2)
    return {"label": f"{season} '{year:02d}", "url": f"/services/data/v{number}.0", "version": f"{number}.0"}


def data(simulator: Simulator, request: Request) -> Response:
    """Answer a data request; commits what it changed."""
    too_long = _check_length(request)
    if too_long is not None:
        return too_long
    session = _session(simulator, request)
    if isinstance(session, Response):
        return session
    org, grant = session
    elsewhere = data_refusal(org, request.headers.get("host", ""))
    if elsewhere is not None:
        return _refused(*elsewhere)
    org.expire_bin()
    with org.acting_as(grant.user_id):
        answer = _check_access(org, grant) or _handle(org, grant, request)
    org.commit()
    app = simulator.app(grant.client_id)
    return _with_usage(org, answer, app)


def _check_length(request: Request) -> Response | None:
    """The web server's own limits: its pages, no JSON."""
    uri = len(request.path) + len(request.query_text) + 1
    if uri > MAX_URI:
        return Response(414, _BAD_MESSAGE.format(414, "URI Too Long"), content_type=http.HTML)
    names, values = request.headers, request.headers.values()
    headers = sum(map(len, names)) + sum(map(len, values)) + 4 * len(names)
    if uri + headers > MAX_URI:
        text = _BAD_MESSAGE.format(431, "Request Header Fields Too Large")
        return Response(431, text, content_type=http.HTML)
    return None


def _handle(org: Org, grant: Grant, request: Request) -> Response:
    call = _rest_request(request, grant)
    if call is None:
        return _refused(404, *not_found().items)
    return _dispatch_version(org, _with_method_override(call))


def _session(simulator: Simulator, request: Request) -> tuple[Org, Grant] | Response:
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
    """Sessions slide: each use starts the timeout anew. A JWT ends when it says."""
    minutes, now = org.config.session_minutes, org.clock().timestamp()
    if is_jwt(token):
        return now - grant.access_tokens[token] > 60 * (minutes or SESSION_MINUTES)
    if minutes is not None and now - grant.access_tokens[token] > minutes * 60:
        org.grants.expire(token)
        return True
    grant.access_tokens[token] = now
    return False


def _check_access(org: Org, grant: Grant) -> Response | None:
    """What stops every call of an org or of a user before it is looked at."""
    config, limit = org.config, org.config.api_limit
    if config.is_maintenance:
        return Response(503, config.maintenance_page, content_type=http.HTML)
    if not config.is_api_enabled:
        message = "The REST API is not enabled for this Organization."
        return _refused(403, ErrorItem("API_DISABLED_FOR_ORG", message))
    if not _has_api(org, grant.user_id):
        item = ErrorItem("API_CURRENTLY_DISABLED", config.api_disabled_message)
        return _refused(config.api_disabled_status, item)
    if limit.concurrent is not None and org.calls.in_flight > limit.concurrent:
        message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
        return _refused(403, ErrorItem("REQUEST_LIMIT_EXCEEDED", message))
    is_app_spent = limit.per_app is not None and org.calls.by_app[grant.client_id] >= limit.per_app
    if org.api_used >= limit.max or is_app_spent:
        return _refused(403, ErrorItem("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
    return None


def _has_api(org: Org, user_id: str) -> bool:
    """Whether a user has API Enabled: by permissions of his own, else by the org's list of who has not."""
    own = org.rights_of(user_id).is_api_enabled
    disabled = {each[:15] for each in org.config.api_disabled_users}
    return user_id[:15] not in disabled if own is None else own


def _rest_request(request: Request, grant: Grant) -> RestRequest | None:
    found = split_url(f"{request.path}?{request.query_text}")
    if found is None or not _RELEASE.fullmatch(found[0]):
        return None
    version, segments, query = found
    return RestRequest(
        method=request.method,
        version=version,
        segments=segments,
        user_id=grant.user_id,
        client_id=grant.client_id,
        query=query,
        headers=request.headers,
        raw=request.body.decode("utf-8", "replace"),
        base_url=request.base_url,
    )


def _with_method_override(call: RestRequest) -> RestRequest:
    """`?_HttpMethod=PATCH` on a POST, for clients that cannot send PATCH."""
    wanted = call.query.get("_HttpMethod")
    return replace(call, method=wanted.upper()) if wanted and call.method == "POST" else call


def _dispatch_version(org: Org, call: RestRequest) -> Response:
    number = int(float(call.version))
    if _RETIRED_SINCE <= number < org.config.versions.min:
        message = f"API version {call.version} is retired"
        return _refused(410, ErrorItem(org.config.retired_version_code, message))
    if not org.config.versions.min <= number <= org.config.versions.max:
        return _refused(404, *not_found().items)
    reply = dispatch(org, call)
    _count_usage(org, call, reply.body)
    body = None if call.method == "HEAD" else reply.body
    return Response(reply.status, body, reply.headers)


def _count_usage(org: Org, call: RestRequest, body: Any) -> None:
    """A composite is one call whatever it holds; a batch costs one for each part."""
    cost = 1
    if call.segments == ("composite", "batch") and isinstance(body, dict):
        cost = len(body["results"])
    elif call.segments == ("composite", "graph"):
        cost = org.config.graph_cost
    org.api_used += cost
    org.calls.by_endpoint[endpoint(call.method, call.segments)] += cost
    org.calls.by_app[call.client_id] += cost


def _with_usage(org: Org, answer: Response, app: ConnectedApp | None = None) -> Response:
    limit = org.config.api_limit
    usage = f"api-usage={org.api_used}/{limit.max}"
    if app is not None and limit.per_app is not None:
        used = org.calls.by_app[app.client_id]
        usage += f"; per-app-api-usage={used}/{limit.per_app}(appName={app.name})"
    headers = {**answer.headers, "Sforce-Limit-Info": usage}
    return Response(answer.status, answer.body, headers, answer.content_type)


def _refused(status: int, *items: ErrorItem) -> Response:
    return Response(status, [item.as_rest() for item in items])
