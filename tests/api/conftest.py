"""The service over ASGI, with the simulator as its Salesforce, and a browser between the two."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.api.dependencies import Resources
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.main import create_app
from salesforce_simulator.app import SimulatorApp
from salesforce_simulator.app import create_app as create_simulator
from tests.api.browser import Browser, brought_back
from tests.factories import SIMULATOR_URL
from tests.openapi_check import check_response
from tests.tokens import TokenMint

OWNER = {"host_a": "owner", "host_b": "admin"}


@dataclass
class Service:
    """The running service: `app`, what it was given, and a client with the token of an owner."""

    app: FastAPI
    settings: Settings
    simulator: SimulatorApp
    http: httpx.AsyncClient
    mint: TokenMint

    @property
    def resources(self) -> Resources:
        resources: Resources = self.app.state.resources
        return resources

    def browser(self) -> Browser:
        return Browser({self.settings.public_url: self.app, SIMULATOR_URL: self.simulator})

    def control(self) -> httpx.AsyncClient:
        """A client of the simulator's control API."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.simulator), base_url=SIMULATOR_URL)

    def configure(self, **config: Any) -> None:
        """Switch something in the simulator's default org, and merge it with what is switched."""
        self.simulator.simulator.default_org.configure(config)

    async def start(self, host_id: str = "host_a", **wish: Any) -> dict[str, Any]:
        """A fresh ticket."""
        answer = await self.http.post(f"/v1/hosts/{host_id}/salesforce/connect", json=wish)
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def connect(
        self, host_id: str = "host_a", *, confirm_approval: bool = False, **wish: Any
    ) -> dict[str, Any]:
        """Connect the host through the pages; the answer is its card."""
        landed = await self.sign_in(host_id, **wish)
        answer = await self.complete(landed, host_id, confirm_approval=confirm_approval)
        assert answer.status_code == 200, answer.text
        return await self.card(host_id)

    async def sign_in(self, host_id: str = "host_a", *, user: int = 0, **wish: Any) -> httpx.Response:
        """Begin an attempt and go through the pages; the answer is what leads back to the dashboard."""
        attempt = await self.start(host_id, **wish)
        async with self.browser() as browser:
            return await browser.sign_in(attempt["start_url"], user=user)

    async def complete(
        self, landed: httpx.Response, host_id: str = "host_a", *, headers: Any = None, **also: Any
    ) -> httpx.Response:
        """Confirm what the browser brought back, as the dashboard does."""
        attempt_id, code = brought_back(landed)
        url = f"/v1/hosts/{host_id}/salesforce/connect/{attempt_id}/complete"
        return await self.http.post(url, json={"code": code, **also}, headers=headers)

    async def card(self, host_id: str = "host_a") -> dict[str, Any]:
        body: dict[str, Any] = (await self.http.get(f"/v1/hosts/{host_id}/salesforce")).json()
        return body

    async def attempt(self, attempt_id: str, host_id: str = "host_a") -> dict[str, Any]:
        answer = await self.http.get(f"/v1/hosts/{host_id}/salesforce/connect/{attempt_id}")
        body: dict[str, Any] = answer.json()
        return body


@pytest.fixture
def simulator(settings: Settings) -> SimulatorApp:
    """A fresh simulator that knows the app of our settings."""
    app = create_simulator(base_url=SIMULATOR_URL)
    secret = settings.salesforce_client_secret
    assert secret is not None
    known = {"client_id": settings.salesforce_client_id, "client_secret": secret.get_secret_value()}
    app.simulator.default_org.configure({"apps": [known]})
    return app


@pytest.fixture
async def service(
    settings: Settings, database: Database, simulator: SimulatorApp, mint: TokenMint
) -> AsyncIterator[Service]:
    """The service with an emptied database, called by an owner of host_a and admin of host_b."""
    async with running(settings, simulator, mint=mint) as service:
        yield service


@asynccontextmanager
async def running(
    settings: Settings,
    simulator: SimulatorApp,
    *,
    mint: TokenMint,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[Service]:
    """The service; `transport` connects it to the simulator."""
    app = create_app(settings, transport=transport or httpx.ASGITransport(simulator))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url=settings.public_url,
            headers=mint.headers(hosts=OWNER),
            event_hooks={"response": [check_response]},
        ) as http,
    ):
        yield Service(app, settings, simulator, http, mint)
