"""The ASGI application: which path belongs to whom, and what a fault does to an answer."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

from salesforce_simulator import http
from salesforce_simulator.clock import Clock, stamp, system_clock
from salesforce_simulator.door.routes import door
from salesforce_simulator.faults import Fault, beginning_of
from salesforce_simulator.hosts import is_named, refusal
from salesforce_simulator.http import Answer, Connection, Receive, Request, Scope, Send
from salesforce_simulator.oauth.authorize import authorize
from salesforce_simulator.oauth.identity import identity, userinfo
from salesforce_simulator.oauth.tokens import introspect, revoke, token
from salesforce_simulator.pages.actions import act
from salesforce_simulator.pages.home import page
from salesforce_simulator.rest import door as rest
from salesforce_simulator.simulator import Simulator, open_simulator

_BODY_KEPT = 4_000

Handler = Callable[[Simulator, Request], Answer]

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
        (r"/_simulator/.+", "GET POST PUT DELETE", door),
        (r"/actions/[a-z-]+", "POST", act),
        (r"/(?:(?:people|campaigns|requests|faults)(?:/\w+)?)?", "GET HEAD", page),
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
            request = await http.read(scope, receive, self.simulator.base_url, is_named=is_named)
            connection = Connection(receive, send)
            answer = await self._answered(request, connection)
            if answer is not None:
                await http.write(answer, send)

    async def _answered(self, request: Request, connection: Connection) -> Answer | None:
        fault = self.simulator.faults.pick(request) if _is_salesforce(request) else None
        if fault is not None:
            return await _TROUBLES[fault.kind](self.simulator, request, fault, connection)
        return await _usual(self.simulator, request)


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


async def _usual(simulator: Simulator, request: Request) -> Answer:
    """The answer without trouble; half of a data call's latency lies before the write, half after."""
    if not request.path.startswith("/services/data/"):
        return _handled(simulator, request)
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
        answer = _handled(simulator, request)
        await _pause(half)
    finally:
        calls.in_flight -= 1
    return answer


async def _apply(simulator: Simulator, request: Request, fault: Fault) -> None:
    if fault.is_applied:
        await _usual(simulator, request if fault.kept is None else beginning_of(request, fault.kept))


def _is_query(request: Request) -> bool:
    """Whether it asks for records by SOQL, be it as a part of a composite."""
    return "/query" in request.path or "/query" in request.body.decode(errors="replace")


async def _pause(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)


def _handled(simulator: Simulator, request: Request) -> Answer:
    answer = refusal(simulator.orgs.values(), request) or _routed(simulator, request)
    if _is_salesforce(request):
        _remember(simulator, request, answer.status)
    return answer


def _routed(simulator: Simulator, request: Request) -> Answer:
    for pattern, methods, handler in _ROUTES:
        if pattern.fullmatch(request.path):
            is_allowed = request.method in methods
            return handler(simulator, request) if is_allowed else Answer(405, {"error": "method_not_allowed"})
    return Answer(404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}])


def _remember(simulator: Simulator, request: Request, status: int) -> None:
    is_secret = request.path.startswith("/services/oauth2")
    body = "" if is_secret else request.body[:_BODY_KEPT].decode("utf-8", "replace")
    host = request.headers.get("host", "")
    entry = {"method": request.method, "host": host, "path": request.path, "status": status, "body": body}
    simulator.default_org.calls.recent.append({"at": stamp(simulator.clock()), **entry})


async def _latency(
    simulator: Simulator, request: Request, fault: Fault, connection: Connection
) -> Answer | None:
    await asyncio.sleep(fault.seconds)
    return await _usual(simulator, request)


async def _error(
    simulator: Simulator, request: Request, fault: Fault, connection: Connection
) -> Answer | None:
    await _apply(simulator, request, fault)
    return Answer(fault.status, [{"message": fault.message, "errorCode": fault.error_code}])


async def _html(
    simulator: Simulator, request: Request, fault: Fault, connection: Connection
) -> Answer | None:
    await _apply(simulator, request, fault)
    return Answer(fault.status, fault.body, content_type=http.HTML)


async def _empty(
    simulator: Simulator, request: Request, fault: Fault, connection: Connection
) -> Answer | None:
    await _apply(simulator, request, fault)
    return Answer(fault.status)


async def _slow_drip(
    simulator: Simulator, request: Request, fault: Fault, connection: Connection
) -> Answer | None:
    await http.drip(await _usual(simulator, request), connection.send, seconds=fault.seconds)
    return None


async def _reset_before(
    simulator: Simulator, request: Request, fault: Fault, connection: Connection
) -> Answer | None:
    await connection.cut()
    return None


async def _reset_after(
    simulator: Simulator, request: Request, fault: Fault, connection: Connection
) -> Answer | None:
    await _usual(simulator, request)
    await connection.cut()
    return None


async def _truncate(
    simulator: Simulator, request: Request, fault: Fault, connection: Connection
) -> Answer | None:
    answer = await _usual(simulator, request)
    whole = answer.encoded()
    return replace(answer, body=whole[: len(whole) // 2])


async def _late(
    simulator: Simulator, request: Request, fault: Fault, connection: Connection
) -> Answer | None:
    simulator.postpone(fault.seconds, lambda: _handled(simulator, request))
    await connection.cut()
    return None


async def _hang(
    simulator: Simulator, request: Request, fault: Fault, connection: Connection
) -> Answer | None:
    await _apply(simulator, request, fault)
    await connection.closed(fault.seconds)
    await connection.cut()
    return None


_TROUBLES: Mapping[str, Callable[[Simulator, Request, Fault, Connection], Awaitable[Answer | None]]] = {
    "latency": _latency,
    "error": _error,
    "html": _html,
    "empty": _empty,
    "slow_drip": _slow_drip,
    "reset_before_write": _reset_before,
    "reset_after_write": _reset_after,
    "truncate": _truncate,
    "late_apply": _late,
    "hang": _hang,
}
