"""`console`: the address of the console with a token of this machine's key in it."""

from collections.abc import Mapping
from urllib.parse import quote

from devtools.local_stack.secrets import LocalSecrets

LOCAL_HOSTS = {"host_acme": "owner"}
MINUTES = 60


def console_address(
    url: str, secrets: LocalSecrets, *, hosts: Mapping[str, str] = LOCAL_HOSTS, minutes: int = MINUTES
) -> str:
    """Good for `minutes`. The token is in the fragment, which browsers never send to a server."""
    token = secrets.token(hosts, scope="ops", user="console", minutes=minutes)
    return f"{url}/console/#token={quote(token)}"
