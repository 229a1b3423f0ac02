"""The API with the caller that operations are."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from app.config.settings import Settings
from app.infrastructure.database import Database
from tests.api.service import caller, running
from tests.tokens import TokenMint


@pytest.fixture
async def app(settings: Settings, database: Database) -> AsyncIterator[FastAPI]:
    async with running(settings) as app:
        yield app


@pytest.fixture
async def ops(app: FastAPI, mint: TokenMint) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(app, mint.headers(scope="ops", sub="operator_1")) as client:
        yield client
