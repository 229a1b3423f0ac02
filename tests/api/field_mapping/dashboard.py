"""A host owner's requests to the mapping endpoints, and the engine that applies the mapping."""

from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from tests.api.answers import audited_actions, body_of
from tests.integration.sync.conftest import Rig
from tests.tokens import TokenMint

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
class MappingDashboard:
    """Requests of one owner of `host_a`, with the service, the org and the engine behind them; `mint` makes
    tokens of others.
    """

    http: httpx.AsyncClient
    rig: Rig
    app: FastAPI
    mint: TokenMint

    @property
    def org_app(self) -> Any:
        """The org, for a browser."""
        return self.rig.org.transport.app

    async def get(self, path: str = HOST, **params: str) -> dict[str, Any]:
        return body_of(await self.http.get(path, params=params))

    async def put(self, layer: dict[str, Any], path: str = HOST) -> dict[str, Any]:
        return body_of(await self.http.put(path, json=layer))

    async def validate(self, layer: dict[str, Any], path: str = HOST) -> dict[str, Any]:
        return body_of(await self.http.post(f"{path}/validate", json=layer))

    async def synced(self, number: int = 1, **changes: Any) -> str:
        """A registration that was written."""
        registration_id = await self.rig.registered(number, **changes)
        await self.rig.drain()
        return registration_id

    async def calls(self) -> int:
        return int((await self.rig.org.calls())["total"])

    async def actions(self) -> list[tuple[str, dict[str, Any]]]:
        return await audited_actions(self.rig.database)
