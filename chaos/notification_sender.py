"""A process that only sends notifications, as every worker does beside its drains; killed at any time.

Repeats come after fractions of a second. With CHAOS_CONTROL it forgets what it is about to send: what it
takes with it is lost, and the checker must see that.
"""

import asyncio
import os
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from app.config.settings import Settings
from app.infrastructure.database import Database
from app.main import open_resources
from app.notifications import delivery
from app.notifications.delivery import Answer, Claimed
from chaos.refresh_child import WEBHOOK_SECRET
from workers import notifier
from workers.loops import run_periodically

LEASE: Final = timedelta(seconds=1.5)
REPEATS: Final = (timedelta(seconds=0.2),) * 1_000
ANSWER_SECONDS: Final = 0.5
EVERY_SECONDS: Final = 0.05


def main() -> int:
    """Send until killed."""
    for module, name, value in (
        (delivery, "LEASE", LEASE),
        (delivery, "REPEATS", REPEATS),
        (notifier, "ANSWER_SECONDS", ANSWER_SECONDS),
    ):
        setattr(module, name, value)
    if os.environ.get("CHAOS_CONTROL"):
        setattr(notifier, "claim_notifications", _forgetful)  # noqa: B010 -- types would not allow it
    asyncio.run(_send())
    return 0


async def _send() -> None:
    async with open_resources(_settings()) as resources:
        send = partial(notifier.send_notifications, resources)
        stop, every = asyncio.Event(), EVERY_SECONDS
        await run_periodically("notifications", send, every=every, stop=stop, within=10, longest=0.25)


async def _forgetful(database: Database, limit: int) -> Sequence[Claimed]:
    """At most once: delivered, as far as the outbox knows, before anything was sent."""
    claimed = await delivery.claim_notifications(database, limit)
    for each in claimed:
        await delivery.settle_notification(database, each, Answer(status=200))
    return claimed


def _settings() -> Settings:
    url = os.environ["RECEIVER_URL"]
    return Settings.model_validate(
        {
            "database_url": os.environ["DATABASE_URL"],
            "database_pool": 8,
            "redis_url": "redis://127.0.0.1:1/0",
            "encryption_keys": os.environ["CHAOS_KEY"],
            "webhook_secrets": WEBHOOK_SECRET,
            "salesforce_simulator_url": url,
            "notify_url": f"{url}/hooks",
            "notify_secrets": WEBHOOK_SECRET,
            "notify_private": True,
        }
    )
