"""Where people sign in: the login host of production, of sandboxes, or the org's own My Domain."""

import re
from typing import Final

from app.api.errors import FieldError, PayloadInvalid
from app.config.settings import Settings
from app.connections.model.messages import explain
from app.salesforce.allowed_hosts import HostNotAllowed, check_login_host, is_login_host, my_domain_of

OF_SANDBOXES: Final = re.compile(r"\.(?:sandbox|scratch)\.my\.")
"""In the My Domain of an org that logs in where sandboxes do."""

# environment, whether the org is a sandbox: the mix-up's advice
ENVIRONMENT_MISMATCHES: Final[dict[tuple[str, bool | None], str]] = {
    ("production", True): "not_for_production",
    ("sandbox", False): "not_for_sandbox",
}


def login_url_for(settings: Settings, environment: str, my_domain: str | None) -> str:
    """The origin that serves authorize and token requests from now on. Raises PayloadInvalid.

    https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_endpoints.htm
    """
    if environment == "sandbox":
        return settings.salesforce_sandbox_login_url
    if environment != "my_domain":
        return settings.salesforce_login_url
    try:
        return _my_domain(settings, (my_domain or "").strip().lower())
    except HostNotAllowed as error:
        advice = explain(settings, "partition_off" if error.is_partition else "my_domain_invalid")
        where = FieldError(path="body.my_domain", message=advice.title)
        raise PayloadInvalid(advice.title, advice=advice, errors=[where]) from None


def common_login_url(settings: Settings, login_url: str) -> str:
    """The login host of every org of the kind that signs in at this address; a login host is its own."""
    common = (settings.salesforce_login_url, settings.salesforce_sandbox_login_url)
    if login_url in common or is_login_host(login_url.removeprefix("https://")):
        return login_url
    return common[OF_SANDBOXES.search(login_url) is not None]


def _my_domain(settings: Settings, text: str) -> str:
    host = text.removeprefix("https://").rstrip("/")
    my_domain = my_domain_of(host)
    url = check_login_host(text if my_domain == host else my_domain, extra=settings.extra_hosts)
    if is_login_host(url.removeprefix("https://")):
        raise HostNotAllowed(text)
    return url
