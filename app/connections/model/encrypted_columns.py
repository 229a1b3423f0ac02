"""The names that a connection's secrets are bound to."""

import logging
from typing import Final

from app.infrastructure.encryption import DecryptionFailed, Encryptor, KeyMissing
from app.salesforce.auth import ConnectionUnusable

log = logging.getLogger(__name__)

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


def open_or_log(
    vault: Encryptor, sealed: bytes, *, host_id: str, column: str, event: str = "grant_unreadable"
) -> str | None:
    """A token to revoke. What cannot be read cannot be revoked; it is logged and must not stop anybody."""
    try:
        return vault.open(sealed, host_id=host_id, column=column)
    except (DecryptionFailed, KeyMissing) as error:
        log.error(event, extra={"host_id": host_id, "error": type(error).__name__})
        return None
