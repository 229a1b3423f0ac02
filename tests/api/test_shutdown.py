"""An API process that receives SIGTERM, over real sockets: not ready first, still serving, then closed."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from app.cli.serve import DrainingServer, config_of
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.main import create_app
from devtools.local_stack.processes import listening_socket
from tests.deliveries import post, webhook

LONG, SHORT = 600.0, 0.5
SOON = 10.0


@dataclass
class Process:
    """The server, its address and the thread that it runs in."""

    server: DrainingServer
    url: str
    thread: threading.Thread

    def signalled(self, *signals: signal.Signals) -> None:
        for each in signals:
            self.server.handle_exit(each, None)

    def is_soon_gone(self) -> bool:
        self.thread.join(SOON)
        return not self.thread.is_alive()


@contextmanager
def serving(
    settings: Settings, *, health: socket.socket | None = None, drain: float = LONG
) -> Iterator[Process]:
    """It drains for so many seconds; by default until it is signalled a second time."""
    app = create_app(settings)
    server = DrainingServer(config_of(app, settings), app, drain_seconds=drain, health=health)
    listener = listening_socket("127.0.0.1", 0)
    listener.listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    httpx.get(f"{url}/livez", trust_env=False, timeout=SOON)
    yield (process := Process(server, url, thread))
    server.force_exit = True
    process.signalled(signal.SIGINT)
    assert process.is_soon_gone()


@pytest.fixture
def process(settings: Settings, database: Database) -> Iterator[Process]:
    with serving(settings) as process:
        yield process


async def test_balancers_learn_that_it_ends_while_it_still_serves(process: Process) -> None:
    process.signalled(signal.SIGTERM)
    async with httpx.AsyncClient(base_url=process.url, trust_env=False) as client, asyncio.timeout(SOON):
        while (ready := await client.get("/readyz")).status_code == 200:
            pass
        recorded = await post(client, webhook())
        alive = await client.get("/livez")
    assert ready.json()["checks"]["process"] == "stopping"
    assert (recorded.status_code, alive.status_code) == (202, 200)
    # Nobody is to send a further request by a connection that closes under it.
    assert recorded.headers["connection"] == "close"
    process.signalled(signal.SIGTERM)
    assert process.is_soon_gone()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{process.url}/readyz", trust_env=False)


def test_it_ends_by_itself_once_balancers_had_their_time(settings: Settings, database: Database) -> None:
    with serving(settings, drain=SHORT) as process:
        since = time.monotonic()
        process.signalled(signal.SIGTERM)
        assert process.is_soon_gone()
        assert time.monotonic() - since >= SHORT


@pytest.mark.parametrize(
    "signals",
    [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM], [signal.SIGTERM, signal.SIGINT]],
    ids=["ctrl-c", "signalled-twice", "then-ctrl-c"],
)
def test_a_person_does_not_wait_for_balancers(process: Process, signals: list[signal.Signals]) -> None:
    process.signalled(*signals)
    assert process.is_soon_gone()
