"""/services/oauth2/token, revoke and introspect."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from secrets import compare_digest
from typing import Any

from salesforce_simulator.config_parts import ConnectedApp
from salesforce_simulator.grants import SESSION_MINUTES, Code, Grant, id_token, new_refresh_token
from salesforce_simulator.hosts import instance_url, login_url
from salesforce_simulator.http import Request, Response
from salesforce_simulator.org import Org
from salesforce_simulator.simulator import Simulator

CODE_SECONDS = 15 * 60


class TokenRefused(Exception):
    """An OAuth error: an object with `error` and `error_description`, status 400."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.body = {"error": error, "error_description": description}


def token(simulator: Simulator, request: Request) -> Response:
    """Exchange a code or a refresh token."""
    simulator.default_org.calls.uncounted["POST /services/oauth2/token"] += 1
    try:
        body = _grant_tokens(simulator, request)
    except TokenRefused as error:
        return Response(400, error.body)
    return Response(200, body, {"cache-control": "no-store"})


def _grant_tokens(simulator: Simulator, request: Request) -> dict[str, Any]:
    handler = _GRANT_TYPES.get(request.form.get("grant_type", ""))
    if handler is None:
        raise TokenRefused("unsupported_grant_type", "grant type not supported")
    client_id, given = _client(request)
    app = simulator.app(client_id)
    if app is None:
        raise TokenRefused("invalid_client_id", "client identifier invalid")
    if given is not None and not compare_digest(given.encode(), (app.client_secret or "").encode()):
        raise TokenRefused("invalid_client", "invalid client credentials")
    return handler(simulator, app, request)


def _client(request: Request) -> tuple[str, str | None]:
    """Client id and secret, from the form or from a Basic header."""
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return request.form.get("client_id", ""), request.form.get("client_secret")
    try:
        client_id, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except ValueError as error:
        raise TokenRefused("invalid_client", "invalid client credentials") from error
    return client_id, secret


def _by_code(simulator: Simulator, app: ConnectedApp, request: Request) -> dict[str, Any]:
    form = request.form
    org, code = _code(simulator, request)
    now = org.clock().timestamp()
    if code.is_used or now - code.created_at > CODE_SECONDS:
        raise TokenRefused("invalid_grant", "expired authorization code")
    if code.client_id != app.client_id:
        raise TokenRefused("invalid_grant", "invalid authorization code")
    if code.redirect_uri != form.get("redirect_uri"):
        raise TokenRefused("redirect_uri_mismatch", "redirect_uri must match configuration")
    if code.challenge is not None and not _verifies(org, form.get("code_verifier", ""), code.challenge):
        raise TokenRefused(org.config.wrong_verifier_error, "invalid code verifier")
    if code.challenge is None and app.client_secret and _client(request)[1] is None:
        raise TokenRefused("invalid_client", "invalid client credentials")
    code.is_used = True
    _check_org(org, code.user_id)
    check_rate(org, code.user_id)
    grant = Grant(code.user_id, app.client_id, code.scope, new_refresh_token(), now)
    org.grants.add(grant, at_most=org.config.approvals_per_user)
    body = token_response(org, grant, app, request.base_url)
    who = {"id_token": id_token(grant, body, now)} if "openid" in code.scope.split() else {}
    return {**body, **who, "refresh_token": grant.refresh_token} if grant.can_refresh else body | who


def _code(simulator: Simulator, request: Request) -> tuple[Org, Code]:
    text = request.form.get("code", "")
    for org in simulator.login_orgs(request.headers.get("host", "")):
        if text in org.grants.codes:
            return org, org.grants.codes[text]
    raise TokenRefused("invalid_grant", "invalid authorization code")


def _verifies(org: Org, verifier: str, challenge: str) -> bool:
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    is_long_enough = 43 <= len(verifier) <= org.config.max_code_verifier
    return is_long_enough and compare_digest(digest, challenge.encode())


def _check_org(org: Org, user_id: str) -> None:
    """Raise what an org's policies say to any token request, in the order of how final it is."""
    user = org.store.get("User", user_id)
    config = org.config
    approved = config.admin_approved_users
    facts = (
        (not config.is_org_active, "invalid_grant", "inactive organization"),
        (user is None or not user["IsActive"], "invalid_grant", "inactive user"),
        (config.ip_restricted, "invalid_grant", "ip restricted"),
        (not config.package_installed, "app_not_found", "External client app is not installed in this org"),
        (bool(config.uninstalled_app_error), "invalid_client", "app must be installed into org"),
        (
            approved is not None and (user or {}).get("Username") not in approved,
            "invalid_grant",
            "user hasn't approved this consumer",
        ),
    )
    for is_so, error, description in facts:
        if is_so:
            raise TokenRefused(error, description)


def check_rate(org: Org, user_id: str) -> None:
    """Count a login of a user; raise past the hourly limit."""
    if not org.grants.logged_in(user_id, org.clock().timestamp(), at_most=org.config.logins_per_hour):
        raise TokenRefused("rate_limit_exceeded", "login rate exceeded")


