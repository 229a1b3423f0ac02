"""An owner at the mapping of a host whose org is simulated, and the engine that follows it."""

from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import select, update

from app.models import AuditEntry, Event
from tests.integration.sync.conftest import Rig

HOST = "/v1/hosts/host_a/salesforce/mapping"
EVENT = "/v1/hosts/host_a/events/evt_otters/salesforce/mapping"
DIET = {
    "Lead": [
        "Diet__c | picklist(255) | CUNR | Diet | Vegetarian; Vegan; None",
        "Note__c | string(20) | CUN | Note",
    ],
    "Contact": ["Diet__c | multipicklist(100) | CUNR | Diet | Vegetarian; Vegan; None"],
    "CampaignMember": ["Note__c | string(20) | CUN | Note"],
}
"""Fields of the host's own, for the simulator's switch `extra_fields`."""


@dataclass
class Studio:
    """The dashboard of one owner of `host_a`, with everything behind it."""

    http: httpx.AsyncClient
    rig: Rig

    async def get(self, path: str = HOST, **params: str) -> dict[str, Any]:
        return told(await self.http.get(path, params=params))

    async def put(self, layer: dict[str, Any], path: str = HOST) -> dict[str, Any]:
        return told(await self.http.put(path, json=layer))

    async def validate(self, layer: dict[str, Any], path: str = HOST) -> dict[str, Any]:
        return told(await self.http.post(f"{path}/validate", json=layer))

    async def synced(self, number: int = 1, **changes: Any) -> str:
        """A registration that was written."""
        registration_id = await self.rig.registered(number, **changes)
        await self.rig.drain()
        return registration_id

    async def organized_by(self, email: str) -> None:
        """Who organises the event."""
        async with self.rig.database.system() as session:
            await session.execute(update(Event).values(organizer={"email": email}))

    async def corrected(self, sobject: str, record_id: str, **fields: str) -> None:
        """What a salesperson does in Salesforce."""
        session = self.rig.org.session
        async with httpx.AsyncClient(transport=self.rig.org.transport) as http:
            answer = await http.patch(
                f"{session['instance_url']}/services/data/v62.0/sobjects/{sobject}/{record_id}",
                headers={"Authorization": f"Bearer {session['access_token']}"},
                json=fields,
            )
        assert answer.status_code == 204, answer.text

    async def calls(self) -> int:
        return int((await self.rig.org.calls())["total"])

    async def actions(self) -> list[tuple[str, dict[str, Any]]]:
        async with self.rig.database.system() as session:
            entries = await session.scalars(select(AuditEntry).order_by(AuditEntry.seq))
            return [(entry.action, entry.details) for entry in entries]


def told(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]
