"""Map errors of the sign-in to advice: one table, the first match wins."""

from typing import Final

from app.salesforce.errors import ApiError, SalesforceError
from app.salesforce.oauth import OAuthError, OAuthRejected
from app.text.storable import storable

OTHER: Final = "oauth_other"
AWAY: Final = "salesforce_away"

# error (lower case, - as _), words in its description, advice code: on the redirect and at the token endpoint
# https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_flow_errors.htm
ADVICE_BY_ERROR: Final[tuple[tuple[str, str, str], ...]] = (
    ("access_denied", "", "access_denied"),
    ("oauth_ec_app_not_found", "", "package_not_installed"),
    ("app_not_found", "", "package_not_installed"),
    ("oauth_app_blocked", "", "app_not_allowed"),
    ("oauth_app_access_denied", "", "app_not_allowed"),
    ("oauth_approval_error_generic", "", "approval_error"),
    ("invalid_scope", "", "scope_refused"),
    ("redirect_uri_mismatch", "", "redirect_uri_mismatch"),
    ("invalid_client", "installed", "package_not_installed"),
    ("invalid_client", "", "client_rejected"),
    ("invalid_client_id", "", "client_rejected"),
    ("unauthorized_client", "", "client_rejected"),
    ("invalid_grant", "authorization code", "code_expired"),
    ("invalid_grant", "approved this consumer", "approval_error"),
    ("invalid_grant", "inactive user", "user_inactive"),
    ("invalid_grant", "inactive organization", "org_inactive"),
    ("invalid_grant", "ip restricted", "ip_restricted"),
    ("invalid_grant", "ip not allowed", "ip_restricted"),
    ("server_error", "", AWAY),
    ("temporarily_unavailable", "", AWAY),
    ("rate_limit_exceeded", "", AWAY),
)

ADVICE_BY_API_CODE: Final[dict[str, str]] = {
    "API_DISABLED_FOR_ORG": "api_disabled",
    "API_CURRENTLY_DISABLED": "api_disabled",
    "INVALID_SESSION_ID": "session_not_for_api",
    "Bad_OAuth_Token": "session_not_for_api",
    "CONNECTION_ENDED": "session_not_for_api",
    "LOGIN_DURING_RESTRICTED_DOMAIN": "ip_restricted",
    "ANSWER_LOST": AWAY,
    "NOT_SENT": AWAY,
    "SERVER_UNAVAILABLE": AWAY,
    "REQUEST_LIMIT_EXCEEDED": AWAY,
}


class ConnectFailed(Exception):
    """The attempt failed; `problem_code` is the advice, `failure` Salesforce's error if there is one."""

    def __init__(self, problem_code: str, failure: ApiError | None = None) -> None:
        super().__init__(problem_code)
        self.problem_code = problem_code
        self.failure = failure


def from_redirect(error: str, description: str) -> ConnectFailed:
    """An error that came back in the browser's address."""
    return ConnectFailed(
        advice_code_of(error, description), ApiError(storable(error, 100), storable(description, 500))
    )


def from_oauth(error: OAuthError) -> ConnectFailed:
    """An error of the token endpoint."""
    if not isinstance(error, OAuthRejected):
        return ConnectFailed(AWAY)
    failure = ApiError(error.error[:100], error.description[:500], http_status=error.http_status)
    return ConnectFailed(advice_code_of(error.error, error.description), failure)


def from_api(error: SalesforceError) -> ConnectFailed:
    """An error of the first calls with the new token."""
    return ConnectFailed(ADVICE_BY_API_CODE.get(error.failure.error_code, OTHER), error.failure)


def advice_code_of(error: str, description: str) -> str:
    name, words = error.lower().replace("-", "_"), description.lower()
    if name.startswith("http_5"):
        return AWAY
    matching = (code for known, part, code in ADVICE_BY_ERROR if known == name and part in words)
    return next(matching, OTHER)
