"""Which columns hold secrets: the names that sealed values are bound to, and where they stand."""

from typing import Final

from app.models import Connection, LeftGrant, OAuthAttempt, OwnApp, PendingRevocation

ACCESS_TOKEN: Final = "connections.access_token"  # noqa: S105 - the name of a column
REFRESH_TOKEN: Final = "connections.refresh_token"  # noqa: S105 - the name of a column
REVOKED_TOKEN: Final = "pending_revocations.token"  # noqa: S105 - the name of a column
LEFT_TOKEN: Final = "left_grants.token"  # noqa: S105 - the name of a column
CODE_VERIFIER: Final = "oauth_attempts.code_verifier"
CONSUMER_KEY: Final = "app_credentials.consumer_key"
CONSUMER_SECRET: Final = "app_credentials.consumer_secret"  # noqa: S105 - the name of a column

SealedTable = type[Connection | LeftGrant | OAuthAttempt | OwnApp | PendingRevocation]

SEALED_TABLES: Final[dict[SealedTable, dict[str, str]]] = {
    Connection: {"access_token": ACCESS_TOKEN, "refresh_token": REFRESH_TOKEN},
    PendingRevocation: {"token": REVOKED_TOKEN},
    LeftGrant: {"token": LEFT_TOKEN},
    OAuthAttempt: {"code_verifier": CODE_VERIFIER},
    OwnApp: {"consumer_key": CONSUMER_KEY, "consumer_secret": CONSUMER_SECRET},
}
"""Every sealed column of the service, by table: what a change of keys has to visit."""
