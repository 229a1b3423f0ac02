"""The ASGI application: which path belongs to whom, and what a fault does to a response."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from salesforce_simulator import http
from salesforce_simulator.api_usage import SeenRequest
from salesforce_simulator.clock import Clock, system_clock
from salesforce_simulator.control_api.routes import handle
from salesforce_simulator.faults import Fault, beginning_of
from salesforce_simulator.hosts import is_named, refusal
from salesforce_simulator.http import Connection, Receive, Request, Response, Scope, Send
from salesforce_simulator.oauth.authorize import authorize
from salesforce_simulator.oauth.identity import identity, userinfo
from salesforce_simulator.oauth.tokens import introspect, revoke, token
from salesforce_simulator.pages.actions import handle_action
from salesforce_simulator.pages.home import page
from salesforce_simulator.rest import endpoint as rest
from salesforce_simulator.simulator import Simulator, open_simulator

_BODY_KEPT = 4_000

Handler = Callable[[Simulator, Request], Response]

_ROUTES: tuple[tuple[re.Pattern[str], frozenset[str], Handler], ...] = tuple(
    (re.compile(pattern), frozenset(methods.split()), handler)
    for pattern, methods, handler in (
        (r"/services/data/?", "GET HEAD", rest.versions),
        (r"/services/data/.+", "GET HEAD POST PATCH PUT DELETE", rest.data),
        (r"/services/oauth2/authorize", "GET POST", authorize),
        (r"/services/oauth2/token", "POST", token),
        (r"/services/oauth2/revoke", "GET POST", revoke),
        (r"/services/oauth2/introspect", "POST", introspect),
        (r"/services/oauth2/userinfo", "GET POST", userinfo),
        (r"/id/.+", "GET POST", identity),
        (r"/_simulator/.+", "GET POST PUT DELETE", handle),
        (r"/actions/[a-z-]+", "POST", handle_action),
        (r"/(?:(?:people|campaigns|calendar|cases|packages|requests|faults)(?:/\w+)?)?", "GET HEAD", page),
    )
)


class SimulatorApp:
    """The ASGI callable; `simulator` is what stands behind it."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(self.simulator, receive, send)
        elif scope["type"] == "http":
            request = await http.read_request(scope, receive, self.simulator.base_url, is_named=is_named)
            connection = Connection(receive, send)
            response = await self._respond_with_faults(request, connection)
            if response is not None:
                await http.send_response(response, send)

    async def _respond_with_faults(self, request: Request, connection: Connection) -> Response | None:
        fault = self.simulator.faults.match(request) if _is_salesforce(request) else None
        if fault is not None:
            return await FAULT_HANDLERS[fault.kind](FaultContext(self.simulator, request, fault, connection))
        return await _respond(self.simulator, request)


def create_app(
    state_path: Path | None = None,
    *,
    base_url: str | None = None,
    clock: Clock = system_clock,
    orgs_at_least: int = 0,
) -> SimulatorApp:
    """A simulator as an ASGI application.

    `state_path` is an SQLite file that keeps every change (in memory without it); `base_url` is the instance
    and login URL (else as the client called us); `clock` gives an aware datetime; `orgs_at_least` asks for
    more orgs than the three that are always there.
    """
    return SimulatorApp(
        open_simulator(state_path, base_url=base_url, clock=clock, orgs_at_least=orgs_at_least)
    )


