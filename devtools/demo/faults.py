"""What `make smoke FAULT=…` breaks while the scenario runs; each must end with the very same table."""

import socket
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from devtools.demo.simulator_client import SimulatorClient
from devtools.local_stack.stack import Stack

WITHIN_SECONDS = 60.0
POLL_SECONDS = 0.02
FLUSH_EVERY = 3
LATE_SECONDS = 2.0
"""A write that lands this long after its worker died: shorter than the quiet time of the smoke run."""


class FaultMissed(Exception):
    """The fault never met a request, so that the run proves nothing."""


class Fault:
    """Nothing goes wrong; the faults below break something."""

    def prepare(self, stack: Stack, org: SimulatorClient) -> None:
        """Before the first webhook."""

    def between(self, number: int) -> None:
        """After each webhook."""

    def after_posting(self) -> None:
        """When all webhooks are in."""


class KillWorker(Fault):
    """kill -9 the worker twice: while its people are on their way, and after its Tasks were applied."""

    def prepare(self, stack: Stack, org: SimulatorClient) -> None:
        self._stack, self._org = stack, org
        org.arm(
            (_trouble("latency", "Lead", seconds=LATE_SECONDS), _trouble("hang", "Task", is_applied=True))
        )

    def after_posting(self) -> None:
        for index in range(2):
            _await_fired(self._org, index)
            self._stack.kill(self._stack.workers[-1])
            self._stack.start_worker()


class FlushValkey(Fault):
    """FLUSHALL again and again while webhooks come in: most wake-ups are lost."""

    def prepare(self, stack: Stack, org: SimulatorClient) -> None:
        self._url = stack.env["REDIS_URL"]

    def between(self, number: int) -> None:
        if number % FLUSH_EVERY == 0:
            _flush(self._url)


class ResetAfterWrite(Fault):
    """Writes of people, Tasks and members are applied, and the connection breaks before the answer."""

    def prepare(self, stack: Stack, org: SimulatorClient) -> None:
        self._org = org
        org.arm([_trouble("reset_after_write", name) for name in ("Lead", "Task", "CampaignMember")])

    def after_posting(self) -> None:
        for index in range(2):
            _await_fired(self._org, index)


FAULTS: Mapping[str | None, Callable[[], Fault]] = {
    None: Fault,
    "kill-worker": KillWorker,
    "flush-valkey": FlushValkey,
    "reset-after-write": ResetAfterWrite,
}


def _trouble(kind: str, sobject: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "match": {"sobject": sobject, "is_write": True}, "count": 1, "seconds": 30.0} | more


def _await_fired(org: SimulatorClient, index: int) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not org.fired()[index]:
        if time.monotonic() > deadline:
            raise FaultMissed(f"fault {index + 1} never met a request within {WITHIN_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)


def _flush(redis_url: str) -> None:
    address = urlsplit(redis_url)
    with socket.create_connection((address.hostname or "", address.port or 6379), 5) as connection:
        connection.sendall(b"FLUSHALL\r\n")
        connection.recv(16)
