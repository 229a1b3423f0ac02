"""deploy/nginx.conf in a real nginx: what it refuses, and what it must not delay."""

import asyncio
import json
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.config.settings import Times
from devtools.local_stack.local_services import free_port
from tests.tls import make_certificate

BINARY = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
ROOT = Path(__file__).parents[3]
FILE = ROOT / "deploy" / "nginx.conf"
NAME = "salesforce.eventship.example"
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
MEBIBYTE = 1_048_576
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n: hello\n\n"
in_nginx = pytest.mark.skipif(BINARY is None, reason="no nginx here: apt-get install nginx")


def seconds_of(name: str, text: str) -> int:
    return int(re.findall(rf"{name} (\d+)s;", text)[-1])


def test_upstream_connections_end_before_the_service_ends_them() -> None:
    upstream = FILE.read_text().partition("upstream eventship {")[2].partition("}")[0]
    assert seconds_of("keepalive_timeout", upstream) < Times().keep_alive


def test_every_figure_is_explained() -> None:
    guide = (ROOT / "docs" / "operations.md").read_text().partition("## What a proxy must add")[2]
    figures = set(re.findall(r"\b\d+(?:r/s|[sk]|m(?=;))|burst=\d+|(?<=open )\d+", FILE.read_text()))
    assert {each for each in figures if f"`{each}`" not in guide} == set()


@dataclass
class Upstream:
    """Stands for the service: answers with the head that it got, and counts connections."""

    heads: list[list[str]] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
                self.heads.append(head)
                await self._answer(head, reader, writer)
        writer.close()

    async def _answer(
        self, head: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        length = next((int(line[15:]) for line in head if line.lower().startswith("content-length:")), 0)
        await reader.readexactly(length)
        if "/stream" in head[0]:
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n: hello\n\n"
            )
            await writer.drain()
            await asyncio.sleep(2)
            writer.write(b": bye\n\n")
            writer.close()
            return
        body = json.dumps(head).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()


@dataclass
class Proxy:
    """The running nginx, with the upstream behind it."""

    upstream: Upstream
    port: int
    plain_port: int
    home: Path
    context: ssl.SSLContext

    def client(self) -> httpx.AsyncClient:
        """One that believes that the name leads here."""
        return httpx.AsyncClient(
            base_url=f"https://127.0.0.1:{self.port}",
            headers={"Host": NAME},
            verify=self.context,
            trust_env=False,
            timeout=10,
        )

    async def ask(self, method: str, path: str, **also: Any) -> httpx.Response:
        async with self.client() as http:
            return await http.request(method, path, extensions={"sni_hostname": NAME}, **also)


def configured(home: Path, *, port: int, plain_port: int, upstream_port: int) -> str:
    """The file as it is, with addresses and paths of this machine."""
    changes = {
        "server 127.0.0.1:8000;": f"server 127.0.0.1:{upstream_port};",
        "listen 80 ": f"listen 127.0.0.1:{plain_port} ",
        "listen 443 ": f"listen 127.0.0.1:{port} ",
        "/var/log/nginx": str(home),
        "/etc/nginx/eventship": str(home / NAME),
        "http {": "\n".join(["http {", *(f"{name}_temp_path {home}/{name};" for name in TEMPORARY)]),
    }
    text = FILE.read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    user = "user root;\n" if os.getuid() == 0 else ""  # else it cannot write into our directories
    return f"{user}daemon off;\npid {home}/pid;\nerror_log {home}/error.log;\n{text}"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_certificate(tmp_path, NAME)
    return tmp_path


@pytest.fixture
async def proxy(home: Path) -> AsyncIterator[Proxy]:
    upstream = Upstream()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    port, plain_port = free_port(), free_port()
    file = home / "nginx.conf"
    upstream_port = server.sockets[0].getsockname()[1]
    file.write_text(configured(home, port=port, plain_port=plain_port, upstream_port=upstream_port))
    command = [str(BINARY), "-p", str(home), "-e", str(home / "error.log"), "-c", str(file)]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert tested.returncode == 0, tested.stderr
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        await _until_open(port)
        context = ssl.create_default_context(cafile=home / f"{NAME}.crt")
        yield Proxy(upstream, port, plain_port, home, context)
    finally:
        running.terminate()
        running.wait(10)
        server.close()