async def _lifespan(simulator: Simulator, receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            simulator.journal.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _is_salesforce(request: Request) -> bool:
    return request.path.startswith(("/services/", "/id/"))


async def _respond(simulator: Simulator, request: Request) -> Response:
    """Respond without a fault; half of a data call's latency lies before the write, half after."""
    if not request.path.startswith("/services/data/"):
        return _dispatch(simulator, request)
    calls, config = simulator.default_org.calls, simulator.default_org.config
    calls.in_flight += 1
    try:
        # One call too many is refused at once, so that those before it still find room.
        is_over = config.api_limit.concurrent is not None and calls.in_flight > config.api_limit.concurrent
        latency = config.latency_ms
        if config.query_latency_ms and _is_query(request):
            latency += config.query_latency_ms
        half = 0 if is_over else latency / 2000
        await _pause(half)
        response = _dispatch(simulator, request)
        await _pause(half)
    finally:
        calls.in_flight -= 1
    return response


def _is_query(request: Request) -> bool:
    """Whether it asks for records by SOQL, be it as a part of a composite."""
    return "/query" in request.path or "/query" in request.body.decode(errors="replace")


async def _pause(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)


def _dispatch(simulator: Simulator, request: Request) -> Response:
    response = refusal(simulator.orgs.values(), request) or _routed(simulator, request)
    if _is_salesforce(request):
        _log_request(simulator, request, response.status)
    return response


def _routed(simulator: Simulator, request: Request) -> Response:
    for pattern, methods, handler in _ROUTES:
        if pattern.fullmatch(request.path):
            is_allowed = request.method in methods
            return (
                handler(simulator, request) if is_allowed else Response(405, {"error": "method_not_allowed"})
            )
    return Response(404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}])


def _log_request(simulator: Simulator, request: Request, status: int) -> None:
    is_secret = request.path.startswith("/services/oauth2")
    body = b"" if is_secret else request.body[:_BODY_KEPT]
    host = request.headers.get("host", "")
    seen = SeenRequest(simulator.clock(), request.method, host, request.path, status, body)
    simulator.default_org.calls.recent.append(seen)


@dataclass(frozen=True)
class FaultContext:
    """A request that meets a fault, and the connection on which it does."""

    simulator: Simulator
    request: Request
    fault: Fault
    connection: Connection

    async def respond(self) -> Response:
        """The response as without the fault; what was written is kept."""
        return await _respond(self.simulator, self.request)

    async def apply(self) -> None:
        """Write what the fault lets through, if anything."""
        fault = self.fault
        if fault.is_applied:
            kept = self.request if fault.kept is None else beginning_of(self.request, fault.kept)
            await _respond(self.simulator, kept)


async def _latency(context: FaultContext) -> Response:
    await asyncio.sleep(context.fault.seconds)
    return await context.respond()


async def _error(context: FaultContext) -> Response:
    await context.apply()
    fault = context.fault
    return Response(fault.status, [{"message": fault.message, "errorCode": fault.error_code}])


async def _html(context: FaultContext) -> Response:
    await context.apply()
    return Response(context.fault.status, context.fault.body, content_type=http.HTML)


async def _empty(context: FaultContext) -> Response:
    await context.apply()
    return Response(context.fault.status)


async def _slow_drip(context: FaultContext) -> None:
    await http.send_slowly(await context.respond(), context.connection.send, seconds=context.fault.seconds)


async def _reset_before_write(context: FaultContext) -> None:
    await context.connection.cut()


async def _reset_after_write(context: FaultContext) -> None:
    await context.respond()
    await context.connection.cut()


async def _truncate(context: FaultContext) -> Response:
    response = await context.respond()
    whole = response.encoded()
    return replace(response, body=whole[: len(whole) // 2])


async def _late_apply(context: FaultContext) -> None:
    simulator, request = context.simulator, context.request
    held = request.body.decode(errors="replace") if context.fault.holds_values else ""
    simulator.schedule_late_write(context.fault.seconds, lambda: _dispatch(simulator, request), held=held)
    await context.connection.cut()


async def _hang(context: FaultContext) -> None:
    await context.apply()
    await context.connection.closed(context.fault.seconds)
    await context.connection.cut()


# None where the handler has sent what there was to send.
FAULT_HANDLERS: Mapping[str, Callable[[FaultContext], Awaitable[Response | None]]] = {
    "latency": _latency,
    "error": _error,
    "html": _html,
    "empty": _empty,
    "slow_drip": _slow_drip,
    "reset_before_write": _reset_before_write,
    "reset_after_write": _reset_after_write,
    "truncate": _truncate,
    "late_apply": _late_apply,
    "hang": _hang,
}
