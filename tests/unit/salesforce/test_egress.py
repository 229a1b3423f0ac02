"""Where the pool dials: public addresses, judged and dialled in one step, under the name's certificate."""

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from typing import Any

import httpx
import pytest

from app.salesforce.egress import PublicDialer, exempt_addresses, is_public
from app.salesforce.errors import NotSent
from app.salesforce.http_connection import HttpConnection
from app.salesforce.http_pool import PublicTransport
from app.salesforce.transport import build_request, send_once
from tests.unit.salesforce.scripted_network import ScriptedNetwork

ORG = "acme.my.salesforce.com"
PUBLIC, OTHER_PUBLIC, METADATA = "136.146.0.1", "136.146.0.2", "169.254.169.254"
ANSWER = [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", b"{}"]


class Dialled:
    """The network: remembers every address; those in `dead` refuse, those in `silent` never answer."""

    def __init__(self, *, dead: Iterable[str] = (), silent: Iterable[str] = ()) -> None:
        self.addresses: list[str] = []
        self.certificates: list[str | None] = []
        self._dead, self._silent = frozenset(dead), frozenset(silent)
        self._network = ScriptedNetwork([ANSWER])

    async def open(
        self, address: str, port: int, tls: ssl.SSLContext | None, server_name: str | None
    ) -> HttpConnection:
        self.addresses.append(address)
        if address in self._dead:
            raise ConnectionRefusedError("refused")
        if address in self._silent:
            await asyncio.Event().wait()
        if tls is not None:
            is_checked = tls.check_hostname and tls.verify_mode is ssl.CERT_REQUIRED
            self.certificates.append(server_name if is_checked else "unchecked")
        return await self._network.open(address, port, tls, server_name)


class Names:
    """A name server that gives its answers one after the other, the last one for ever."""

    def __init__(self, *answers: Sequence[str] | OSError) -> None:
        self.answers = list(answers)
        self.lookups: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.lookups.append((host, port))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, OSError):
            raise answer
        return answer


async def get(names: Names, network: Dialled, url: str = f"https://{ORG}/", **options: Any) -> httpx.Response:
    exempt = options.get("exempt", frozenset())
    dialer = PublicDialer(resolve=names, open_connection=network.open, exempt=exempt)
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=0)
    transport = PublicTransport(limits=limits, dialer=dialer)
    timeout = httpx.Timeout(5, connect=options.get("connect", 5))
    async with httpx.AsyncClient(transport=transport, timeout=timeout) as http:
        return await send_once(http, build_request("GET", url, headers={"Authorization": "Bearer otter"}))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "2001:db8::1",
        "ff0e::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::7f00:1", "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1", "2001::1", "fec0::1", "feff::1", "64:ff9b:1::7f00:1", "64:ff9b:1::8892:1",
        "::ffff:0:127.0.0.1", "::ffff:0:a9fe:a9fe",
    ],
)  # fmt: skip
def test_address_of_a_network_of_our_own_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", [PUBLIC, "2600:1f18::1", "64:ff9b::8892:1", "::ffff:136.146.0.1", "::ffff:0:136.146.0.1"]
)
def test_address_on_the_internet_is_public(address: str) -> None:
    assert is_public(address)


async def test_judged_address_is_dialled_under_the_certificate_of_the_name() -> None:
    names, network = Names([PUBLIC]), Dialled()
    answer = await get(names, network)
    assert (answer.status_code, answer.content) == (200, b"{}")
    assert (network.addresses, network.certificates) == ([PUBLIC], [ORG])
    assert names.lookups == [(ORG, 443)]


@pytest.mark.parametrize(
    "addresses",
    [
        pytest.param([METADATA], id="metadata"),
        pytest.param(["127.0.0.1"], id="loopback"),
        pytest.param([PUBLIC, "10.0.0.1"], id="one of two"),
        pytest.param(["::ffff:169.254.169.254"], id="mapped"),
        pytest.param([], id="nothing"),
    ],
)
async def test_good_name_with_a_private_address_gets_no_packet(addresses: list[str]) -> None:
    network = Dialled()
    with pytest.raises(NotSent, match="public addresses"):
        await get(Names(addresses), network)
    assert network.addresses == []


async def test_name_that_changes_its_address_after_the_look_is_not_followed() -> None:
    names, network = Names([PUBLIC], [METADATA]), Dialled()
    await get(names, network)
    with pytest.raises(NotSent):
        await get(names, network)
    assert network.addresses == [PUBLIC]
    assert len(names.lookups) == 2


async def test_address_written_as_a_host_is_judged_like_any_other() -> None:
    network = Dialled()
    with pytest.raises(NotSent):
        await get(Names([METADATA]), network, f"http://{METADATA}/latest/meta-data/")
    assert network.addresses == []


async def test_next_address_is_tried_when_the_first_refuses() -> None:
    network = Dialled(dead=[PUBLIC])
    await get(Names([PUBLIC, OTHER_PUBLIC]), network)
    assert network.addresses == [PUBLIC, OTHER_PUBLIC]


async def test_no_address_that_answers_is_nothing_sent() -> None:
    with pytest.raises(NotSent):
        await get(Names([PUBLIC, OTHER_PUBLIC]), Dialled(dead=[PUBLIC, OTHER_PUBLIC]))


async def test_exempt_name_that_no_name_server_could_know_is_nothing_sent() -> None:
    dialer = PublicDialer(exempt=frozenset({("a..b", 80)}))
    with pytest.raises(httpx.ConnectError):
        await dialer.dial("a..b", 80, tls=None, within=5)


async def test_silence_ends_with_the_time_to_connect() -> None:
    with pytest.raises(NotSent, match="in time"):
        await get(Names([PUBLIC]), Dialled(silent=[PUBLIC]), connect=0.01)


async def test_name_that_does_not_resolve_is_nothing_sent() -> None:
    with pytest.raises(NotSent, match="does not resolve"):
        await get(Names(OSError("no such name")), Dialled())


async def test_exempt_host_and_port_may_stand_anywhere_and_no_other_port_of_it() -> None:
    exempt = exempt_addresses(["http://localhost:8100", None, "https://keys.internal"])
    assert exempt == {("localhost", 8100), ("keys.internal", 443)}
    names, network = Names(["127.0.0.1"]), Dialled()
    await get(names, network, "http://LOCALHOST:8100/", exempt=exempt)
    assert (network.addresses, names.lookups) == (["localhost"], [])
    with pytest.raises(NotSent):
        await get(names, network, "http://localhost:8101/", exempt=exempt)
    assert network.addresses == ["localhost"]


async def test_names_under_an_exempt_localhost_are_this_machine_without_a_look_up() -> None:
    exempt = exempt_addresses(["http://localhost:8100"])
    names, network = Names(OSError("no such name")), Dialled()
    for name in ("login.localhost", "ACME.my.localhost"):
        await get(names, network, f"http://{name}:8100/", exempt=exempt)
    assert (network.addresses, names.lookups) == (["localhost", "localhost"], [])
    for url in (
        "http://login.localhost:8101/",
        "http://localhost.evil.example:8100/",
        "http://notlocalhost:8100/",
    ):
        with pytest.raises(NotSent, match="does not resolve"):
            await get(names, network, url, exempt=exempt)
    with pytest.raises(NotSent):
        await get(
            names, network, "http://login.localhost:8100/", exempt=exempt_addresses(["http://127.0.0.1:8100"])
        )
    assert network.addresses == ["localhost", "localhost"]
