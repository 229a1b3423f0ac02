"""Bearer JWT to Principal: who calls, with which role on which host, and with which scopes.

Keys come from one pinned JWKS (URL or file), algorithms are an allow-list, and keys that a token brings
itself (jwk, jku, x5u) are refused before anything is verified. RFC 8725, RFC 7519.
"""

import base64
import json
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi import Path as PathParam
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwt import JWTClaimsRegistry
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from app.api.errors import HostNotFound, Problem, RoleInsufficient, TokenInvalid
from app.api.signing_keys import JwksCache
from app.text.email_address import address_key
from app.text.storable import printable, storable
from app.user_messages.catalog import say

Id64 = Annotated[str, Field(min_length=1, max_length=64)]


LEEWAY_SECONDS = 30
FORBIDDEN_HEADERS = frozenset({"jwk", "jku", "x5u", "x5c", "crit"})
TYPES = frozenset({"JWT", "AT+JWT"})
TOKEN_MAX = 16_384
NAME_MAX = 100
EMAIL_MAX = 320
OPAQUE_ID = r"^[A-Za-z0-9_.:-]{1,64}$"

HostIdPath = Annotated[str, PathParam(pattern=OPAQUE_ID, description="the host, as the platform names it")]
EventIdPath = Annotated[str, PathParam(pattern=OPAQUE_ID, description="the event, as the platform names it")]
RegistrationIdPath = Annotated[str, PathParam(pattern=OPAQUE_ID, description="the registration")]


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


WRITE_ROLES = frozenset({Role.OWNER, Role.ADMIN})


@dataclass(frozen=True)
class Principal:
    """The caller: `roles` per host id, scopes such as `ops` or `import`, and when the token ends. `name` is
    for people to read; `email` is the claim as it is compared.
    """

    user_id: str
    roles: Mapping[str, Role]
    scopes: frozenset[str]
    expires_at: float = field(default=math.inf, compare=False)
    name: str = field(default="", compare=False)
    email: str | None = field(default=None, compare=False, repr=False)

    @property
    def seconds_left(self) -> float:
        """How long the token is still good."""
        return self.expires_at - time.time()

    def role_on(self, host_id: str) -> Role:
        """Raises HostNotFound when there is none: exactly as for a host that does not exist."""
        try:
            return self.roles[host_id]
        except KeyError:
            raise HostNotFound from None


def _storable(text: str) -> str:
    """Raises ValueError for what Postgres cannot keep: NUL and half a surrogate pair."""
    if "\0" in text or (not text.isascii() and any("\ud800" <= each <= "\udfff" for each in text)):
        raise ValueError("cannot be stored")
    return text


class Claims(BaseModel):
    """The claims we read; others are ignored."""

    model_config = ConfigDict(strict=True)

    sub: Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_storable)]
    exp: float
    hosts: dict[str, str] = Field(default_factory=dict)
    scope: str = ""
    name: object = None
    email: object = None
    email_verified: object = None

    @property
    def email_key(self) -> str | None:
        """The e-mail as it is compared; None where it is none that could be stored, or nobody's for certain:
        what `email_verified` says counts, where the token has it.
        """
        is_certain = self.email_verified in (None, True, "true")
        given = self.email if is_certain and isinstance(self.email, str) else ""
        is_usable = "@" in given and len(given) <= EMAIL_MAX and storable(given, EMAIL_MAX) == given
        return address_key(given) if is_usable else None

    @property
    def readable_name(self) -> str:
        """Who this is, for people to read: name and e-mail where the token has them, else the user's id."""
        name, email = (
            printable(claim, NAME_MAX) if isinstance(claim, str) else "" for claim in (self.name, self.email)
        )
        return f"{name} ({email})" if name and email else name or email or self.sub


class ClaimsRegistry(JWTClaimsRegistry):
    """Clocks may differ for the beginning of a token; its end is its end."""

    def validate_exp(self, value: object) -> None:
        super().validate_exp(value)
        if isinstance(value, int | float) and value <= self.now:
            raise ExpiredTokenError("exp")


