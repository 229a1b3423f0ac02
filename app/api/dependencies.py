"""Application-wide resources, injected into endpoints and workers."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

import httpx
from fastapi import Depends, Request

from app.api.auth import TokenVerifier
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.infrastructure.job_queue import DrainQueue
from app.salesforce.auth import AccessToken


@dataclass(frozen=True)
class Resources:
    """Settings, database, vault, the HTTP pool to Salesforce, wake-ups and the token verifier."""

    settings: Settings
    database: Database
    vault: Encryptor
    http: httpx.AsyncClient
    wakeups: DrainQueue
    verifier: TokenVerifier
    renewals: dict[tuple[str, int], "asyncio.Task[AccessToken]"] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Token renewals under way in this process, by host and the version that they replace."""
    export_turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False, compare=False)
    """Held while a page of an export is read and written, and not while somebody takes it."""


async def current_resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


ResourcesDep = Annotated[Resources, Depends(current_resources)]
