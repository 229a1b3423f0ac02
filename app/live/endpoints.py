"""The doors to the live streams: server-sent events, read with fetch so that a bearer token can go along."""

from typing import Annotated, Final

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from app.api.auth import HostIdPath, HostMemberDep, Principal
from app.api.calls import EventMemberCall
from app.live.registry import Feeds
from app.live.sse import LIFE_SECONDS, stream
from app.live.subscriber import Subscriber, number_in
from app.registrations.context import load_context

router = APIRouter(prefix="/v1/hosts/{host_id}", tags=["monitor"])

EVENT_STREAM: Final = "text/event-stream"
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
ANSWERS: Final = {200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}}}
LastEventId = Annotated[
    str | None, Header(max_length=64, description="the id of the last event that was seen")
]


@router.get(
    "/events/{event_id}/salesforce/stream",
    response_class=StreamingResponse,
    responses=ANSWERS,  # type: ignore[arg-type]
)
async def stream_event(
    call: EventMemberCall, request: Request, last_event_id: LastEventId = None
) -> StreamingResponse:
    """`stats`, `row`, `link` and `card` as they change; snapshots, resumed by `Last-Event-ID`."""
    async with call.resources.database.tenant(call.host_id) as session:
        await load_context(session, call.host_id, call.event_id)
    return _answer(request, call.principal, call.host_id, call.event_id, last_event_id)


@router.get("/salesforce/stream", response_class=StreamingResponse, responses=ANSWERS)  # type: ignore[arg-type]
async def stream_host(
    host_id: HostIdPath, request: Request, principal: HostMemberDep, last_event_id: LastEventId = None
) -> StreamingResponse:
    """`card`, and `stats` of every event of the host, as they change."""
    return _answer(request, principal, host_id, None, last_event_id)


def _answer(
    request: Request, principal: Principal, host_id: str, event_id: str | None, last_event_id: str | None
) -> StreamingResponse:
    feeds: Feeds = request.app.state.feeds
    feeds.check_capacity(host_id)
    subscriber = Subscriber(principal.role_on(host_id), event_id, frozenset(principal.roles))
    life = min(LIFE_SECONDS, principal.seconds_left)
    events = stream(feeds, host_id, subscriber, after=number_in(last_event_id), life=life)
    return StreamingResponse(events, headers=HEADERS, media_type=EVENT_STREAM)
