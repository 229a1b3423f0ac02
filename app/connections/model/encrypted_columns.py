"""The names that a connection's secrets are bound to."""

from typing import Final

from app.infrastructure.encryption import DecryptionFailed, Encryptor, KeyMissing
from app.salesforce.auth import ConnectionUnusable

ACCESS_TOKEN: Final = "connections.access_token"  # noqa: S105 - the name of a column
REFRESH_TOKEN: Final = "connections.refresh_token"  # noqa: S105 - the name of a column
REVOKED_TOKEN: Final = "pending_revocations.token"  # noqa: S105 - the name of a column
SUPERSEDED_TOKEN: Final = "superseded_grants.token"  # noqa: S105 - the name of a column
UNCONFIRMED_ACCESS: Final = "unconfirmed_grants.access_token"
UNCONFIRMED_REFRESH: Final = "unconfirmed_grants.refresh_token"
CODE_VERIFIER: Final = "oauth_attempts.code_verifier"
CONSUMER_KEY: Final = "app_credentials.consumer_key"
CONSUMER_SECRET: Final = "app_credentials.consumer_secret"  # noqa: S105 - the name of a column
UNREADABLE: Final = "credentials_unreadable"


def open_secret(vault: Encryptor, sealed: bytes, *, host_id: str, column: str) -> str:
    """Decrypt a secret of an active connection. Raises ConnectionUnusable."""
    try:
        return vault.open(sealed, host_id=host_id, column=column)
    except (KeyMissing, DecryptionFailed) as error:
        raise ConnectionUnusable(UNREADABLE) from error
