"""Sends the platform its notifications, in a few lanes of its own: a slow receiver holds nothing else."""

import asyncio
import contextlib
import logging
import time
from datetime import UTC, datetime
from typing import Final

import httpx

from app.api.dependencies import Resources
from app.infrastructure.log_limit import LogLimit
from app.notifications.delivery import (
    Answer,
    Claimed,
    claim_notifications,
    number_notifications,
    settle_notification,
)
from app.notifications.review import forget_conditions, review_conditions
from app.salesforce.egress import AddressRefused
from app.version import VERSION
from app.webhooks.signature import signed_by

log = logging.getLogger(__name__)
limit = LogLimit(log)

LANES: Final = 4
TURN_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 15.0
"""From the look-up of the receiver's name to the status of its answer."""
CONNECT_SECONDS: Final = 5.0
BODY_BYTES: Final = 16_384
BODY_SECONDS: Final = 1.0
"""Of an answer's body as much is read, so that its connection can be used again; what it says is not."""
UNREAD: Final = (httpx.HTTPError, httpx.StreamError, TimeoutError)
USER_AGENT: Final = f"eventship-salesforce/{VERSION}"


async def send_notifications(resources: Resources) -> None:
    """Number what was committed and send what is due (a periodic task). Nothing without NOTIFY_URL."""
    if resources.settings.notify_url is None:
        return
    await number_notifications(resources.database)
    until = time.monotonic() + TURN_SECONDS
    async with asyncio.TaskGroup() as lanes:
        for claimed in await claim_notifications(resources.database, LANES):
            lanes.create_task(_lane(resources, claimed, until=until))


async def review_notified(resources: Resources) -> None:
    """Notify of what ended by itself (a periodic task)."""
    if resources.settings.notify_url is None:
        await forget_conditions(resources.database)
    else:
        await review_conditions(resources.database)


async def _lane(resources: Resources, claimed: Claimed, *, until: float) -> None:
    """Send one after the other until nothing is due, or new facts have to be numbered."""
    while True:
        answer = await _send(resources, claimed)
        await settle_notification(resources.database, claimed, answer)
        _log(claimed, answer)
        following = await claim_notifications(resources.database, 1) if time.monotonic() < until else []
        if not following:
            return
        [claimed] = following


async def _send(resources: Resources, claimed: Claimed) -> Answer:
    """One try. Follows no redirect, and reads no more of the answer than it has to."""
    settings = resources.settings
    assert settings.notify_url is not None
    now = datetime.now(UTC)
    keys = [secret.key for secret in settings.live_notify_secrets if secret.is_live(now)]
    headers = signed_by(keys, claimed.notification_id, int(now.timestamp()), claimed.body)
    request = resources.http.build_request(
        "POST",
        settings.notify_url,
        content=claimed.body,
        headers={**headers, "user-agent": USER_AGENT},
        timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
    )
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            response = await resources.http.send(request, stream=True, follow_redirects=False)
    except Exception as error:  # whatever it is, the others go out, and this one has had its try
        return Answer(error=_named(error))
    await _leave(response)
    return Answer(status=response.status_code)


async def _leave(response: httpx.Response) -> None:
    """Let the connection go, in a state to be used again where little is left to read."""
    with contextlib.suppress(*UNREAD):
        async with asyncio.timeout(BODY_SECONDS):
            read = 0
            async for chunk in response.aiter_raw():
                read += len(chunk)
                if read > BODY_BYTES:
                    break
    with contextlib.suppress(*UNREAD):
        async with asyncio.timeout(BODY_SECONDS):
            await response.aclose()


def _named(error: Exception) -> str:
    """The kind of the failure; its text could name the address."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return "timeout"
    if isinstance(error, AddressRefused):
        return "address_refused"
    return type(error).__name__


def _log(claimed: Claimed, answer: Answer) -> None:
    if answer.is_accepted:
        return
    about = {"status": answer.status, "error": answer.error, "attempts": claimed.attempts + 1}
    if answer.is_gone:
        log.error("notifications_disabled", extra=about)
    else:
        key = f"{answer.status} {answer.error}"
        limit.log(logging.WARNING, "notification_not_delivered", key=key, **about)
