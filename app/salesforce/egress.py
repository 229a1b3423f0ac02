"""Connections to Salesforce: a name is resolved, looked at and dialled in one step, or not at all.

The allow-list of hosts knows names. A name that resolves to an address of our own network would carry a
token there all the same, so every address is judged before the dial, and it is the judged one that is
dialled: a second look-up, which could answer differently, does not take place.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

import httpx

from app.salesforce.http_connection import HttpConnection

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to addresses, in the order to try them. Raises OSError."""
Opener = Callable[[str, int, ssl.SSLContext | None, str | None], Awaitable[HttpConnection]]
"""An address, a port and, where TLS is spoken, its context and whose certificate it is. Raises OSError."""

CARRIES_IPV4: Final = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96")))
"""NAT64, the IPv4-compatible and the translated form: the last 32 bits are where the connection ends
(RFC 6052, RFC 4291, RFC 2765)."""
REFUSED: Final = tuple(map(ipaddress.ip_network, ("fec0::/10", "64:ff9b:1::/48", "2001::/32")))
"""Networks of a site (RFC 3879), NAT64 by a prefix of one's own (RFC 8215), and Teredo, which leads by way of
another address than it seems (RFC 4380)."""
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class AddressRefused(httpx.ConnectError):
    """A name resolved to an address that is not on the public internet; nothing was sent."""


class PublicDialer:
    """Dials public addresses only; `exempt` holds host and port of what may stand anywhere (a simulator).

    Names under an exempt `localhost` are dialled as it is, and never looked up.
    """

    def __init__(
        self,
        *,
        exempt: frozenset[tuple[str, int]] = frozenset(),
        resolve: Resolver | None = None,
        open_connection: Opener | None = None,
    ) -> None:
        self._exempt = exempt
        self._resolve = resolve or resolve_name
        self._open = open_connection or _open_connection

    async def dial(
        self, host: str, port: int, *, tls: ssl.SSLContext | None, within: float | None
    ) -> HttpConnection:
        """A connection, under the certificate of `host` where `tls` is given, after `within` seconds at most.

        Raises AddressRefused, httpx.ConnectError, httpx.ConnectTimeout.
        """
        name, host = host, host.lower()
        if host.endswith(".localhost") and ("localhost", port) in self._exempt:
            host = "localhost"  # many resolvers do not know that these names are this machine: RFC 6761, 6.3
        try:
            async with asyncio.timeout(within):
                addresses = [host] if (host, port) in self._exempt else await self._judged(host, port)
                return await self._first_that_answers(addresses, port, tls, name)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(f"no connection to {name} in time") from error

    async def _judged(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{host} does not resolve: {error}") from error
        refused = [address for address in addresses if not is_public(address)]
        if refused or not addresses:
            raise AddressRefused(f"{host} does not resolve to public addresses")
        return addresses

    async def _first_that_answers(
        self, addresses: Sequence[str], port: int, tls: ssl.SSLContext | None, name: str
    ) -> HttpConnection:
        refused: OSError | UnicodeError | None = None
        for address in addresses:
            try:
                return await self._open(address, port, tls, name if tls else None)
            except TimeoutError:
                raise
            except (OSError, UnicodeError) as error:
                refused = error
        raise httpx.ConnectError(f"no connection to {name}: {refused}") from refused


async def _open_connection(
    address: str, port: int, tls: ssl.SSLContext | None, server_name: str | None
) -> HttpConnection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(
        HttpConnection, address, port, ssl=tls, server_hostname=server_name
    )
    return connection


def exempt_addresses(origins: Iterable[str | None]) -> frozenset[tuple[str, int]]:
    """Host and port of each origin that settings name: operators may keep these on their own network."""
    parts = [urlsplit(origin) for origin in origins if origin]
    return frozenset((part.hostname or "", part.port or DEFAULT_PORTS[part.scheme]) for part in parts)


def is_public(address: str) -> bool:
    """Whether an address is on the public internet, also when it stands inside an IPv6 one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or _embedded_ipv4(ip)
        if inner is not None:
            return is_public(str(inner))
    is_refused = any(ip in network for network in REFUSED if network.version == ip.version)
    return ip.is_global and not ip.is_multicast and not is_refused


async def resolve_name(host: str, port: int) -> list[str]:
    """The addresses of a host, IPv4 first, each once. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    ordered = sorted(found, key=lambda entry: entry[0] != socket.AF_INET)
    return list(dict.fromkeys(str(entry[4][0]) for entry in ordered))


def _embedded_ipv4(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    is_carrier = any(ip in network for network in CARRIES_IPV4)
    return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if is_carrier else None
