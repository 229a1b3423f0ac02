"""Which hosts may receive a token, and the Lightning address of a record."""

import re
from typing import Final

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
PARTITIONS: Final[dict[str, tuple[str, str]]] = {
    "mil": ("my.salesforce.mil", "lightning.crmforce.mil"),
    "cn": ("my.sfcrmproducts.cn", "lightning.sfcrmapps.cn"),
}
"""Where the orgs of a partition live, and where Lightning shows them."""

_LIGHTNING: Final = {"my.salesforce.com": "lightning.force.com", **dict(PARTITIONS.values())}
_MY_DOMAIN: Final = re.compile(
    rf"(?P<name>(?:{_LABEL}\.){{1,3}})(?P<place>{'|'.join(map(re.escape, _LIGHTNING))})"
)
_LOGIN: Final = re.compile(r"(?:login|test)\.salesforce\.com")
_HERE: Final = re.compile(
    rf"(?P<scheme>https?)://(?:{_LABEL}\.){{1,3}}my\.localhost(?P<port>(?::\d{{1,5}})?)"
)
LOGINS_HERE: Final = ("login.localhost", "test.localhost")
"""The login hosts of a simulator at `localhost`; its orgs live at `acme.my.localhost` and its like."""
_ORIGIN: Final = re.compile(r"https://(?P<host>[a-z0-9.-]{1,253})(?::443)?/?")


class HostNotAllowed(ValueError):
    """A host that must never see a token. The offending text stands in `host`, cut to 200 characters.

    `is_partition`: the host is Salesforce's own, in a partition that the operator did not switch on.
    """

    def __init__(self, host: str, *, is_partition: bool = False) -> None:
        super().__init__(f"not a Salesforce host that may receive tokens: {host[:200]!r}")
        self.host = host[:200]
        self.is_partition = is_partition


def check_instance_url(url: str, *, extra: frozenset[str] = frozenset()) -> str:
    """The normalised origin (`https://acme.my.salesforce.com`) of an org's instance URL.

    Only My Domain hosts, sandbox and other partitions included; never `*.force.com` and its kin, where
    customers publish content of their own. `extra` holds exact origins allowed besides (a simulator),
    `http://*.my.localhost:8100` for the orgs of one on this machine, and
    `*.my.salesforce.mil` and its like for partitions that are switched on. Raises `HostNotAllowed`.
    https://help.salesforce.com/s/articleView?id=xcloud.domain_name_url_formats.htm
    """
    if "://" in url and _is_extra(url.rstrip("/"), extra):
        return url.rstrip("/")
    host = _host_of(url)
    _check_my_domain(host, url, extra)
    return f"https://{host}"


def check_login_host(host: str, *, extra: frozenset[str] = frozenset()) -> str:
    """The normalised origin of a host that serves authorize and token pages: login, test or a My Domain.

    Takes a bare host name or an origin. Raises `HostNotAllowed`.
    """
    url = host if "://" in host else f"https://{host}"
    if _is_extra(url.rstrip("/"), extra):
        return url.rstrip("/")
    name = _host_of(url)
    if not _LOGIN.fullmatch(name):
        _check_my_domain(name, host, extra)
    return f"https://{name}"


def is_login_host(host: str) -> bool:
    """Whether this bare host name is one of the two shared login hosts."""
    return _LOGIN.fullmatch(host.lower()) is not None


def names_here(simulator_url: str) -> frozenset[str]:
    """The origins of a simulator: one at `localhost` has login hosts and orgs under names of their own, which
    are this machine as well (RFC 6761, 6.3)."""
    scheme, _, place = simulator_url.partition("://")
    name, _, port = place.partition(":")
    if name != "localhost":
        return frozenset({simulator_url})
    names = (name, *LOGINS_HERE, "*.my.localhost")
    return frozenset(f"{scheme}://{each}{port and f':{port}'}" for each in names)


def lightning_url(instance_url: str) -> str | None:
    """The Lightning origin of an org; None where the instance URL is not a My Domain.

    `acme--uat.sandbox.my.salesforce.com` becomes `acme--uat.sandbox.lightning.force.com`.
    """
    try:
        match = _MY_DOMAIN.fullmatch(_host_of(instance_url))
    except HostNotAllowed:
        return None
    return f"https://{match['name']}{_LIGHTNING[match['place']]}" if match else None


def my_domain_of(host: str) -> str:
    """The My Domain host beside a Lightning host; any other host as it is."""
    for place, lightning in _LIGHTNING.items():
        if host.endswith(f".{lightning}"):
            return host.removesuffix(lightning) + place
    return host


def record_url(instance_url: str, sobject: str, id: str) -> str:  # noqa: A002 - Salesforce's own word
    """Where a person opens this record: Lightning, or the instance URL that redirects there."""
    lightning = lightning_url(instance_url)
    if lightning is None:
        return f"{instance_url.rstrip('/')}/{id}"
    return f"{lightning}/lightning/r/{sobject}/{id}/view"


def _is_extra(origin: str, extra: frozenset[str]) -> bool:
    here = _HERE.fullmatch(origin)
    if here is not None:
        return f"{here['scheme']}://*.my.localhost{here['port']}" in extra
    return origin in extra and "*" not in origin


def _check_my_domain(host: str, given: str, extra: frozenset[str]) -> None:
    match = _MY_DOMAIN.fullmatch(host)
    if match is None:
        raise HostNotAllowed(given)
    if match["place"] != "my.salesforce.com" and f"*.{match['place']}" not in extra:
        raise HostNotAllowed(given, is_partition=True)


def _host_of(url: str) -> str:
    # One strict pattern instead of a URL parser: parsers differ on user info, backslashes and white space.
    match = _ORIGIN.fullmatch(url.lower()) if url.isascii() else None
    if match is None:
        raise HostNotAllowed(url)
    return match["host"]
