"""/services/oauth2/token, revoke and introspect."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from secrets import compare_digest
from typing import Any

from simulator.config import ConnectedApp
from simulator.http import Answer, Request
from simulator.oauth.grants import Code, Grant, new_refresh_token
from simulator.org import Org
from simulator.simulator import Simulator

CODE_SECONDS = 15 * 60


class TokenRefused(Exception):
    """An OAuth error: an object with `error` and `error_description`, status 400."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.body = {"error": error, "error_description": description}


def token(simulator: Simulator, request: Request) -> Answer:
    """Exchange a code or a refresh token."""
    simulator.default_org.calls.uncounted["POST /services/oauth2/token"] += 1
    try:
        body = _granted(simulator, request)
    except TokenRefused as error:
        return Answer(400, error.body)
    return Answer(200, body, {"cache-control": "no-store"})


def _granted(simulator: Simulator, request: Request) -> dict[str, Any]:
    form = request.form
    handler = _GRANT_TYPES.get(form.get("grant_type", ""))
    if handler is None:
        raise TokenRefused("unsupported_grant_type", "grant type not supported")
    app = simulator.app(form.get("client_id", ""))
    if app is None:
        raise TokenRefused("invalid_client_id", "client identifier invalid")
    given = form.get("client_secret")
    if given is not None and not compare_digest(given.encode(), (app.client_secret or "").encode()):
        raise TokenRefused("invalid_client", "invalid client credentials")
    return handler(simulator, app, request)


def _by_code(simulator: Simulator, app: ConnectedApp, request: Request) -> dict[str, Any]:
    form = request.form
    org, code = _code(simulator, form.get("code", ""))
    now = org.clock().timestamp()
    if code.is_used or now - code.created_at > CODE_SECONDS:
        raise TokenRefused("invalid_grant", "expired authorization code")
    if code.client_id != app.client_id:
        raise TokenRefused("invalid_grant", "invalid authorization code")
    if code.redirect_uri != form.get("redirect_uri"):
        raise TokenRefused("redirect_uri_mismatch", "redirect_uri must match configuration")
    if code.challenge is not None and not _verifies(form.get("code_verifier", ""), code.challenge):
        raise TokenRefused("invalid_grant", "invalid code verifier")
    if code.challenge is None and app.client_secret and "client_secret" not in form:
        raise TokenRefused("invalid_client", "invalid client credentials")
    code.is_used = True
    _check_org(org, code.user_id)
    grant = Grant(code.user_id, app.client_id, code.scope, new_refresh_token(), now)
    org.grants.add(grant, at_most=org.config.approvals_per_user)
    body = issued(org, grant, app, request.base_url)
    can_refresh = {"refresh_token", "offline_access"} & set(code.scope.split())
    return {**body, "refresh_token": grant.refresh_token} if can_refresh else body


def _code(simulator: Simulator, text: str) -> tuple[Org, Code]:
    for org in simulator.orgs.values():
        if text in org.grants.codes:
            return org, org.grants.codes[text]
    raise TokenRefused("invalid_grant", "invalid authorization code")


def _verifies(verifier: str, challenge: str) -> bool:
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return 43 <= len(verifier) <= 128 and compare_digest(digest, challenge.encode())


def _check_org(org: Org, user_id: str) -> None:
    user = org.store.get("User", user_id)
    if user is None or not user["IsActive"]:
        raise TokenRefused("invalid_grant", "inactive user")
    if org.config.ip_restricted:
        raise TokenRefused("invalid_grant", "ip restricted")
    if not org.config.package_installed:
        raise TokenRefused("app_not_found", "External client app is not installed in this org")


def _by_refresh_token(simulator: Simulator, app: ConnectedApp, request: Request) -> dict[str, Any]:
    text = request.form.get("refresh_token", "")
    for org in simulator.orgs.values():
        grant = org.grants.of_refresh_token(text)
        if grant is not None and grant.client_id == app.client_id:
            return _refreshed(org, grant, app, request.base_url)
        stolen = org.grants.of_rotated_token(text)
        if stolen is not None:
            # Someone uses a token that was replaced: both holders lose the grant.
            org.grants.revoke(stolen)
            org.commit()
    raise TokenRefused("invalid_grant", "expired access/refresh token")


def _refreshed(org: Org, grant: Grant, app: ConnectedApp, base_url: str) -> dict[str, Any]:
    _check_org(org, grant.user_id)
    if org.config.rotation:
        org.grants.rotate(grant)
    body = issued(org, grant, app, base_url)
    return {**body, "refresh_token": grant.refresh_token} if org.config.rotation else body


def issued(org: Org, grant: Grant, app: ConnectedApp, base_url: str) -> dict[str, Any]:
    """A new access token with what comes along; commits it."""
    now = org.clock()
    access_token = org.grants.issue(grant, org.id, now.timestamp())
    org.commit()
    identity = f"{base_url}/id/{org.id}/{grant.user_id}"
    issued_at = str(int(now.timestamp() * 1000))
    key = (app.client_secret or "").encode()
    signature = hmac.new(key, (identity + issued_at).encode(), hashlib.sha256).digest()
    return {
        "access_token": access_token,
        "signature": base64.b64encode(signature).decode(),
        "scope": grant.scope,
        "instance_url": base_url,
        "id": identity,
        "token_type": "Bearer",
        "issued_at": issued_at,
    }


_GRANT_TYPES: Mapping[str, Callable[[Simulator, ConnectedApp, Request], dict[str, Any]]] = {
    "authorization_code": _by_code,
    "refresh_token": _by_refresh_token,
}


def revoke(simulator: Simulator, request: Request) -> Answer:
    """End a refresh token with its grant, or one access token."""
    simulator.default_org.calls.uncounted["POST /services/oauth2/revoke"] += 1
    text = request.form.get("token") or request.query.get("token", "")
    for org in simulator.orgs.values():
        grant = org.grants.of_refresh_token(text)
        if grant is not None:
            org.grants.revoke(grant)
        elif org.grants.of_access_token(text) is not None:
            org.grants.expire(text)
        else:
            continue
        org.commit()
        return Answer(200)
    return Answer(400, {"error": "invalid_token", "error_description": "invalid token"})


def introspect(simulator: Simulator, request: Request) -> Answer:
    """Whether a token lives, for the app that it was given to."""
    form = request.form
    app = simulator.app(form.get("client_id", ""))
    if app is None or not compare_digest(form.get("client_secret", ""), app.client_secret or ""):
        return Answer(400, {"error": "invalid_client", "error_description": "invalid client credentials"})
    for org, grant in simulator.grants():
        if form.get("token") in {grant.refresh_token, *grant.access_tokens}:
            return Answer(200, _active(org, grant, form["token"], request.base_url))
    return Answer(200, {"active": False})


def _active(org: Org, grant: Grant, text: str, base_url: str) -> dict[str, Any]:
    user = org.store.get("User", grant.user_id) or {}
    since = int(grant.access_tokens.get(text, grant.created_at))
    return {
        "active": True,
        "scope": grant.scope,
        "client_id": grant.client_id,
        "username": user.get("Username"),
        "sub": f"{base_url}/id/{org.id}/{grant.user_id}",
        "token_type": "access_token" if text in grant.access_tokens else "refresh_token",
        "exp": since + int((org.config.session_minutes or 120) * 60),
        "iat": since,
        "nbf": since,
    }
