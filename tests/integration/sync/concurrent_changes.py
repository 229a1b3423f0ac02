"""Changes that other users make in Salesforce between the look-up and the write."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx


@dataclass
class InterruptingTransport(httpx.AsyncBaseTransport):
    """Forwards to `over`; runs `act` once, before the first request that `marks` accepts."""

    over: httpx.AsyncBaseTransport
    marks: Callable[[httpx.Request], bool] = lambda request: False
    act: Callable[[], Awaitable[None]] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.act is not None and self.marks(request):
            act, self.act = self.act, None
            await act()
        return await self.over.handle_async_request(request)


def writes(sobject: str) -> Callable[[httpx.Request], bool]:
    """Requests that write a record of this object."""
    names = (f'"type":"{sobject}"'.encode(), f"/sobjects/{sobject}".encode())

    def is_marked(request: httpx.Request) -> bool:
        body = request.content.replace(b'": "', b'":"').replace(f"/sobjects/{sobject}/describe".encode(), b"")
        is_single = request.method in ("POST", "PATCH") and f"/sobjects/{sobject}" in request.url.path
        return is_single or any(name in body for name in names)

    return is_marked
