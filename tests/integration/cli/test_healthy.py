"""What the image's health check finds, by the role of the process that it looks at."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import text

from app.cli.healthy import WORKER_CHECK, healthy, port_of, role_of
from app.config.settings import Settings
from app.infrastructure.database import Database
from devtools.local_stack.local_services import free_port
from tests.factories import ENCRYPTION_KEY
from workers.heartbeat import Heartbeat


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("ENCRYPTION_KEYS", ENCRYPTION_KEY)


async def beat(database: Database, *, ago: float, hostname: str = "") -> None:
    hostname = hostname or socket.gethostname()
    await Heartbeat(database, "otter:1", hostname, pid=7).beat(drains=0, is_stopping=False, lives=15)
    async with database.system() as session:
        past = text("UPDATE worker_heartbeats SET beat_at = clock_timestamp() - make_interval(secs => :ago)")
        await session.execute(past, {"ago": ago})


def looked(module: str, *words: str) -> tuple[int, str]:
    """Exit code and line of the command, as a container's runtime sees them."""
    command = [sys.executable, "-m", module, *words]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(("ago", "code"), [(-60.0, 0), (100.0, 1)], ids=["beats", "silent"])
async def test_a_worker_is_judged_by_its_heartbeat(database: Database, ago: float, code: int) -> None:
    """A beat ahead of the clock does not grow old while a process starts on a busy machine."""
    await beat(database, ago=ago)
    assert looked(WORKER_CHECK)[0] == code
    assert looked("app.cli.main", "worker", "--check")[0] == code


@pytest.mark.usefixtures("environment")
async def test_the_heartbeat_of_another_host_does_not_count(database: Database) -> None:
    await beat(database, ago=1.0, hostname="another")
    code, output = looked(WORKER_CHECK)
    assert (code, output) == (1, "no worker of this host has a row\n")


def test_a_worker_without_its_database_is_not_ill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://owner@127.0.0.1:{free_port()}/postgres")
    code, output = looked(WORKER_CHECK)
    assert code == 0
    assert output.startswith("not known, Postgres does not tell (")


class Alive(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/livez" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def alive() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Alive)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def pretending(*words: str) -> "subprocess.Popen[bytes]":
    """A process with this command line, which is visible a moment after the start."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", *words])
    while words[-1].encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes():
        time.sleep(0.01)
    return process


@pytest.mark.parametrize("is_there", [True, False], ids=["answers", "silent"])
def test_an_api_is_judged_by_its_answer(
    alive: int, capsys: pytest.CaptureFixture[str], is_there: bool
) -> None:
    port = alive if is_there else free_port()
    with pretending("api", "--port", str(port)) as process:
        code = healthy(process.pid)
        process.kill()
    assert code == (0 if is_there else 1)
    assert f":{port}/livez" in capsys.readouterr().out


def test_a_process_without_a_role_is_not_well(capsys: pytest.CaptureFixture[str]) -> None:
    with pretending("otter") as process:
        assert healthy(process.pid) == 1
        process.kill()
    assert f"process {process.pid} has none of the roles" in capsys.readouterr().out


@pytest.mark.usefixtures("environment")
async def test_in_a_worker_s_container_its_row_is_asked(
    database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    await beat(database, ago=100.0)
    with pretending("-m", "workers.main") as process:
        assert healthy(process.pid) == 1
        process.kill()
    assert capfd.readouterr().out.startswith("last heartbeat 10")


def test_a_look_costs_little() -> None:
    """It runs beside each process every half minute; the command line alone takes seconds to import."""
    heavy = {"sqlalchemy", "pydantic", "httpx", "fastapi", "app.config.settings"}
    code = f"import sys, app.cli.healthy; print(*sorted({heavy} & sys.modules.keys()))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout == "\n"


@pytest.mark.parametrize(
    ("line", "role"),
    [
        ("python /usr/local/bin/eventship-salesforce api", "api"),
        ("/sbin/docker-init -- eventship-salesforce worker", "worker"),
        ("/opt/venv/bin/python -m workers.main", "worker"),
        ("python /usr/local/bin/eventship-salesforce migrate", "migrate"),
        ("sleep 5", None),
    ],
)
def test_the_role_is_read_from_the_command_line(line: str, role: str | None) -> None:
    assert role_of(line.split()) == role


def test_the_port_is_the_one_that_was_given() -> None:
    assert port_of(["eventship-salesforce", "api", "--port", "8101", "--quiet", ""], 8000) == 8101
    assert port_of(["api"], 8000) == 8000
