"""A signed-in client of one simulated org, in process."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from salesforce_simulator.app import SimulatorApp, create_app

BASE_URL = "http://org.simulator.test"
START = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)


@dataclass
class SetClock:
    """A clock that moves only when told."""

    moment: datetime = START

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **span: float) -> None:
        self.moment += timedelta(**span)


@dataclass
class OrgClient:
    """`data` speaks to /services/data, `door` to /_simulator."""

    app: SimulatorApp
    clock: SetClock
    http: httpx.AsyncClient
    token: str = ""
    version: str = "62.0"
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> str:
        return f"/services/data/v{self.version}"

    async def sign_in(self) -> dict[str, Any]:
        session: dict[str, Any] = (await self.http.get("/_simulator/session")).json()
        self.token = session["access_token"]
        return session

    async def other(self, username: str) -> "OrgClient":
        """A client of another user of the same org."""
        session = await self.door("GET", f"session?user={username}")
        return replace(self, token=session["access_token"])

    async def data(self, method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"Authorization": f"Bearer {self.token}"}
        return await self.http.request(method, f"{self.root}{path}", json=json, headers=sent)

    async def door(self, method: str, path: str, json: Any = None) -> Any:
        answer = await self.http.request(method, f"/_simulator/{path}", json=json)
        answer.raise_for_status()
        return answer.json()

    async def configure(self, **switches: Any) -> Any:
        return await self.door("PUT", "config", switches)

    async def seed(self, sobject: str, *rows: dict[str, Any]) -> list[str]:
        ids: list[str] = (await self.door("POST", f"records/{sobject}", list(rows)))["ids"]
        return ids

    async def create(self, sobject: str, **fields: Any) -> str:
        answer = await self.data("POST", f"/sobjects/{sobject}", fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def lead(self, **fields: Any) -> str:
        return await self.create("Lead", **{"LastName": "Doe", "Company": "Acme", **fields})

    async def get(self, sobject: str, record_id: str) -> dict[str, Any]:
        answer = await self.data("GET", f"/sobjects/{sobject}/{record_id}")
        assert answer.status_code == 200, answer.text
        row: dict[str, Any] = answer.json()
        return row

    async def query(self, soql: str, resource: str = "query", **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"Authorization": f"Bearer {self.token}"}
        return await self.http.get(f"{self.root}/{resource}", params={"q": soql}, headers=sent)

    async def rows(self, soql: str, resource: str = "query") -> list[dict[str, Any]]:
        answer = await self.query(soql, resource)
        assert answer.status_code == 200, answer.text
        records: list[dict[str, Any]] = answer.json()["records"]
        return records


def open_client(app: SimulatorApp | None = None, clock: SetClock | None = None) -> OrgClient:
    """A client, not signed in yet, of a new simulator unless one is given."""
    ticking = clock or SetClock()
    served = app or create_app(clock=ticking)
    transport = httpx.ASGITransport(app=served)
    return OrgClient(served, ticking, httpx.AsyncClient(transport=transport, base_url=BASE_URL))
