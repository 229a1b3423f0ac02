"""Which columns of connections hold secrets: the names that sealed values are bound to."""

from typing import Final

ACCESS_TOKEN: Final = "connections.access_token"  # noqa: S105 - the name of a column
REFRESH_TOKEN: Final = "connections.refresh_token"  # noqa: S105 - the name of a column
REVOKED_TOKEN: Final = "pending_revocations.token"  # noqa: S105 - the name of a column
CODE_VERIFIER: Final = "oauth_attempts.code_verifier"
