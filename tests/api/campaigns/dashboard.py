"""A host owner's requests to the campaign endpoints, and the rows that they leave."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.api.dependencies import Resources
from app.infrastructure.database import Database
from app.models import CampaignLink, WrittenRecord
from app.models.base import Base
from tests.api.answers import audited_actions
from tests.simulated_org import SimulatedOrg

PATH = "/v1/hosts/host_a/events/evt_otters/salesforce/campaign"
LABELS = ("Registered", "Attended*", "No Show")
STATUSES = {"registered": "Registered", "attended": "Attended", "no_show": "No Show"}


class TransactionProbe(httpx.AsyncBaseTransport):
    """Forwards requests to the org, and records the service's transactions that are open meanwhile."""

    def __init__(self, org: SimulatedOrg, owner: AsyncEngine) -> None:
        self._org, self._owner = org, owner
        self.sent = 0
        self.open_transactions: list[str] = []
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent += 1
        async with self._owner.connect() as connection:
            found = await connection.scalars(
                text(
                    "SELECT query FROM pg_stat_activity WHERE state = 'idle in transaction' "
                    "AND application_name LIKE 'eventship-salesforce:%'"
                )
            )
            self.open_transactions += found.all()
        if self.meanwhile is not None:
            await self.meanwhile()
        return await self._org.transport.handle_async_request(request)


@dataclass
class CampaignDashboard:
    """Requests of one owner of `host_a`, with the org and the database behind them."""

    http: httpx.AsyncClient
    org: SimulatedOrg
    database: Database
    probe: TransactionProbe
    resources: Resources

    async def validate(self, pasted: str) -> httpx.Response:
        return await self.http.post(f"{PATH}/validate", json={"campaign_id": pasted})

    async def link(
        self, campaign_id: str, statuses: dict[str, Any] | None = None, **more: Any
    ) -> httpx.Response:
        body = {"campaign_id": campaign_id, "statuses": statuses or STATUSES, **more}
        return await self.http.put(PATH, json=body)

    async def save(self, *rows: Base) -> None:
        async with self.database.system() as session:
            session.add_all(rows)

    async def rows(self, table: type[Any]) -> list[Any]:
        async with self.database.system() as session:
            return list((await session.scalars(select(table))).all())

    async def actions(self) -> list[tuple[str, dict[str, Any]]]:
        return await audited_actions(self.database)


def link_for(event_id: str, campaign_id: str, org_id: str, **changes: Any) -> CampaignLink:
    values: dict[str, Any] = {
        "campaign_name": "Otter Summit",
        "is_active": True,
        "statuses": {"registered": "Sent", "attended": "Responded"},
        "available_statuses": ["Sent", "Responded"],
        "linked_by": "user_17",
    }
    return CampaignLink(
        host_id="host_a", event_id=event_id, campaign_id=campaign_id, org_id=org_id, **(values | changes)
    )


def member_of(number: int, org_id: str, campaign_id: str) -> WrittenRecord:
    return WrittenRecord(
        host_id="host_a",
        org_id=org_id,
        registration_id=f"reg_{number:05}",
        slot="member",
        instance_key=campaign_id,
        state="written",
        action="create",
        sobject="CampaignMember",
        sf_id=f"00v5g000000000{number}",
    )
