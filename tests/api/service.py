"""The service over ASGI, as a caller with a token sees it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from app.config.settings import Settings
from app.main import create_app
from tests.openapi_check import check_response


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[FastAPI]:
    """The API with its lifespan entered; nothing leaves the process for Salesforce."""
    app = create_app(settings, transport=httpx.MockTransport(_refuse))
    async with app.router.lifespan_context(app):
        yield app


@asynccontextmanager
async def caller(app: FastAPI, headers: dict[str, str] | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client that sends these headers with every request."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://test",
        headers=headers,
        event_hooks={"response": [check_response]},
    ) as client:
        yield client


def _refuse(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"the monitor does not call Salesforce: {request.method} {request.url.path}")
