"""The door for the platform's signed webhooks."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache

import asyncpg
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from starlette.datastructures import State
from starlette.types import Receive

from app import tracing
from app.api import errors
from app.api.dependencies import Resources
from app.api.errors import BodyTooLarge, MediaTypeUnsupported, Problem, ProblemBody
from app.api.request_bodies import read_body
from app.infrastructure.database_errors import is_of_the_data, sqlstate
from app.infrastructure.encryption import Encryptor
from app.infrastructure.log_limit import LogLimit
from app.metrics import WEBHOOK_REQUESTS, WEBHOOK_SECONDS
from app.privacy.unparsed_bodies import encrypt_unknown, encrypt_unusable
from app.webhooks.batch_writer import GroupCommitWriter
from app.webhooks.nearest_type import nearest_type
from app.webhooks.openapi import WEBHOOK_REQUEST
from app.webhooks.parse import InvalidDelivery, Outcome, ParsedDelivery, parse_delivery
from app.webhooks.signature import InvalidSignature, StaleSignature, verify

JSON = b"application/json"
Headers = Iterable[tuple[bytes, bytes]]


log = logging.getLogger(__name__)
limit = LogLimit(log)

PATH = "/webhooks/eventship"

router = APIRouter(tags=["webhooks"])
_counted = cache(WEBHOOK_REQUESTS.labels)
"""One for each outcome and problem, found once."""

REFUSALS = {
    400: "Signed, but not a payload that can be used: kept apart, sending it again will not help",
    401: "Not signed by a live secret; or signed by one, more than five minutes away from our clock",
    408: "The body did not arrive in time",
    413: "The body is larger than 256 KiB",
    415: "Not plain application/json",
    503: "Not recorded; try again after `Retry-After` seconds",
}


class WebhookAnswer(BaseModel):
    """What became of the delivery; it is on disk when this is sent.

    `nearest_type` is there with `unknown_type` alone, where a known type is like the one that was sent.
    """

    outcome: Outcome
    nearest_type: str | None = None


ANSWERS = {
    outcome: WebhookAnswer(outcome=outcome).model_dump_json(exclude_none=True).encode() for outcome in Outcome
}


@dataclass(frozen=True, slots=True)
class Taken:
    """A delivery that is recorded, and of which type."""

    outcome: Outcome
    type: str

    def answer(self) -> bytes:
        if self.outcome is not Outcome.UNKNOWN_TYPE or (near := nearest_type(self.type)) is None:
            return ANSWERS[self.outcome]
        return WebhookAnswer(outcome=self.outcome, nearest_type=near).model_dump_json().encode()


@router.post(
    PATH,
    status_code=202,
    response_model=WebhookAnswer,
    responses={status: {"model": ProblemBody, "description": text} for status, text in REFUSALS.items()},
    openapi_extra=WEBHOOK_REQUEST,
    summary="Receive one signed webhook",
)
async def receive_webhook(request: Request) -> Response:
    """Verify the raw bytes, read them, and answer once they are recorded."""
    taken = await receive(request.app.state, request.scope["headers"], request.receive)
    return Response(taken.answer(), 202, media_type="application/json")


async def receive(state: State, headers: Headers, receive_body: Receive) -> Taken:
    """What became of the delivery, once it is recorded; `state` is the application's. Raises Problem."""
    started, label = time.perf_counter(), errors.Unexpected.__name__
    try:
        taken = await _recorded(state.resources, state.intake, headers, receive_body)
        label = str(taken.outcome)
        return taken
    except Problem as problem:
        label = type(problem).__name__
        raise
    finally:
        count_webhook(label, started)


def count_webhook(label: str, started: float) -> None:
    """One webhook by its outcome or problem; `started` is a time of `perf_counter`."""
    _counted(label).inc()
    WEBHOOK_SECONDS.observe(time.perf_counter() - started)


