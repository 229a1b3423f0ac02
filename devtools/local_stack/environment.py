"""The environment of our processes on one machine: what is given is used, what is left out is local."""

from collections.abc import Mapping
from typing import Any

from devtools.local_stack.secrets import LocalSecrets

LOGIN_NAMES = ("SALESFORCE_LOGIN_URL", "SALESFORCE_SANDBOX_LOGIN_URL", "SALESFORCE_SIMULATOR_URL")
NAMES = ("login.localhost", "test.localhost", "localhost")
"""What a simulator is called for these, where it serves each org under a name of its own."""
LOCAL_CLIENT = {"client_id": "SALESFORCE_CLIENT_ID", "client_secret": "SALESFORCE_CLIENT_SECRET"}


def service_environment(
    given: Mapping[str, str], *, url: str, database_url: str, redis_url: str, secrets: LocalSecrets
) -> dict[str, str]:
    """Everything that Settings need on this machine, with `given` on top."""
    local = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PUBLIC_URL": url,
        "DASHBOARD_URL": url,
        "CONSOLE_ENABLED": "true",
        "WEBHOOK_SECRETS": secrets.webhook_secret,
        "ENCRYPTION_KEYS": secrets.encryption_key,
        "PYTHONUNBUFFERED": "1",
        "TIMES_DRAIN": "0",  # no balancer is in front of it
    }
    if "JWKS_URL" not in given:
        local["JWKS_FILE"] = str(secrets.jwks_file)
    return local | dict(given)


def simulator_environment(
    simulator_url: str, session: Mapping[str, Any], *, has_names: bool = False
) -> dict[str, str]:
    """Points the service at a simulator, whose control API returned the app that it knows.

    `has_names`: by the names of its login hosts, so that each org is met under its own.
    """
    app = {variable: str(session[key]) for key, variable in LOCAL_CLIENT.items()}
    if not has_names:
        return dict.fromkeys(LOGIN_NAMES, simulator_url) | app
    port = simulator_url.rpartition(":")[2]
    return dict(zip(LOGIN_NAMES, (f"http://{name}:{port}" for name in NAMES), strict=True)) | app
