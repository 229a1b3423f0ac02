"""What a refusal of the token endpoint means for a connection: one table, first match wins."""

from typing import Final

from app.salesforce.oauth import OAuthRejected

CREDENTIALS_REJECTED: Final = "credentials_rejected"

# error, words in its description, reason code (None: it passes by itself)
# https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_flow_errors.htm
REASONS: Final[tuple[tuple[str, str, str | None], ...]] = (
    ("invalid_grant", "rate exceeded", None),
    ("invalid_grant", "inactive user", "user_inactive"),
    ("invalid_grant", "inactive organization", "org_inactive"),
    ("invalid_grant", "ip restricted", "ip_restricted"),
    ("invalid_grant", "ip not allowed", "ip_restricted"),
    ("invalid_grant", "expired", "access_revoked"),
    ("invalid_grant", "", "access_revoked"),
    ("inactive_user", "", "user_inactive"),
    ("inactive_org", "", "org_inactive"),
    ("app_not_found", "", "app_uninstalled"),
    ("oauth_ec_app_not_found", "", "app_uninstalled"),
    ("oauth_app_blocked", "", "app_blocked"),
    ("oauth_app_access_denied", "", "app_blocked"),
    ("invalid_client", "installed", "app_uninstalled"),
    ("invalid_client", "", CREDENTIALS_REJECTED),
    ("invalid_client_id", "", CREDENTIALS_REJECTED),
    ("unauthorized_client", "", CREDENTIALS_REJECTED),
)


def is_doubtful(refused: OAuthRejected) -> bool:
    """Whether the refusal has an unknown code: it may be final or temporary."""
    name, description = refused.error.lower(), refused.description.lower()
    known = (words for error, words, _ in REASONS if error == name == "invalid_grant" and words)
    return name == "invalid_grant" and not any(words in description for words in known)


def disconnect_reason(refused: OAuthRejected) -> str | None:
    """The reason code with which the connection ends; None when trying again may help."""
    error, description = refused.error.lower(), refused.description.lower()
    matching = (reason for name, words, reason in REASONS if name == error and words in description)
    return next(matching, None)
