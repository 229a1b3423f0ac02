"""`Idempotency-Key` on changes: the first answer to a request is given again for 24 hours.

A key belongs to a host, and to one user's one request (method, path, query, body). Its row is committed
before the request is carried out, so of two at once one waits for the other's answer. Answers are kept
sealed, as they may hold attendees or one-time links. Server errors and "not now" are not kept: the key may
try again.
"""

import asyncio
import hashlib
import json
import logging
import re
import time
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.answer_language import HEADER
from app.api.auth import WRITE_ROLES, Principal, current_principal
from app.api.dependencies import Resources
from app.api.error_handlers import send_problem
from app.api.errors import DatabaseUnavailable, FieldError, KeyReused, PayloadInvalid, Problem
from app.api.idempotency_store import ClaimedKey, StoredResponse, claim_key, release_key, save_response
from app.api.request_bodies import BODY_MAX, read_body, replayed
from app.infrastructure.database_errors import is_away
from app.infrastructure.encryption import Encryptor
from app.user_messages.catalog import say
from app.user_messages.language import current_language

log = logging.getLogger(__name__)

METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PATH: Final = re.compile(r"/v1/hosts/(?P<host_id>[A-Za-z0-9_.:-]{1,64})/.+")
READS: Final = re.compile(r".*/((mapping|campaign)/validate|mapping/preview|diagnosis)")
"""They change nothing, so there is nothing to keep from happening twice."""
KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
WAIT_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.05
COLUMN: Final = "idempotency_keys.sealed"
KEPT_HEADERS: Final = frozenset({b"content-type", b"cache-control", b"content-language", b"location"})
NOT_KEPT: Final = frozenset({401, 403, 408, 413, 425, 429})


@dataclass
class BufferedResponse:
    """An answer held back until it is kept; grows message by message."""

    status: int = 500
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = tuple((bytes(name), bytes(value)) for name, value in message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    @property
    def is_kept(self) -> bool:
        """Whether a repetition gets this answer: JSON that does not depend on the moment."""
        kind = dict(self.headers).get(b"content-type", b"application/json")
        return self.status < 500 and self.status not in NOT_KEPT and b"json" in kind

    async def deliver(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status, "headers": list(self.headers)}
        await send(start)
        await send({"type": "http.response.body", "body": self.body})

    def as_text(self) -> str:
        headers = {name.decode(): value.decode() for name, value in self.headers if name in KEPT_HEADERS}
        # Whoever repeats it may speak another language; its words stay in this one.
        worded = {HEADER.lower(): current_language()} | headers
        return json.dumps({"headers": list(worded.items()), "body": self.body.decode()})


class IdempotencyMiddleware:
    """ASGI middleware around the API; requests without a key pass untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key, host_id = _key_of(scope), _host_of(scope)
        principal = await _authorized_principal(Request(scope), host_id) if key and host_id else None
        if key is None or host_id is None or principal is None:
            await self._app(scope, receive, send)
            return
        try:
            body = await read_body(receive, bytes_max=BODY_MAX)
            digest = request_digest(scope, body, principal)
            found = await claim_or_wait(
                scope["app"].state.resources, host_id, key=_checked(key), digest=digest
            )
        except Problem as problem:
            await send_problem(problem, scope, receive, send)
        except (SQLAlchemyError, OSError) as error:
            if not is_away(error):
                raise
            await send_problem(DatabaseUnavailable(), scope, receive, send)
        else:
            await self._answer(found, scope, replayed(body, receive), send, host_id=host_id)

    async def _answer(
        self, found: ClaimedKey | StoredResponse, scope: Scope, receive: Receive, send: Send, *, host_id: str
    ) -> None:
        resources: Resources = scope["app"].state.resources
        if isinstance(found, StoredResponse):
            await replay_response(found, resources.vault, host_id=host_id)(scope, receive, send)
            return
        captured = BufferedResponse()
        try:
            await self._app(scope, receive, captured.take)
        except BaseException:
            await release_key(resources.database, found)
            raise
        await _keep(resources, found, captured)
        await captured.deliver(send)


def replay_response(stored: StoredResponse, vault: Encryptor, *, host_id: str) -> Response:
    """The first answer again, byte for byte, marked as such."""
    kept = json.loads(vault.open(stored.sealed, host_id=host_id, column=COLUMN))
    headers = dict(kept["headers"]) | {"Idempotent-Replayed": "true"}
    return Response(kept["body"], stored.status, headers=headers)


def request_digest(scope: Scope, body: bytes, principal: Principal) -> bytes:
    """What makes two requests the same one."""
    alike = [scope["method"], scope["path"], scope["query_string"].decode("latin-1"), principal.user_id]
    return hashlib.sha256(json.dumps(alike).encode() + b"\0" + body).digest()


async def claim_or_wait(
    resources: Resources, host_id: str, *, key: str, digest: bytes, wait_seconds: float = WAIT_SECONDS
) -> ClaimedKey | StoredResponse:
    """Take the key, or wait for the answer of the request that has it. Raises KeyReused."""
    deadline = time.monotonic() + wait_seconds
    while (found := await claim_key(resources.database, host_id, key=key, digest=digest)) is None:
        if time.monotonic() > deadline:
            raise KeyReused(
                say("detail.first_request_under_way"),
                reason="under_way",
                headers={"Retry-After": "5"},
            )
        await asyncio.sleep(LOOK_SECONDS)
    return found


async def _keep(resources: Resources, ticket: ClaimedKey, captured: BufferedResponse) -> None:
    if not captured.is_kept:
        await release_key(resources.database, ticket)
        return
    sealed = resources.vault.seal(captured.as_text(), host_id=ticket.host_id, column=COLUMN)
    try:
        await save_response(resources.database, ticket, status=captured.status, sealed=sealed)
    except (SQLAlchemyError, OSError) as error:
        if not is_away(error):
            raise
        log.warning("idempotent_answer_not_kept", extra={"error": type(error).__name__})


def _key_of(scope: Scope) -> str | None:
    if scope["type"] != "http" or scope["method"] not in METHODS:
        return None
    return dict(scope["headers"]).get(b"idempotency-key", b"").decode("latin-1") or None


def _host_of(scope: Scope) -> str | None:
    match = PATH.fullmatch(scope.get("path", ""))
    return match["host_id"] if match and not READS.fullmatch(match[0]) else None


def _checked(key: str) -> str:
    if not KEY.fullmatch(key):
        message = "must be 1 to 255 visible ASCII characters"
        raise PayloadInvalid(errors=[FieldError(path="header.idempotency-key", message=message)])
    return key


async def _authorized_principal(request: Request, host_id: str) -> Principal | None:
    """The caller, if the request would be let in; anybody else gets the route's own answer."""
    try:
        principal = await current_principal(request)
        return principal if principal.role_on(host_id) in WRITE_ROLES else None
    except Problem:
        return None
