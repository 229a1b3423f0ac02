"""A process that dies at its N-th step: a statement, either side of a commit or of an HTTP exchange."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import Result, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.infrastructure.database import Database
from app.models.kept_plan import KeptPlan


class Died(BaseException):
    """The process is gone: nothing of ours catches this, and nothing works after it."""


@dataclass
class Steps:
    """Counts steps; at number `dies_at` and ever after each raises Died (0: never)."""

    dies_at: int = 0
    taken: int = 0

    @property
    def has_died(self) -> bool:
        return 0 < self.dies_at <= self.taken

    def take(self) -> None:
        self.taken += 1
        if self.has_died:
            raise Died(f"step {self.taken}")


@dataclass
class Mortal:
    """What is shared by everything in one process that may die: its steps, renewed for each life."""

    steps: Steps = field(default_factory=Steps)

    def take(self, *_: Any) -> None:
        self.steps.take()


class MortalDatabase(Database):
    """The real database, used by a process that may die at every statement and around every commit."""

    def __init__(self, app: AsyncEngine, system: AsyncEngine, **settings: Any) -> None:
        super().__init__(app, system, **settings)
        self.mortal = Mortal()
        for engine in (app, system):
            event.listen(engine.sync_engine, "before_cursor_execute", self.mortal.take)

    @asynccontextmanager
    async def tenant(self, host_id: str, **about: bool) -> AsyncIterator[AsyncSession]:
        async with super().tenant(host_id, **about) as session:
            yield session
            self.mortal.take()
        self.mortal.take()

    @asynccontextmanager
    async def system(self, **about: bool) -> AsyncIterator[AsyncSession]:
        async with super().system(**about) as session:
            yield session
            self.mortal.take()
        self.mortal.take()

    async def call(self, function: KeptPlan, params: Mapping[str, Any]) -> Result[Any]:
        result = await super().call(function, params)
        self.mortal.take()
        return result


class MortalTransport(httpx.AsyncBaseTransport):
    """The network of that process: it may die before a request leaves and before its answer is read."""

    def __init__(self, inner: httpx.AsyncBaseTransport, mortal: Mortal) -> None:
        self._inner, self._mortal = inner, mortal

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._mortal.take()
        answer = await self._inner.handle_async_request(request)
        self._mortal.take()
        return answer