@dataclass(frozen=True)
class TokenVerifier:
    """Turns a bearer token into a Principal."""

    source: JwksCache
    audience: str
    algorithms: Sequence[str]
    issuer: str | None = None
    registry: JWTClaimsRegistry = field(init=False)

    def __post_init__(self) -> None:
        wanted: dict[str, Any] = {
            "aud": {"essential": True, "value": self.audience},
            "exp": {"essential": True},
            "sub": {"essential": True},
        }
        if self.issuer is not None:
            wanted["iss"] = {"essential": True, "value": self.issuer}
        object.__setattr__(self, "registry", ClaimsRegistry(leeway=LEEWAY_SECONDS, **wanted))

    async def verify(self, token: str) -> Principal:
        """Raises TokenInvalid for anything but a good, current token for us, and KeysUnavailable."""
        kid = self._checked_header(token).get("kid")
        keys = await self.source.keys()
        if kid is not None and kid not in {key.kid for key in keys}:
            keys = await self.source.keys(must_refetch=True)
        try:
            decoded = jwt.decode(token, keys, algorithms=list(self.algorithms))
            self.registry.validate(decoded.claims)
            return _principal(Claims.model_validate(decoded.claims))
        except (JoseError, ValidationError, ValueError, RecursionError):
            raise TokenInvalid from None

    def _checked_header(self, token: str) -> dict[str, Any]:
        if len(token) > TOKEN_MAX or not token.isascii() or token.count(".") != 2:
            raise TokenInvalid
        try:
            header = json.loads(_base64url(token.split(".", 1)[0]))
        except (ValueError, RecursionError):
            raise TokenInvalid from None
        if not isinstance(header, dict) or FORBIDDEN_HEADERS & header.keys():
            raise TokenInvalid
        if not isinstance(header.get("kid", ""), str):
            raise TokenInvalid
        if header.get("alg") not in self.algorithms or str(header.get("typ", "JWT")).upper() not in TYPES:
            raise TokenInvalid
        return header


def _principal(claims: Claims) -> Principal:
    roles = {host: Role(role) for host, role in claims.hosts.items() if role in set(Role)}
    scopes = frozenset(claims.scope.split())
    return Principal(claims.sub, roles, scopes, claims.exp, claims.readable_name, claims.email_key)


def _base64url(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


async def current_principal(request: Request) -> Principal:
    """The caller of a request, judged once. Raises TokenInvalid, KeysUnavailable."""
    if not hasattr(request.state, "caller"):
        try:
            request.state.caller = await _judged(request)
        except Problem as problem:
            request.state.caller = problem
    caller: Principal | Problem = request.state.caller
    if isinstance(caller, Problem):
        raise caller
    return caller


async def _judged(request: Request) -> Principal:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenInvalid(headers={"WWW-Authenticate": "Bearer"})
    verifier: TokenVerifier = request.app.state.resources.verifier
    return await verifier.verify(token.strip())


PrincipalDep = Annotated[Principal, Depends(current_principal)]


async def host_reader(host_id: HostIdPath, principal: PrincipalDep) -> Principal:
    """Any role on the host. Raises HostNotFound."""
    principal.role_on(host_id)
    return principal


async def host_changer(host_id: HostIdPath, principal: PrincipalDep) -> Principal:
    """Owner or admin of the host. Raises HostNotFound, RoleInsufficient."""
    if principal.role_on(host_id) not in WRITE_ROLES:
        raise RoleInsufficient
    return principal


def require_scope(scope: str) -> Callable[[Principal], Awaitable[Principal]]:
    """A dependency that wants `scope`, for operations, imports and the platform's own engineers."""

    async def wants_scope(principal: PrincipalDep) -> Principal:
        if scope not in principal.scopes:
            raise RoleInsufficient(say("detail.scope_needed", scope=scope))
        return principal

    return wants_scope


HostMemberDep = Annotated[Principal, Depends(host_reader)]
HostAdminDep = Annotated[Principal, Depends(host_changer)]
OpsDep = Annotated[Principal, Depends(require_scope("ops"))]
PlatformDep = Annotated[Principal, Depends(require_scope("platform"))]
