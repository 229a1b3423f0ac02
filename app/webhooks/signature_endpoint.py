"""Where a sender's engineers try out what they sign: judged like a webhook, and forgotten."""

import time
from datetime import UTC, datetime
from math import ceil
from typing import Any, Final

from fastapi import APIRouter, Request

from app.api.dependencies import ResourcesDep
from app.api.edge.rate_limits import Buckets
from app.api.errors import ProblemBody, TooManyRequests
from app.api.request_bodies import read_body
from app.webhooks.endpoints import PATH, check_headers
from app.webhooks.signature_check import SignatureChecked, checked

TEST_PATH: Final = f"{PATH}/test"
OF_ADDRESS: Final = 60
OF_ALL: Final = 240
"""Checks a minute, in each process; one of a large body takes some milliseconds."""

router = APIRouter(tags=["webhooks"])

REFUSALS: Final = {
    408: "The body did not arrive in time",
    413: "The body is larger than 256 KiB",
    415: "Not plain application/json",
    429: "Too many checks; come back after `Retry-After` seconds",
}
SENT: Final[dict[str, Any]] = {
    "parameters": [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in {
            "webhook-id": "As it would be sent",
            "webhook-timestamp": "Seconds since 1970",
            "webhook-signature": "One to eight of `v1,<base64>`, separated by spaces",
        }.items()
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
}


class CheckLimit:
    """So many checks a minute, for one address and for all together."""

    def __init__(self) -> None:
        self._buckets = Buckets(time.monotonic)

    def take(self, address: str) -> None:
        """Raises TooManyRequests."""
        a_minute = {("address", address): OF_ADDRESS, ("all",): OF_ALL}
        wait = max(self._buckets.seconds_until(key, most) for key, most in a_minute.items())
        if wait > 0:
            raise TooManyRequests(reason="signature_check", headers={"Retry-After": str(ceil(wait))})
        for key, most in a_minute.items():
            self._buckets.take(key, most)


@router.post(
    TEST_PATH,
    responses={status: {"model": ProblemBody, "description": text} for status, text in REFUSALS.items()},
    openapi_extra=SENT,
    summary="Try out a webhook's signature",
)
async def check_signature(request: Request, resources: ResourcesDep) -> SignatureChecked:
    """Say what is wrong with headers, clock and signature. The body is not read as a webhook, nor kept."""
    limit: CheckLimit = request.app.state.signature_checks
    limit.take(request.client.host if request.client else "")
    settings, headers = resources.settings, request.scope["headers"]
    check_headers(headers, bytes_max=settings.webhook_max_bytes)
    body = await read_body(request.receive, bytes_max=settings.webhook_max_bytes)
    return checked(headers, body, secrets=settings.live_webhook_secrets, now=datetime.now(UTC))
