"""A transport that changes Salesforce's answers by path and records the requests."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

Change = Callable[[httpx.Request, httpx.Response], httpx.Response]


@dataclass
class Interceptor(httpx.AsyncBaseTransport):
    """Forwards requests to `inner`, records them, and changes the answers of some paths."""

    inner: httpx.AsyncBaseTransport
    changes: dict[str, Change] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = await self.inner.handle_async_request(request)
        await answer.aread()
        for path, change in self.changes.items():
            if path in request.url.path:
                return change(request, answer)
        return answer

    def hosts(self) -> set[str]:
        return {f"{request.url.host}:{request.url.port}" for request in self.requests}


def with_body(**changed: Any) -> Change:
    """The same answer with some of its members changed or, for None, taken out."""

    def change(_: httpx.Request, answer: httpx.Response) -> httpx.Response:
        body = {name: value for name, value in {**answer.json(), **changed}.items() if value is not None}
        return httpx.Response(answer.status_code, json=body)

    return change


def instead(status: int, **content: Any) -> Change:
    return lambda request, answer: httpx.Response(status, **content)


def cut(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
    raise httpx.ReadError("reset", request=request)
