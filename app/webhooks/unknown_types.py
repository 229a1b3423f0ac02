"""Stores sealed bodies of types that are not known."""

from collections.abc import Iterable

from sqlalchemy import text

from app.infrastructure.raw_connection import SqlExecutor
from app.privacy.unparsed_store import mention_keys
from app.webhooks.parse import ParsedDelivery

KEEP_UNKNOWN = text(
    "INSERT INTO unknown_bodies (host_id, webhook_id, occurred_at, sealed, mentions)"
    " VALUES (:host_id, :webhook_id, :occurred_at, :sealed, :mentions) ON CONFLICT DO NOTHING"
)


async def keep_unknown(
    statements: SqlExecutor, deliveries: Iterable[ParsedDelivery], *, pepper: bytes
) -> None:
    """Store the encrypted bodies of unknown types."""
    for delivery in deliveries:
        if delivery.unread is not None:
            values = {
                "host_id": delivery.host_id,
                "webhook_id": delivery.webhook_id,
                "occurred_at": delivery.occurred_at,
                "sealed": delivery.unread.sealed,
                "mentions": mention_keys(delivery.host_id, delivery.unread.mentions, pepper=pepper),
            }
            await statements.execute(KEEP_UNKNOWN, values)
