"""Approvals that users gave to apps, with their tokens and codes."""

import base64
import json
import secrets
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

_HOUR = 3600
SESSION_MINUTES = 120


@dataclass
class Grant:
    """One approval by one user for one app. Times are epoch seconds.

    `is_door` is the simulator's own session, `is_run_as` one of the client credentials flow; neither counts
    among the approvals that a user gave.
    """

    user_id: str
    client_id: str
    scope: str
    refresh_token: str
    created_at: float
    access_tokens: dict[str, float] = field(default_factory=dict)
    rotated: list[str] = field(default_factory=list)
    is_door: bool = False
    is_run_as: bool = False
    used_at: float = 0

    @property
    def can_refresh(self) -> bool:
        """Whether the app was given the refresh token."""
        return not {"refresh_token", "offline_access"}.isdisjoint(self.scope.split())

    @property
    def is_given_by_user(self) -> bool:
        return not self.is_door and not self.is_run_as


@dataclass
class Code:
    """An authorization code: single use, fifteen minutes."""

    user_id: str
    client_id: str
    redirect_uri: str
    scope: str
    challenge: str | None
    created_at: float
    is_used: bool = False


class Grants:
    """The grants of one org, oldest first, found by either token."""

    def __init__(self) -> None:
        self._grants: list[Grant] = []
        self._by_refresh: dict[str, Grant] = {}
        self._by_access: dict[str, Grant] = {}
        self.codes: dict[str, Code] = {}
        self._logins: dict[str, deque[float]] = {}

    def __iter__(self) -> Any:
        return iter(self._grants)

    def __len__(self) -> int:
        return len(self._grants)

    def add(self, grant: Grant, *, at_most: int) -> None:
        """Add an approval; past `at_most` for the same user and app the oldest is revoked."""
        same = [
            g
            for g in self._grants
            if (g.user_id, g.client_id) == (grant.user_id, grant.client_id) and g.is_given_by_user
        ]
        if grant.is_given_by_user:
            for oldest in same[: max(0, len(same) + 1 - at_most)]:
                self.revoke(oldest)
        self._grants.append(grant)
        self._by_refresh[grant.refresh_token] = grant

    def of_refresh_token(self, token: str) -> Grant | None:
        return self._by_refresh.get(token)

    def of_access_token(self, token: str) -> Grant | None:
        return self._by_access.get(token)

    def of_rotated_token(self, token: str) -> Grant | None:
        """The living grant that once had this refresh token."""
        return next((grant for grant in self._grants if token in grant.rotated), None)

    def issue(self, grant: Grant, org_id: str, now: float, *, until: float | None = None) -> str:
        """A new access token of a grant; with `until` in the form of a JWT, which names that moment."""
        token = f"{org_id[:15]}!AQ{secrets.token_urlsafe(48)}" if until is None else _jwt(grant, now, until)
        grant.access_tokens[token] = now
        self._by_access[token] = grant
        return token

    def rotate(self, grant: Grant) -> None:
        """Give the grant a new refresh token; the old one is remembered as rotated."""
        del self._by_refresh[grant.refresh_token]
        grant.rotated.append(grant.refresh_token)
        grant.refresh_token = new_refresh_token()
        self._by_refresh[grant.refresh_token] = grant

    def expire(self, token: str) -> None:
        """End one access token; its grant lives on."""
        grant = self._by_access.pop(token, None)
        if grant is not None:
            del grant.access_tokens[token]

    def end_session(self, grant: Grant, token: str) -> None:
        """Revoke one access token; a grant that was never to be refreshed has no other, and ends with it."""
        self.expire(token)
        if grant.is_given_by_user and not grant.can_refresh:
            self.revoke(grant)

    def expire_all(self) -> int:
        """End every access token and say how many."""
        tokens = list(self._by_access)
        for token in tokens:
            self.expire(token)
        return len(tokens)

    def revoke(self, grant: Grant) -> None:
        """End an approval with all its tokens."""
        for token in list(grant.access_tokens):
            self.expire(token)
        self._by_refresh.pop(grant.refresh_token, None)
        self._grants.remove(grant)

    def logged_in(self, user_id: str, now: float, *, at_most: int) -> bool:
        """Count a login; False when the user had `at_most` within the hour before `now`."""
        logins = self._logins.setdefault(user_id, deque())
        while logins and now - logins[0] >= _HOUR:
            logins.popleft()
        if len(logins) >= at_most:
            return False
        logins.append(now)
        return True

    def of_run_as(self, user_id: str, client_id: str) -> Grant | None:
        """The grant of the client credentials flow, once it was used."""
        wanted = (user_id, client_id, True)
        return next((g for g in self._grants if (g.user_id, g.client_id, g.is_run_as) == wanted), None)

    def control_session(self, user_id: str) -> Grant | None:
        """A user's grant that the control API handed out, once it was asked for."""
        return next((each for each in self._grants if each.is_door and each.user_id == user_id), None)

    def dump(self) -> dict[str, Any]:
        """What the state file keeps."""
        codes = {text: asdict(code) for text, code in self.codes.items()}
        return {"grants": [asdict(grant) for grant in self._grants], "codes": codes}

    @classmethod
    def load(cls, body: dict[str, Any]) -> "Grants":
        grants = cls()
        grants.codes = {text: Code(**code) for text, code in body["codes"].items()}
        for given in body["grants"]:
            grant = Grant(**given)
            grants._grants.append(grant)
            grants._by_refresh[grant.refresh_token] = grant
            grants._by_access |= dict.fromkeys(grant.access_tokens, grant)
        return grants


def is_jwt(token: str) -> bool:
    """Whether an access token is one that says itself when it ends."""
    return token.count(".") == 2 and "!" not in token


def id_token(grant: Grant, answer: dict[str, Any], now: float) -> str:
    """Who signed in, as OpenID Connect says it, for the two minutes that Salesforce lets it live."""
    whose = {"iss": answer["id"].partition("/id/")[0], "sub": answer["id"], "aud": grant.client_id}
    return _signed({**whose, "iat": int(now), "exp": int(now) + 120})


def _jwt(grant: Grant, now: float, until: float) -> str:
    return _signed({"sub": grant.user_id, "client_id": grant.client_id, "iat": int(now), "exp": int(until)})


def _signed(claims: dict[str, Any]) -> str:
    parts = (json.dumps(each).encode() for each in ({"alg": "RS256", "typ": "JWT"}, claims))
    signed = ".".join(base64.urlsafe_b64encode(each).decode().rstrip("=") for each in parts)
    return f"{signed}.{secrets.token_urlsafe(48)}"


def new_refresh_token() -> str:
    return f"5Aep861{secrets.token_urlsafe(60)}"


def new_code() -> str:
    """A code ends in `==`, so that a client must decode it from the query."""
    return f"aPrx{secrets.token_urlsafe(40)}=="
