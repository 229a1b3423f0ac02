"""The host's share of its org's API calls: what was measured, where we stop, whether we have stopped."""

from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel

from app.models import Connection
from app.salesforce.responses import ApiUsage

DEFAULT_CAP: Final = 80
"""Percent of the org's limit, where the host chose nothing."""


PROBE_AFTER: Final = timedelta(minutes=15)
"""How long an org's figure keeps a host from calling; then one call finds out how it is now."""


class Budget(BaseModel):
    """API requests of the whole org over 24 hours, as Salesforce counts them; `calls_today` are our own."""

    org_used: int | None
    org_limit: int | None
    cap_percent: int
    stop_at: int | None
    is_stopped: bool
    resumes_at: datetime | None
    calls_today: int
    measured_at: datetime | None


def api_budget_of(connection: Connection, cap_percent: int, now: datetime) -> Budget:
    """The budget at `now`; before the first measurement nothing is known and nothing is stopped."""
    limit, used = connection.api_limit, connection.api_used
    stop_at = None if limit is None else limit * cap_percent // 100
    is_closed = connection.api_closed_until is not None and connection.api_closed_until > now
    is_over = stop_at is not None and used is not None and used >= stop_at
    is_today = connection.calls_day is not None and connection.calls_day.date() == now.date()
    return Budget(
        org_used=used,
        org_limit=limit,
        cap_percent=cap_percent,
        stop_at=stop_at,
        is_stopped=is_closed or is_over,
        resumes_at=connection.api_closed_until if is_closed else None,
        calls_today=connection.calls_today if is_today else 0,
        measured_at=connection.api_measured_at,
    )


def is_share_used_up(usage: ApiUsage | None, cap_percent: int) -> bool:
    """Whether the org's own latest figure reaches the host's cap; before the first figure it does not."""
    return usage is not None and usage.used * 100 >= usage.limit * cap_percent


def may_call(connection: Connection, cap_percent: int, now: datetime) -> bool:
    """Whether the host may spend a call now: its share is not used up, as far as a fresh figure says."""
    if connection.api_closed_until is not None:
        return connection.api_closed_until <= now
    used, limit, measured_at = connection.api_used, connection.api_limit, connection.api_measured_at
    is_fresh = measured_at is None or measured_at > now - PROBE_AFTER
    return not (is_fresh and used is not None and limit and used * 100 >= limit * cap_percent)
