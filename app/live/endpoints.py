"""The doors to the live streams: server-sent events, read with fetch so that a bearer token can go along."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse

from app.api.auth import HostIdPath, HostMemberDep, Principal
from app.api.calls import EventMemberCall
from app.live.registry import Feeds
from app.live.sse import LIFE_SECONDS, stream
from app.live.subscriber import Subscriber, number_in
from app.registrations.context import load_context
from app.user_messages.language import current_language

router = APIRouter(prefix="/v1/hosts/{host_id}", tags=["monitor"])

EVENT_STREAM: Final = "text/event-stream"
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
ANSWERS: Final = {200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}}}
LastEventId = Annotated[
    str | None, Header(max_length=64, description="the id of the last event that was seen")
]


async def _language(
    lang: Annotated[
        str | None, Query(max_length=100, description="as Accept-Language, where a header cannot be set")
    ] = None,
) -> str:
    """The language of the stream, which has been chosen for the request already."""
    return current_language()


LanguageDep = Annotated[str, Depends(_language)]


@router.get(
    "/events/{event_id}/salesforce/stream",
    response_class=StreamingResponse,
    responses=ANSWERS,  # type: ignore[arg-type]
)
async def stream_event(
    call: EventMemberCall, request: Request, language: LanguageDep, last_event_id: LastEventId = None
) -> StreamingResponse:
    """`stats`, `row`, `link` and `card` as they change; snapshots, resumed by `Last-Event-ID`."""
    async with call.resources.database.tenant(call.host_id) as session:
        await load_context(session, call.host_id, call.event_id)
    subscriber = _subscriber(call.principal, call.host_id, call.event_id, language)
    return _answer(request, call.principal, call.host_id, subscriber, last_event_id)


@router.get("/salesforce/stream", response_class=StreamingResponse, responses=ANSWERS)  # type: ignore[arg-type]
async def stream_host(
    host_id: HostIdPath,
    request: Request,
    principal: HostMemberDep,
    language: LanguageDep,
    last_event_id: LastEventId = None,
) -> StreamingResponse:
    """`card`, and `stats` of every event of the host, as they change."""
    subscriber = _subscriber(principal, host_id, None, language)
    return _answer(request, principal, host_id, subscriber, last_event_id)


def _subscriber(principal: Principal, host_id: str, event_id: str | None, language: str) -> Subscriber:
    return Subscriber(principal.role_on(host_id), event_id, frozenset(principal.roles), language)


def _answer(
    request: Request, principal: Principal, host_id: str, subscriber: Subscriber, last_event_id: str | None
) -> StreamingResponse:
    feeds: Feeds = request.app.state.feeds
    feeds.check_capacity(host_id)
    life = min(LIFE_SECONDS, principal.seconds_left)
    events = stream(feeds, host_id, subscriber, after=number_in(last_event_id), life=life)
    return StreamingResponse(events, headers=HEADERS, media_type=EVENT_STREAM)
