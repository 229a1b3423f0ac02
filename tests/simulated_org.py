"""The simulated Salesforce org of a test: its control API and a transport to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx

from app.infrastructure.encryption import Encryptor
from app.models import Connection
from salesforce_simulator.app import create_app
from tests.factories import SIMULATOR_URL, connection_for


@dataclass
class SimulatedOrg:
    """The default org of a fresh simulator; `control` calls its control API, `session` is an open session."""

    transport: httpx.ASGITransport
    control: httpx.AsyncClient
    session: dict[str, Any]

    @classmethod
    async def open(cls) -> "SimulatedOrg":
        transport = httpx.ASGITransport(create_app(base_url=SIMULATOR_URL))
        control = httpx.AsyncClient(transport=transport, base_url=f"{SIMULATOR_URL}/_simulator")
        return cls(transport, control, (await control.get("/session")).json())

    @property
    def org_id(self) -> str:
        return str(self.session["org_id"])

    def connection(self, vault: Encryptor, host_id: str = "host_a", **changes: Any) -> Connection:
        """A host's living connection to this org."""
        named = ("access_token", "refresh_token", "client_id", "org_id", "instance_url")
        return connection_for(vault, host_id, **({name: self.session[name] for name in named} | changes))

    async def seed(self, sobject: str, *rows: dict[str, Any]) -> list[str]:
        """Put records in past every rule; returns their ids."""
        answer = await self.control.post(f"/records/{sobject}", json=list(rows))
        assert answer.status_code == 201, answer.text
        return [str(each) for each in answer.json()["ids"]]

    async def campaign(self, name: str = "Otter Summit", labels: Iterable[str] = (), **fields: Any) -> str:
        """A campaign with Sent and Responded, and `labels` (a star behind one: HasResponded); its id."""
        [campaign_id] = await self.seed("Campaign", {"Name": name, "IsActive": True, **fields})
        statuses = [
            {
                "CampaignId": campaign_id,
                "Label": label.rstrip("*"),
                "HasResponded": label.endswith("*"),
                "SortOrder": order,
            }
            for order, label in enumerate(labels, start=3)
        ]
        if statuses:
            await self.seed("CampaignMemberStatus", *statuses)
        return campaign_id

    async def configure(self, **switches: Any) -> None:
        answer = await self.control.put("/config", json=switches)
        assert answer.status_code == 200, answer.text

    async def closed_statuses(self) -> list[str]:
        """The statuses that close a Task."""
        statuses = (await self.control.get("/config")).json()["task_statuses"]
        return [each["value"] for each in statuses if each["is_closed"]]

    async def fault(self, kind: str, **details: Any) -> None:
        """Arms a fault for the next call."""
        answer = await self.control.post("/faults", json={"kind": kind, "count": 1, **details})
        assert answer.status_code == 201, answer.text

    async def calls(self) -> dict[str, Any]:
        counted: dict[str, Any] = (await self.control.get("/calls")).json()
        return counted
