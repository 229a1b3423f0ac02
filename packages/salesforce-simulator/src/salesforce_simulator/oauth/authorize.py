"""/services/oauth2/authorize: log in, approve, and come back with a code, or an error in its right place."""

from collections.abc import Mapping
from urllib.parse import urlencode

from salesforce_simulator.config_parts import ConnectedApp
from salesforce_simulator.grants import Code, new_code
from salesforce_simulator.http import Request, Response, redirect
from salesforce_simulator.oauth import pages
from salesforce_simulator.org import Org
from salesforce_simulator.simulator import Simulator
from salesforce_simulator.store import Row

_SCOPES = frozenset(
    (
        *("api", "web", "full", "refresh_token", "offline_access", "openid", "id", "profile", "email"),
        *("address", "phone", "chatter_api", "custom_permissions", "visualforce", "lightning", "content"),
        *("sfap_api", "mcp_api"),
    )
)
_NOT_INSTALLED = ("OAUTH_EC_APP_NOT_FOUND", "External client app is not installed in this org")
_BLOCKED = ("OAUTH_APP_BLOCKED", "this app is blocked by admin")
_DENIED = "end-user denied authorization"
_NOT_APPROVED = ("OAUTH_APP_ACCESS_DENIED", "user is not admin approved to access this app")
_GENERIC = "An unexpected error has occurred during authentication. Please try again."
_UNINSTALLED = {"invalid_client": "app must be installed into org", "OAUTH_APPROVAL_ERROR_GENERIC": _GENERIC}


def authorize(simulator: Simulator, request: Request) -> Response:
    """GET shows the pages; POST is their form. `username` logs in, `decision` allows or denies."""
    parameters = request.form if request.method == "POST" else request.query
    app = simulator.app(parameters.get("client_id", ""))
    if app is None:
        return pages.problem("invalid_client_id", "client%20identifier%20invalid")
    stopped = _rejected_request(simulator, app, parameters)
    if stopped is not None:
        return stopped
    return _with_user(simulator, app, request, parameters)


def _rejected_request(
    simulator: Simulator, app: ConnectedApp, parameters: Mapping[str, str]
) -> Response | None:
    """Errors before login; the first three never reach the app."""
    redirect_uri = parameters.get("redirect_uri", "")
    is_known = redirect_uri in app.redirect_uris or "*" in app.redirect_uris
    if not redirect_uri or not is_known:
        return pages.problem("redirect_uri_mismatch", "redirect_uri must match configuration")
    if simulator.default_org.config.pkce_required and not parameters.get("code_challenge"):
        # Served without a content type: a browser saves it as a file named "authorize".
        return pages.problem("invalid_request", "missing required code challenge", content_type="")
    if parameters.get("response_type") != "code":
        return _error_redirect(parameters, "unsupported_response_type", "response type not supported")
    if parameters.get("code_challenge_method", "S256") != "S256":
        return _error_redirect(parameters, "invalid_request", "invalid code challenge method")
    offered = _SCOPES if app.scopes is None else frozenset(app.scopes)
    if set(parameters.get("scope", "").split()) - offered:
        error = ("invalid_scope", "the requested scope is invalid")
        return _error_response(simulator.default_org, parameters, *error)
    return None


def _with_user(
    simulator: Simulator, app: ConnectedApp, request: Request, parameters: Mapping[str, str]
) -> Response:
    host = request.headers.get("host", "")
    username = parameters.get("username") or parameters.get("login_hint") or ""
    found = simulator.user(username, host)
    if found is None:
        if parameters.get("immediate") == "true":
            return _error_redirect(parameters, "immediate_unsuccessful", "user not logged in")
        return pages.login(parameters, _users(simulator, host), app.name)
    org, user = found
    refused = _rejected_user(org, user)
    if refused is not None:
        return _error_response(org, parameters, *refused)
    decision = parameters.get("decision")
    if decision == "deny":
        return _error_redirect(parameters, org.config.denied_error, _DENIED)
    if decision == "allow":
        return _issue_code(org, user, parameters)
    return pages.approve(parameters, username=user["Username"], org_name=org.name, app_name=app.name)


def _rejected_user(org: Org, user: Row) -> tuple[str, str] | None:
    """What an administrator's settings say after the login."""
    config = org.config
    if config.app_blocked:
        return _BLOCKED
    if not config.package_installed:
        return _NOT_INSTALLED
    if config.uninstalled_app_error:
        return config.uninstalled_app_error, _UNINSTALLED[config.uninstalled_app_error]
    if config.admin_approved_users is not None and user["Username"] not in config.admin_approved_users:
        return _NOT_APPROVED
    return None


def _users(simulator: Simulator, host: str) -> list[tuple[str, str, str]]:
    return [
        (user["Username"], user["Name"], org.name)
        for org in simulator.login_orgs(host)
        for user in org.store.live("User")
        if user["IsActive"]
    ]


def _issue_code(org: Org, user: Row, parameters: Mapping[str, str]) -> Response:
    text = new_code()
    org.grants.codes[text] = Code(
        user_id=user["Id"],
        client_id=parameters["client_id"],
        redirect_uri=parameters["redirect_uri"],
        scope=parameters.get("scope") or "full refresh_token",
        challenge=parameters.get("code_challenge"),
        created_at=org.clock().timestamp(),
    )
    org.commit()
    return _redirect_to_client(parameters, code=text)


def _error_response(org: Org, parameters: Mapping[str, str], error: str, description: str) -> Response:
    if error in org.config.errors_on_page:
        return pages.problem(error, description)
    return _error_redirect(parameters, error, description)


def _error_redirect(parameters: Mapping[str, str], error: str, description: str) -> Response:
    return _redirect_to_client(parameters, error=error, error_description=description)


def _redirect_to_client(parameters: Mapping[str, str], **values: str) -> Response:
    state = {"state": parameters["state"]} if "state" in parameters else {}
    url = parameters["redirect_uri"]
    return redirect(f"{url}{'&' if '?' in url else '?'}{urlencode({**values, **state})}")
