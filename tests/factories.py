"""Factories for settings and connections, with defaults that cannot be mistaken for real ones."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.config.settings import Settings, Times
from app.infrastructure.encryption import Encryptor
from app.models import Connection
from devtools.local_stack.local_services import LocalServices

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
WEBHOOK_KEY = b"an-otter-signs-webhooks-at-night"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(WEBHOOK_KEY).decode()
SIMULATOR_URL = "http://127.0.0.1:8100"
ORG_ID = "00D5g000004XyZaEAK"
USER_ID = "0055g00000AbCdEAAV"
ENCRYPTION_KEY = "k1:" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def settings_for(engines: LocalServices, *, jwks_file: Path | None, **changes: Any) -> Settings:
    """Settings against the local engines and the simulator, with times scaled for tests."""
    values: dict[str, Any] = {
        "database_url": engines.database_url,
        "redis_url": engines.redis_url,
        "database_pool": 5,
        "public_url": "http://127.0.0.1:8000",
        "dashboard_url": "http://127.0.0.1:8000",
        "webhook_secrets": WEBHOOK_SECRET,
        "encryption_keys": ENCRYPTION_KEY,
        "jwks_file": jwks_file,
        "salesforce_login_url": SIMULATOR_URL,
        "salesforce_sandbox_login_url": SIMULATOR_URL,
        "salesforce_simulator_url": SIMULATOR_URL,
        "salesforce_client_id": "3MVG9otter",
        "salesforce_client_secret": "otter-secret",
        "salesforce_package_url": "https://login.salesforce.com/packaging/installPackage.apexp?p0=04t000otter",
        "times": Times(in_doubt=4, http_total=2, lease=2, heartbeat=0.5, drain_budget=2, stop=5),
    }
    return Settings(**(values | changes))


def connection_for(vault: Encryptor, host_id: str = "host_a", **changes: Any) -> Connection:
    """A living connection to the simulator, its tokens sealed by `vault`."""
    access_token = changes.pop("access_token", "00D5g000004XyZa!otter.access.1")
    refresh_token = changes.pop("refresh_token", "5Aep861otter.refresh.1")
    values: dict[str, Any] = {
        "host_id": host_id,
        "state": "connected",
        "environment": "production",
        "login_url": SIMULATOR_URL,
        "client_id": "3MVG9otter",
        "org_id": ORG_ID,
        "org_name": "Otter Events",
        "org_edition": "Enterprise Edition",
        "org_is_sandbox": False,
        "instance_url": SIMULATOR_URL,
        "user_id": USER_ID,
        "username": "rita@otter.example",
        "user_name": "Rita Otter",
        "identity_url": f"{SIMULATOR_URL}/id/{ORG_ID}/{USER_ID}",
        "scope": "refresh_token api id",
        "api_version": "62.0",
        "access_token": vault.seal(access_token, host_id=host_id, column="connections.access_token"),
        "refresh_token": vault.seal(refresh_token, host_id=host_id, column="connections.refresh_token"),
        "connected_at": NOW,
        "connected_by": "user_17",
    }
    return Connection(**(values | changes))