def read_whole(state: State, headers: Headers, body: bytes) -> ParsedDelivery | None:
    """The delivery in a request whose body is there; None for what only `receive` answers, and traces."""
    settings = state.resources.settings
    if tracing.is_on() or len(body) > settings.webhook_max_bytes:
        return None
    try:
        check_headers(headers, bytes_max=settings.webhook_max_bytes)
        webhook_id = verify(headers, body, secrets=settings.live_webhook_secrets, now=datetime.now(UTC))
        delivery = parse_delivery(webhook_id, body)
    except Exception:  # whatever it is, `receive` meets it again
        return None
    return None if delivery.outcome is Outcome.UNKNOWN_TYPE else delivery


async def _recorded(
    resources: Resources, writer: GroupCommitWriter, headers: Headers, receive_body: Receive
) -> Taken:
    """Raises Problem, and what nobody expected."""
    settings, vault = resources.settings, resources.vault
    check_headers(headers, bytes_max=settings.webhook_max_bytes)
    body = await read_body(receive_body, bytes_max=settings.webhook_max_bytes)
    try:
        webhook_id = verify(headers, body, secrets=settings.live_webhook_secrets, now=datetime.now(UTC))
    except InvalidSignature:
        raise errors.SignatureInvalid from None
    except StaleSignature as error:
        limit.log(logging.WARNING, "webhook_stale", key="stale", seconds=round(error.seconds))
        raise errors.SignatureStale from None
    if not tracing.is_on():
        return await _kept(writer, vault, webhook_id, body)
    parent = _trace_parent(headers)
    with tracing.span("webhook", kind=tracing.SERVER, parent=parent, webhook_id=webhook_id) as span:
        taken = await _kept(writer, vault, webhook_id, body)
        span.set(outcome=taken.outcome.value)
        return taken


def _trace_parent(headers: Headers) -> str | None:
    """The sender's own trace. Only a signed request is looked at: nobody else can ask for spans."""
    return next((value.decode("latin-1") for name, value in headers if name == b"traceparent"), None)


async def _kept(writer: GroupCommitWriter, vault: Encryptor, webhook_id: str, body: bytes) -> Taken:
    try:
        delivery = parse_delivery(webhook_id, body)
        return Taken(await _submit(writer, vault, delivery, body), delivery.type)
    except InvalidDelivery as error:
        await writer.keep_unusable(
            encrypt_unusable(vault, body, webhook_id=webhook_id, reason=error.reason, faults=error.errors)
        )
        raise errors.PayloadUnusable(reason=error.reason, errors=error.errors) from None


async def _submit(
    writer: GroupCommitWriter, vault: Encryptor, delivery: ParsedDelivery, body: bytes
) -> Outcome:
    """Raises InvalidDelivery when Postgres would refuse the same values each time.

    Of a call for an erasure nothing could be kept, so it stays a fault of ours until it is done.
    """
    if delivery.outcome is Outcome.UNKNOWN_TYPE:
        delivery = replace(delivery, unread=encrypt_unknown(vault, body, host_id=delivery.host_id))
    if (context := tracing.current_context()) is not None:
        delivery = replace(delivery, trace_context=context)
    try:
        return await writer.submit(delivery)
    except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if delivery.erasure is not None or not is_of_the_data(error):
            raise
        log.error("delivery_not_storable", extra={"sqlstate": sqlstate(error), "type": delivery.type})
        raise InvalidDelivery("not_storable", []) from None


def check_headers(headers: Headers, *, bytes_max: int) -> None:
    """Refuse by headers alone what need not be read. Raises BodyTooLarge, MediaTypeUnsupported."""
    lengths: list[bytes] = []
    encodings: list[bytes] = []
    types: list[bytes] = []
    for name, value in headers:
        if name == b"content-type":
            types.append(value)
        elif name == b"content-length":
            lengths.append(value)
        elif name == b"content-encoding":
            encodings.append(value)
    declared = lengths[0] if lengths else b"0"
    if declared.isdigit() and (len(declared) > 19 or int(declared) > bytes_max):
        raise BodyTooLarge
    if any(value.strip().lower() != b"identity" for value in encodings):
        raise MediaTypeUnsupported
    if [value.partition(b";")[0].strip().lower() for value in types] != [JSON]:
        raise MediaTypeUnsupported
