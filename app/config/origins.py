"""Which forms of our own and foreign addresses settings may have."""

import ipaddress
import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator

HERE: Final = ("127.0.0.1", "localhost", "::1")
PRIVATE_SUFFIXES: Final = (".internal", ".local", ".localhost", ".lan", ".svc", ".test")
PRIVATE_NETWORKS: Final = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7"))
)
BARE_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*")
"""A digit in front could be an address written as one number."""


def is_https_or_here(url: str) -> bool:
    """Whether nobody on a network can read what goes there."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in HERE


def is_private_name(host: str) -> bool:
    """Whether a host can only be one of a network of our own: a compose service, a pod, a private address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return BARE_NAME.fullmatch(host) is not None or host.endswith(PRIVATE_SUFFIXES)
    return any(address in network for network in PRIVATE_NETWORKS)


def _any_origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must look like https://sync.example.com")
    return value.rstrip("/")


def _http_origin(value: str) -> str:
    if not is_https_or_here(_any_origin(value)):
        raise ValueError("must be https unless it is on this machine")
    parts = urlsplit(value)
    # Browsers write names in small letters: an `Origin` must be equal to it.
    return parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower()).geturl().rstrip("/")


def _browser_origin(value: str) -> str:
    """One address, as a browser names it: what sign-ins give to it is given to nobody else."""
    parts = urlsplit(_http_origin(value))
    if "*" in value:
        raise ValueError("must name one address: with a wildcard, whoever gets a name under it is let in")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must be an origin, without a path")
    return f"{parts.scheme}://{parts.netloc}".lower()


def _path_prefix(value: str) -> str:
    if not re.fullmatch(r"/(?!/)[A-Za-z0-9_./~-]*", value) or ".." in value:
        raise ValueError("must be paths such as /integrations")
    return value.rstrip("/") or "/"


def receiver_url(value: str) -> str:
    """An address to post to, as it is; whether it may be http or private is judged with the others."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or not value.isascii():
        raise ValueError("must look like https://platform.example.com/hooks/salesforce")
    if parts.username is not None or parts.password is not None or parts.fragment or re.search(r"\s", value):
        raise ValueError("must have no user, password, fragment or white space")
    if parts.port == 0:
        raise ValueError("must have a port that exists")
    return value


Origin = Annotated[str, AfterValidator(_http_origin)]
BrowserOrigin = Annotated[str, AfterValidator(_browser_origin)]
OriginOrNone = Annotated[str, AfterValidator(lambda value: value and _http_origin(value))]
SalesforceOrigin = Annotated[str, AfterValidator(_any_origin)]
"""Which hosts these may be is judged together with the others."""
PathPrefix = Annotated[str, AfterValidator(_path_prefix)]


def callback_at(address: str) -> str:
    """Where Salesforce sends browsers back to one of our addresses, exactly as the app must name it."""
    return f"{address}/oauth/salesforce/callback"


def check_simulator_url(url: str | None, *, may_be_http: bool) -> None:
    """Raises ValueError for a simulator that somebody on a network could listen to."""
    if url is None or is_https_or_here(url):
        return
    if not may_be_http or not is_private_name(urlsplit(url).hostname or ""):
        raise ValueError(
            "SALESFORCE_SIMULATOR_URL must be https unless it is on this machine, "
            "or on a private name with SALESFORCE_SIMULATOR_HTTP=true"
        )
