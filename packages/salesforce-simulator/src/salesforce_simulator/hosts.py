"""Under which name who is served: the login hosts and every org under `*.localhost`, by the Host header.

Production orgs log in at `login.localhost`, sandboxes at `test.localhost`. An org lives at its My Domain:
`northwind.my.localhost`, a sandbox at `northwind--dev.sandbox.my.localhost`. Any other name serves
everything.
https://help.salesforce.com/s/articleView?id=xcloud.domain_name_url_formats.htm
"""

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from salesforce_simulator.errors import ErrorItem
from salesforce_simulator.http import HTML, Request, Response
from salesforce_simulator.org import Org

LOGIN_HOSTS = {"login": False, "test": True}
"""Whether the orgs that log in at this first label of a host name are sandboxes."""

_LOGIN_NAMES = frozenset(f"{label}.localhost" for label in LOGIN_HOSTS)
_ORG_SUFFIX = ".my.localhost"
_HOSTS_KEPT = 1000
_NO_LONGER = "<html><head><title>URL No Longer Exists</title></head><body>URL No Longer Exists</body></html>"
_NOT_RESET = ErrorItem(
    "URL_NOT_RESET", "Destination URL not reset. The URL returned from login must be set", is_code_first=True
)
_NOT_OWNED = ErrorItem("ORG_NOT_OWNED_BY_INSTANCE", "Organization is not owned by this instance")


def name_in(host: str) -> str:
    """The name in a Host header, without its port."""
    return host.partition(":")[0].lower()


@lru_cache(maxsize=_HOSTS_KEPT)
def is_login_name(host: str) -> bool:
    return name_in(host) in _LOGIN_NAMES


@lru_cache(maxsize=_HOSTS_KEPT)
def is_org_name(host: str) -> bool:
    return name_in(host).endswith(_ORG_SUFFIX)


def is_named(host: str) -> bool:
    """Whether this name serves one thing only, be it a login host, an org or nobody."""
    return is_login_name(host) or is_org_name(host)


def host_of(org: Org, my_domain: str | None = None) -> str:
    """The name of an org, or the one that it had under another My Domain."""
    return f"{my_domain or org.my_domain}{'.sandbox' if org.is_sandbox else ''}{_ORG_SUFFIX}"


def instance_url(org: Org, base_url: str) -> str:
    """Where the data of an org is, for who came by this address."""
    return _sibling_url(base_url, host_of(org))


def login_url(org: Org, base_url: str) -> str:
    """The login host of an org, for who came by this address."""
    return _sibling_url(base_url, "test.localhost" if org.is_sandbox else "login.localhost")


def logs_in(org: Org, host: str) -> bool:
    """Whether an org logs in at a host: at its own, at its kind's login host, and where all is served."""
    if is_org_name(host):
        return host_of(org) == name_in(host)
    wanted = LOGIN_HOSTS.get(name_in(host).partition(".")[0])
    return wanted is None or org.is_sandbox is wanted


def refusal(orgs: Iterable[Org], request: Request) -> Response | None:
    """What a name answers that does not serve the path: an org left it, it is nobody's, or has no pages."""
    host = request.headers.get("host", "")
    if not is_named(host):
        return None
    if is_org_name(host) and not any(host_of(org) == name_in(host) for org in orgs):
        return _moved(orgs, request)
    if not request.path.startswith(("/services/", "/id/")):
        return Response(404, _NO_LONGER, content_type=HTML)
    return None


def data_refusal(org: Org, host: str) -> tuple[int, ErrorItem] | None:
    """Status and words for a living session of this org that asks for data at a host where it has none."""
    if is_login_name(host):
        return 400, _NOT_RESET
    if is_org_name(host) and not logs_in(org, host):
        return 401, ErrorItem("INVALID_SESSION_ID", "Session expired or invalid")
    return None


def _moved(orgs: Iterable[Org], request: Request) -> Response:
    name = name_in(request.headers["host"])
    org = next((each for each in orgs if name in {host_of(each, old) for old in each.old_my_domains}), None)
    answers = org.config.old_my_domain_answers if org else "gone"
    if answers == "not_owned" and request.path.startswith("/services/data/"):
        return Response(400, [_NOT_OWNED.as_rest()])
    if org is None or answers != "redirect":
        return Response(404, _NO_LONGER, content_type=HTML)
    query = f"?{request.query_text}" if request.query_text else ""
    return Response(301, headers={"location": f"{instance_url(org, request.base_url)}{request.path}{query}"})


def _sibling_url(base_url: str, name: str) -> str:
    """The same port under another name; an address that serves everything stays as it is."""
    parts = urlsplit(base_url)
    port = parts.netloc[len(parts.hostname or "") :]
    return f"{parts.scheme}://{name}{port}" if is_named(parts.netloc) else base_url
