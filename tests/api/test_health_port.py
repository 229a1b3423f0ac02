"""An API process answers probes and metrics at a port of its own, until its end; metrics nowhere else."""

import signal
from collections.abc import Iterator

import httpx
import pytest

from app.config.settings import Settings
from app.infrastructure.database import Database
from devtools.local_stack.processes import listening_socket
from tests.api.test_shutdown import SOON, Process, serving
from tests.scraped import samples_in


@pytest.fixture
def own_port(settings: Settings, database: Database) -> Iterator[tuple[Process, str]]:
    health = listening_socket("127.0.0.1", 0)
    health.listen()
    with serving(settings, health=health) as process:
        yield process, f"http://127.0.0.1:{health.getsockname()[1]}"


def got(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False, timeout=SOON)


def test_probes_are_at_both_ports_and_metrics_at_their_own(own_port: tuple[Process, str]) -> None:
    process, own = own_port
    assert (got(f"{own}/livez").json(), got(f"{own}/readyz").json()["status"]) == (
        {"status": "alive"},
        "ready",
    )
    assert [got(f"{process.url}{path}").status_code for path in ("/livez", "/readyz", "/metrics")] == [
        200,
        200,
        404,
    ]
    samples = samples_in(got(f"{own}/metrics").content)
    assert (samples["database_up"], samples["redis_up"]) == (1, 1)
    assert got(f"{own}/v1/hosts").status_code == 404


def test_the_own_port_is_not_ready_while_the_process_drains(own_port: tuple[Process, str]) -> None:
    process, own = own_port
    process.signalled(signal.SIGTERM)
    looks = (got(f"{own}/readyz") for _ in range(1_000))
    ready = next(each for each in looks if each.status_code != 200)
    assert ready.json()["checks"]["process"] == "stopping"
    assert got(f"{own}/livez").status_code == 200
    process.signalled(signal.SIGTERM)
    assert process.is_soon_gone()
    with pytest.raises(httpx.ConnectError):
        got(f"{own}/livez")
