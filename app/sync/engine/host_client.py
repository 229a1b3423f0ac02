"""The Salesforce client of a host in a drain: how it is opened, and which of its calls are counted."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from app.models.client_connection import ClientConnection
from app.salesforce.client import SalesforceClient


class ClientOpener(Protocol):
    """Opens the Salesforce client of a host; raises a Problem when its connection is not usable.

    `connection` is what was read of it with the batch, if it was.
    """

    def __call__(
        self, host_id: str, *, before_send: Callable[[], None], connection: ClientConnection | None = None
    ) -> Awaitable[SalesforceClient]: ...


@dataclass
class HostClient:
    """A host's open client; `counted_calls` of its calls belong to batches that ended."""

    client: SalesforceClient
    counted_calls: int

    def take_uncounted_calls(self) -> int:
        """The calls since this was asked last."""
        calls, self.counted_calls = self.client.calls - self.counted_calls, self.client.calls
        return calls
