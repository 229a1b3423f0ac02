"""Campaigns as values, with defaults."""

from datetime import date
from typing import Any

from app.campaigns.lookup import Campaign
from app.campaigns.status_mapping import MemberStatus

STATUSES = (
    MemberStatus("Registered", is_default=True, has_responded=False, sort_order=3),
    MemberStatus("Attended", is_default=False, has_responded=True, sort_order=4),
    MemberStatus("No Show", is_default=False, has_responded=False, sort_order=5),
)


def campaign_for(**changes: Any) -> Campaign:
    values: dict[str, Any] = {
        "id": "7015g000000KqRsAAK",
        "name": "Otter Summit",
        "type": "Conference",
        "status": "In Progress",
        "is_active": True,
        "start_date": date(2026, 11, 24),
        "end_date": date(2026, 11, 25),
        "members": 41,
        "statuses": STATUSES,
    }
    return Campaign(**(values | changes))
