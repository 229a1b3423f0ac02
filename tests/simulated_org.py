"""The simulated Salesforce org of a test: its control API and a transport to it."""

import asyncio
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.types import ASGIApp

from app.infrastructure.encryption import Encryptor
from app.models import Connection
from salesforce_simulator.app import create_app
from tests.factories import SIMULATOR_URL, connection_for


class HeldCalls(httpx.ASGITransport):
    """Composite calls wait while they are held, so that a test can do something while one is under way.

    `is_held` is whether one waits.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app)
        self.is_held = False
        self._pass: float = math.inf
        self._goes_on = asyncio.Event()

    def hold(self, *, after: int = 0) -> None:
        """Every composite call from now on but the first so many."""
        self.is_held, self._pass = False, after
        self._goes_on.clear()

    def let_go(self) -> None:
        self._pass = math.inf
        self._goes_on.set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "/composite" in request.url.path:
            self._pass -= 1
            if self._pass < 0:
                self.is_held = True
                await self._goes_on.wait()
        return await super().handle_async_request(request)


@dataclass
class SimulatedOrg:
    """The default org of a fresh simulator; `control` calls its control API, `session` is an open session."""

    transport: HeldCalls
    control: httpx.AsyncClient
    session: dict[str, Any]

    @classmethod
    async def open(cls) -> "SimulatedOrg":
        transport = HeldCalls(create_app(base_url=SIMULATOR_URL))
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