async def _until_open(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


@in_nginx
async def test_what_a_client_says_of_itself_ends_here(proxy: Proxy) -> None:
    claims = dict.fromkeys(("X-Forwarded-For", "X-Real-IP", "X-Forwarded-Host", "Forwarded"), "203.0.113.7")
    answer = await proxy.ask("GET", "/v1//hosts/a%2Fb?q=%20", headers=claims | {"Authorization": "Bearer t"})
    head = answer.json()
    assert head[0] == "GET /v1//hosts/a%2Fb?q=%20 HTTP/1.1"
    assert "203.0.113.7" not in "".join(head)
    assert {f"host: {NAME}", "authorization: bearer t"} <= {line.lower() for line in head}
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


@in_nginx
@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/webhooks/eventship", MEBIBYTE // 4, 200),
        ("/webhooks/eventship", MEBIBYTE // 4 + 1, 413),
        ("/v1/hosts/a/salesforce/mapping", MEBIBYTE, 200),
        ("/v1/hosts/a/salesforce/mapping", MEBIBYTE + 1, 413),
        ("/v1/imports/registrations", 3 * MEBIBYTE, 200),
    ],
)
async def test_bodies_are_bounded(proxy: Proxy, path: str, size: int, status: int) -> None:
    answer = await proxy.ask("POST", path, content=b"x" * size)
    assert (answer.status_code, len(proxy.upstream.heads)) == (status, int(status == 200))
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


@in_nginx
async def test_head_as_large_as_the_service_takes_passes_and_a_larger_one_does_not(proxy: Proxy) -> None:
    fits, larger = ({"Authorization": f"Bearer {'t' * size}"} for size in (16_384, 40_000))
    assert (await proxy.ask("GET", "/v1/hosts", headers=fits)).status_code == 200
    assert (await proxy.ask("GET", "/v1/hosts", headers=larger)).status_code == 400


@in_nginx
@pytest.mark.parametrize("path", ["/v1/hosts/a/salesforce/stream", "/v1/hosts/a/events/e/salesforce/stream"])
async def test_stream_is_not_held_back(proxy: Proxy, path: str) -> None:
    async with (
        proxy.client() as http,
        http.stream("GET", path, extensions={"sni_hostname": NAME}) as answer,
        asyncio.timeout(1.5),
    ):
        assert await anext(answer.aiter_bytes()) == b": hello\n\n"


@in_nginx
async def test_upstream_connections_are_kept(proxy: Proxy) -> None:
    for _ in range(10):
        assert (await proxy.ask("GET", "/v1/hosts")).status_code == 200
    assert (len(proxy.upstream.heads), proxy.upstream.connections <= (os.cpu_count() or 1)) == (10, True)


@in_nginx
async def test_one_address_is_slowed_down_and_its_webhooks_are_not(proxy: Proxy) -> None:
    async with proxy.client() as http:
        statuses: dict[str, list[int]] = {}
        for path in ("/v1/hosts", "/oauth/salesforce/start", "/webhooks/eventship"):
            answers = [
                await http.post(path, content=b"{}", extensions={"sni_hostname": NAME}) for _ in range(300)
            ]
            statuses[path] = [each.status_code for each in answers]
    assert statuses["/webhooks/eventship"] == [200] * 300
    assert 100 <= statuses["/v1/hosts"].count(200) < 300
    assert 20 <= statuses["/oauth/salesforce/start"].count(200) < 100
    assert {*statuses["/v1/hosts"], *statuses["/oauth/salesforce/start"]} == {200, 429}


@in_nginx
async def test_logs_have_no_secret(proxy: Proxy) -> None:
    await proxy.ask("GET", "/oauth/salesforce/callback?state=s3cret&code=c0de")
    log = (proxy.home / "eventship.log").read_text()
    assert '"GET /oauth/salesforce/callback" 200' in log
    assert not re.search("s3cret|c0de", log)


@in_nginx
async def test_another_name_is_not_served_and_plain_http_leads_to_ours(proxy: Proxy) -> None:
    async with httpx.AsyncClient(trust_env=False, verify=False) as http:
        moved = await http.get(
            f"http://127.0.0.1:{proxy.plain_port}/docs?a=b", headers={"Host": "evil.example"}
        )
        with pytest.raises(httpx.ConnectError):
            await http.get(
                f"https://127.0.0.1:{proxy.port}/docs", extensions={"sni_hostname": "evil.example"}
            )
    assert (moved.status_code, moved.headers["location"]) == (301, f"https://{NAME}/docs?a=b")
