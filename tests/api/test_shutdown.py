"""An API process that receives SIGTERM, over real sockets: not ready first, still serving, then closed."""

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

DRAIN_SECONDS = 1.5
SOON = 10.0


@dataclass
class Process:
    """The server, its address and the thread that it runs in."""

    server: DrainingServer
    url: str
    thread: threading.Thread

    def signalled(self, *signals: signal.Signals) -> float:
        """Hand it these signals; when that was."""
        for each in signals:
            self.server.handle_exit(each, None)
        return time.monotonic()

    def seconds_until_gone(self, since: float) -> float:
        self.thread.join(SOON)
        assert not self.thread.is_alive()
        return time.monotonic() - since


@contextmanager
def serving(settings: Settings, *, health: socket.socket | None = None) -> Iterator[Process]:
    app = create_app(settings)
    server = DrainingServer(config_of(app, settings), app, drain_seconds=settings.times.drain, health=health)
    listener = listening_socket("127.0.0.1", 0)
    listener.listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    httpx.get(f"{url}/livez", trust_env=False, timeout=SOON)
    yield Process(server, url, thread)
    server.force_exit = server.should_exit = True
    thread.join(SOON)


@pytest.fixture
def process(settings: Settings, database: Database) -> Iterator[Process]:
    times = settings.times.model_copy(update={"drain": DRAIN_SECONDS})
    with serving(settings.model_copy(update={"times": times})) as process:
        yield process


async def test_balancers_learn_that_it_ends_while_it_still_serves(process: Process) -> None:
    since = process.signalled(signal.SIGTERM)
    async with httpx.AsyncClient(base_url=process.url, trust_env=False) as client:
        while (ready := await client.get("/readyz")).status_code == 200:
            assert time.monotonic() - since < DRAIN_SECONDS
        recorded = await post(client, webhook())
        alive = await client.get("/livez")
    assert ready.json()["checks"]["process"] == "stopping"
    assert (recorded.status_code, alive.status_code) == (202, 200)
    # Nobody is to send a further request by a connection that closes under it.
    assert recorded.headers["connection"] == "close"
    assert process.seconds_until_gone(since) >= DRAIN_SECONDS
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{process.url}/readyz", trust_env=False)


@pytest.mark.parametrize(
    "signals",
    [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM], [signal.SIGTERM, signal.SIGINT]],
    ids=["ctrl-c", "signalled-twice", "then-ctrl-c"],
)
def test_a_person_does_not_wait_for_balancers(process: Process, signals: list[signal.Signals]) -> None:
    assert process.seconds_until_gone(process.signalled(*signals)) < DRAIN_SECONDS