def _by_client_credentials(simulator: Simulator, app: ConnectedApp, request: Request) -> dict[str, Any]:
    """The app acts as the one user that an administrator chose for it; no refresh token comes along."""
    if _client(request)[1] is None:
        raise TokenRefused("invalid_client", "invalid client credentials")
    found = simulator.user(app.run_as or "", request.headers.get("host", ""))
    if found is None:
        raise TokenRefused("invalid_grant", "no client credentials user enabled")
    org, user = found
    _check_org(org, user["Id"])
    check_rate(org, user["Id"])
    grant = org.grants.of_run_as(user["Id"], app.client_id)
    if grant is None:
        now = org.clock().timestamp()
        grant = Grant(user["Id"], app.client_id, "api", new_refresh_token(), now, is_run_as=True)
        org.grants.add(grant, at_most=org.config.approvals_per_user)
    return token_response(org, grant, app, request.base_url)


def _by_refresh_token(simulator: Simulator, app: ConnectedApp, request: Request) -> dict[str, Any]:
    text = request.form.get("refresh_token", "")
    for org in simulator.login_orgs(request.headers.get("host", "")):
        grant = org.grants.of_refresh_token(text)
        if grant is not None and _is_idle_too_long(org, grant):
            org.grants.revoke(grant)
            org.commit()
        elif grant is not None and grant.client_id == app.client_id:
            return _refresh(org, grant, app, request.base_url)
        stolen = org.grants.of_rotated_token(text)
        if stolen is not None:
            # Someone uses a token that was replaced: both holders lose the grant.
            simulator.default_org.calls.uncounted["reuse of a refresh token"] += 1
            org.grants.revoke(stolen)
            org.commit()
    raise TokenRefused("invalid_grant", "expired access/refresh token")


def _is_idle_too_long(org: Org, grant: Grant) -> bool:
    days = org.config.refresh_token_idle_days
    since = max(grant.used_at, grant.created_at)
    return days is not None and org.clock().timestamp() - since > days * 86_400


def _refresh(org: Org, grant: Grant, app: ConnectedApp, base_url: str) -> dict[str, Any]:
    _check_org(org, grant.user_id)
    check_rate(org, grant.user_id)
    grant.used_at = org.clock().timestamp()
    if org.config.rotation:
        org.grants.rotate(grant)
    body = token_response(org, grant, app, base_url)
    return {**body, "refresh_token": grant.refresh_token} if org.config.rotation else body


def token_response(org: Org, grant: Grant, app: ConnectedApp, base_url: str) -> dict[str, Any]:
    """A new access token with what comes along; commits it."""
    now = org.clock()
    minutes = org.config.session_minutes or SESSION_MINUTES
    until = now.timestamp() + 60 * minutes if app.has_jwt_tokens else None
    access_token = org.grants.issue(grant, org.id, now.timestamp(), until=until)
    org.commit()
    identity = f"{login_url(org, base_url)}/id/{org.id}/{grant.user_id}"
    issued_at = str(int(now.timestamp() * 1000))
    key = (app.client_secret or "").encode()
    signature = hmac.new(key, (identity + issued_at).encode(), hashlib.sha256).digest()
    signed = {} if app.has_jwt_tokens else {"signature": base64.b64encode(signature).decode()}
    return {
        "access_token": access_token,
        **signed,
        "scope": grant.scope,
        "instance_url": instance_url(org, base_url),
        "id": identity,
        "token_type": "Bearer",
        "issued_at": issued_at,
    }


_GRANT_TYPES: Mapping[str, Callable[[Simulator, ConnectedApp, Request], dict[str, Any]]] = {
    "authorization_code": _by_code,
    "refresh_token": _by_refresh_token,
    "client_credentials": _by_client_credentials,
}


def revoke(simulator: Simulator, request: Request) -> Response:
    """End a refresh token with its grant, or one access token; with that a grant that has nothing else."""
    simulator.default_org.calls.uncounted["POST /services/oauth2/revoke"] += 1
    text = request.form.get("token") or request.query.get("token", "")
    for org in simulator.orgs.values():
        grant = org.grants.of_refresh_token(text)
        if grant is not None:
            org.grants.revoke(grant)
        elif (session := org.grants.of_access_token(text)) is not None:
            org.grants.end_session(session, text)
        else:
            continue
        org.commit()
        return Response(200)
    if any(text in org.grants.codes for org in simulator.orgs.values()):
        body = {"error": "unsupported_token_type", "error_description": "this token type is not supported"}
        return Response(400, body)
    return Response(400, {"error": "invalid_token", "error_description": "invalid token"})


def introspect(simulator: Simulator, request: Request) -> Response:
    """Whether a token lives, for the app that it was given to."""
    form = request.form
    app = simulator.app(form.get("client_id", ""))
    if app is None or not compare_digest(form.get("client_secret", ""), app.client_secret or ""):
        return Response(400, {"error": "invalid_client", "error_description": "invalid client credentials"})
    for org, grant in simulator.grants():
        if form.get("token") in {grant.refresh_token, *grant.access_tokens}:
            return Response(200, _active(org, grant, form["token"], request.base_url))
    return Response(200, {"active": False})


def _active(org: Org, grant: Grant, text: str, base_url: str) -> dict[str, Any]:
    user = org.store.get("User", grant.user_id) or {}
    since = int(grant.access_tokens.get(text, grant.created_at))
    return {
        "active": True,
        "scope": grant.scope,
        "client_id": grant.client_id,
        "username": user.get("Username"),
        "sub": f"{login_url(org, base_url)}/id/{org.id}/{grant.user_id}",
        "token_type": "access_token" if text in grant.access_tokens else "refresh_token",
        "exp": since + int((org.config.session_minutes or SESSION_MINUTES) * 60),
        "iat": since,
        "nbf": since,
    }
