"""Bearer tokens: forged, foreign, expired and flooded; and keys that stay while their source is away."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

from app.api import auth
from app.api.auth import Principal, Role, TokenVerifier, require_scope
from app.api.errors import HostNotFound, KeysUnavailable, RoleInsufficient, TokenInvalid
from app.api.signing_keys import JwksCache
from tests.tokens import AUDIENCE, TokenMint

ALGORITHMS = ("RS256", "ES256", "EdDSA")
JWKS_URL = "https://platform.example/jwks.json"


class JwksServer:
    """Serves a key set, counts who asks, and can be away."""

    def __init__(self, keys: dict[str, Any]) -> None:
        self.keys = keys
        self.requests = 0
        self.is_away = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self.is_away:
            return httpx.Response(503)
        return httpx.Response(200, json=self.keys)


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server(mint: TokenMint) -> JwksServer:
    return JwksServer(mint.jwks())


@pytest.fixture
def clock() -> Clock:
    return Clock()


def verifier_for(
    server: Callable[[httpx.Request], httpx.Response], clock: Clock, **changes: Any
) -> TokenVerifier:
    http = httpx.AsyncClient(transport=httpx.MockTransport(server))
    source = JwksCache(url=JWKS_URL, file=None, http=http, clock=clock)
    given: dict[str, Any] = {"audience": AUDIENCE, "algorithms": ALGORITHMS} | changes
    return TokenVerifier(source, **given)


@pytest.fixture
def verifier(server: JwksServer, clock: Clock) -> TokenVerifier:
    return verifier_for(server, clock)


def segment(value: dict[str, Any] | bytes) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims(**changes: Any) -> dict[str, Any]:
    good = {"sub": "user_17", "aud": AUDIENCE, "exp": int(time.time()) + 600, "hosts": {"host_a": "owner"}}
    return good | changes


def signed(mint: TokenMint, header: dict[str, Any], body: dict[str, Any] | None = None) -> str:
    registry = None
    whole = {"alg": "ES256", "kid": mint.key.kid} | header
    return jwt.encode(whole, body or claims(), mint.key, registry=registry)


def seconds(value: object) -> object:
    """A distance from now as a claim tells a time; anything else as it is."""
    return int(time.time() + value.total_seconds()) if isinstance(value, timedelta) else value


async def refuses(verifier: TokenVerifier, token: str) -> bool:
    try:
        await verifier.verify(token)
    except TokenInvalid:
        return True
    return False


async def test_good_token_names_user_roles_and_scopes(verifier: TokenVerifier, mint: TokenMint) -> None:
    token = mint.token(hosts={"host_a": "owner", "host_b": "member", "host_c": "guest"}, scope="ops import")
    principal = await verifier.verify(token)
    assert principal == Principal(
        "user_17", {"host_a": Role.OWNER, "host_b": Role.MEMBER}, frozenset({"ops", "import"})
    )


async def test_token_without_kid_is_checked_against_the_pinned_keys(
    verifier: TokenVerifier, mint: TokenMint
) -> None:
    token = jwt.encode({"alg": "ES256"}, claims(), mint.key)
    assert (await verifier.verify(token)).user_id == "user_17"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "HS256", "ES384", None, 7])
async def test_algorithm_outside_the_list_is_refused(verifier: TokenVerifier, alg: object) -> None:
    token = f"{segment({'alg': alg, 'typ': 'JWT'})}.{segment(claims())}."
    assert await refuses(verifier, token)


async def test_public_key_used_as_a_shared_secret_is_refused(
    verifier: TokenVerifier, mint: TokenMint
) -> None:
    head = segment({"alg": "HS256", "kid": mint.key.kid}) + "." + segment(claims())
    for secret in (mint.key.as_pem(private=False), json.dumps(mint.jwks()).encode()):
        forged = hmac.new(secret, head.encode(), hashlib.sha256).digest()
        assert await refuses(verifier, f"{head}.{segment(forged)}")


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "crit"])
async def test_token_that_brings_its_own_key_is_refused_before_any_fetch(
    verifier: TokenVerifier, server: JwksServer, name: str
) -> None:
    own = ECKey.generate_key("P-256", {"kid": "mine"})
    value = {"jwk": own.as_dict(private=False), "crit": ["exp"]}.get(name, "https://evil.example/keys")
    head = segment({"alg": "ES256", "kid": "mine", name: value})
    assert await refuses(verifier, f"{head}.{segment(claims())}.{segment(b'x' * 64)}")
    assert server.requests == 0


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"aud": "another-service"}, id="other audience"),
        pytest.param({"aud": None}, id="no audience"),
        pytest.param({"exp": timedelta(seconds=-1)}, id="expired a second ago"),
        pytest.param({"exp": timedelta(hours=-1)}, id="expired long ago"),
        pytest.param({"exp": None}, id="no expiry"),
        pytest.param({"exp": "tomorrow"}, id="odd expiry"),
        pytest.param({"nbf": timedelta(minutes=2)}, id="not for two minutes"),
        pytest.param({"iat": timedelta(minutes=2)}, id="issued in two minutes"),
        pytest.param({"sub": None}, id="nobody"),
        pytest.param({"sub": ""}, id="empty subject"),
        pytest.param({"sub": 17}, id="numeric subject"),
        pytest.param({"hosts": ["host_a"]}, id="hosts as a list"),
        pytest.param({"hosts": {"host_a": 1}}, id="numeric role"),
        pytest.param({"scope": ["ops"]}, id="scope as a list"),
    ],
)
async def test_claim_that_is_not_right_refuses_the_token(
    verifier: TokenVerifier, mint: TokenMint, changes: dict[str, Any]
) -> None:
    body = {name: seconds(value) for name, value in claims(**changes).items() if value is not None}
    assert await refuses(verifier, signed(mint, {}, body))


async def test_platform_whose_clock_is_half_a_minute_ahead_is_understood(
    verifier: TokenVerifier, mint: TokenMint
) -> None:
    soon = int(time.time()) + 20
    token = signed(mint, {}, claims(nbf=soon, iat=soon))
    assert (await verifier.verify(token)).user_id == "user_17"


KIDS = [
    "../../../../dev/null", "/etc/passwd", "file:///etc/passwd", "https://evil.example/keys", "' OR 1=1 --",
    "%2e%2e%2f", "test-key\x00", "test-key ", "TEST-KEY", "", "a" * 4000,
]  # fmt: skip


@pytest.mark.parametrize("kid", KIDS, ids=lambda kid: kid[:20] or "empty")
async def test_name_of_a_key_is_only_ever_compared(
    verifier: TokenVerifier, server: JwksServer, mint: TokenMint, kid: str
) -> None:
    """Signed by our own key, and by one that an attacker could guess for such a name (an empty file)."""
    assert await refuses(verifier, signed(mint, {"kid": kid}))
    head = segment({"alg": "HS256", "kid": kid}) + "." + segment(claims())
    forged = hmac.new(b"", head.encode(), hashlib.sha256).digest()
    assert await refuses(verifier, f"{head}.{segment(forged)}")
    assert server.requests <= 2


@pytest.mark.parametrize("kid", [7, None, ["test-key"], {"kid": "test-key"}], ids=str)
async def test_name_of_a_key_that_is_no_text_is_refused(
    verifier: TokenVerifier, mint: TokenMint, kid: object
) -> None:
    good = signed(mint, {})
    head = segment({"alg": "ES256", "kid": kid})
    assert await refuses(verifier, f"{head}.{good.split('.', 1)[1]}")


async def test_issuer_must_fit_where_one_is_set(server: JwksServer, clock: Clock, mint: TokenMint) -> None:
    strict = verifier_for(server, clock, issuer="https://platform.example")
    assert await refuses(strict, signed(mint, {}, claims(iss="https://evil.example")))
    assert await refuses(strict, signed(mint, {}))
    good = signed(mint, {}, claims(iss="https://platform.example"))
    assert (await strict.verify(good)).user_id == "user_17"


@pytest.mark.parametrize(("typ", "is_taken"), [("JWT", True), ("at+jwt", True), ("id_token", False)])
async def test_only_access_tokens_are_taken(
    verifier: TokenVerifier, mint: TokenMint, typ: str, is_taken: bool
) -> None:
    assert await refuses(verifier, signed(mint, {"typ": typ})) is not is_taken


async def test_changed_claims_break_the_signature(verifier: TokenVerifier, mint: TokenMint) -> None:
    head, _, signature = signed(mint, {}).split(".")
    assert await refuses(verifier, f"{head}.{segment(claims(sub='user_1'))}.{signature}")


async def test_another_key_under_our_kid_is_refused(verifier: TokenVerifier, mint: TokenMint) -> None:
    other = TokenMint.new(str(mint.key.kid))
    assert await refuses(verifier, other.token())


async def test_rsa_key_does_not_sign_for_an_elliptic_one(server: JwksServer, clock: Clock) -> None:
    key = RSAKey.generate_key(2048, {"kid": "rsa"})
    server.keys = {"keys": [key.as_dict(private=False)]}
    good = jwt.encode({"alg": "RS256", "kid": "rsa"}, claims(), key)
    assert (await verifier_for(server, clock).verify(good)).user_id == "user_17"
    head = segment({"alg": "ES256", "kid": "rsa"})
    assert await refuses(verifier_for(server, clock), f"{head}.{good.split('.', 1)[1]}")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b",
        "a.b.c",
        "....",
        "é.b.c",
        "=.=.=",
        f"{segment(b'[]')}.e30.x",
        f"{segment(b'null')}.e30.x",
        f"{segment(b'[' * 9000)}.e30.x",
        f"{segment(bytes([255, 254]))}.e30.x",
        "a" * 20_000 + ".b.c",
    ],
    ids=lambda token: token[:12] or "empty",
)
async def test_garbage_is_refused(verifier: TokenVerifier, token: str) -> None:
    assert await refuses(verifier, token)


async def test_flood_of_unknown_keys_asks_once_a_minute(
    verifier: TokenVerifier, server: JwksServer, clock: Clock, mint: TokenMint
) -> None:
    for number in range(100):
        assert await refuses(verifier, signed(mint, {"kid": f"unknown-{number}"}))
        clock.now += 1
    assert server.requests == 2


async def test_new_key_is_found_when_a_token_names_it(
    verifier: TokenVerifier, server: JwksServer, clock: Clock, mint: TokenMint
) -> None:
    await verifier.verify(mint.token())
    newer = TokenMint.new("newer-key")
    server.keys = {"keys": [*mint.jwks()["keys"], *newer.jwks()["keys"]]}
    assert await refuses(verifier, newer.token())
    clock.now += 61
    assert (await verifier.verify(newer.token())).user_id == "user_17"


async def test_keys_serve_on_while_their_source_is_away(
    verifier: TokenVerifier, server: JwksServer, clock: Clock, mint: TokenMint
) -> None:
    await verifier.verify(mint.token())
    server.is_away = True
    clock.now += 3600
    assert (await verifier.verify(mint.token())).user_id == "user_17"
    assert server.requests == 2


async def test_source_that_was_never_there_is_no_fault_of_the_token_and_is_asked_every_five_seconds(
    verifier: TokenVerifier, server: JwksServer, clock: Clock, mint: TokenMint
) -> None:
    server.is_away = True
    for _ in range(5):
        with pytest.raises(KeysUnavailable) as refused:
            await verifier.verify(mint.token())
        assert refused.value.headers["Retry-After"] == "5"
    assert (server.requests, await verifier.source.are_known()) == (1, False)
    server.is_away = False
    clock.now += 6
    assert not await refuses(verifier, mint.token())
    assert await verifier.source.are_known()


async def test_those_who_have_no_key_wait_for_the_read_that_is_under_way(
    mint: TokenMint, clock: Clock
) -> None:
    requests, goes_on = 0, asyncio.Event()

    async def slow(request: httpx.Request) -> httpx.Response:
        nonlocal requests
        requests += 1
        await goes_on.wait()
        return httpx.Response(200, json=mint.jwks())

    http = httpx.AsyncClient(transport=httpx.MockTransport(slow))
    source = JwksCache(url=JWKS_URL, file=None, http=http, clock=clock)
    verifier = TokenVerifier(source, audience=AUDIENCE, algorithms=ALGORITHMS)
    waiting = [asyncio.create_task(verifier.verify(mint.token())) for _ in range(20)]
    await asyncio.sleep(0.01)
    goes_on.set()
    assert {(await each).user_id for each in waiting} == {"user_17"}
    assert requests == 1


async def test_those_who_have_keys_do_not_wait_for_newer_ones(mint: TokenMint, clock: Clock) -> None:
    first = asyncio.Event()

    async def hanging(request: httpx.Request) -> httpx.Response:
        if first.is_set():
            await asyncio.Event().wait()
        first.set()
        return httpx.Response(200, json=mint.jwks())

    http = httpx.AsyncClient(transport=httpx.MockTransport(hanging))
    source = JwksCache(url=JWKS_URL, file=None, http=http, clock=clock)
    verifier = TokenVerifier(source, audience=AUDIENCE, algorithms=ALGORITHMS)
    await verifier.verify(mint.token())
    clock.now += 3600
    asking = asyncio.create_task(verifier.verify(mint.token()))
    await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        assert (await verifier.verify(mint.token())).user_id == "user_17"
    assert not asking.done()
    asking.cancel()


@pytest.mark.parametrize("sub", ["a\0b", "\ud800"], ids=["nul", "half-a-pair"])
async def test_user_who_cannot_be_stored_is_refused(
    verifier: TokenVerifier, mint: TokenMint, sub: str
) -> None:
    given = json.dumps(claims(sub=sub)).encode()
    assert await refuses(
        verifier, jws.serialize_compact({"alg": "ES256", "kid": mint.key.kid}, given, mint.key)
    )


async def test_claims_too_deep_to_read_are_refused(verifier: TokenVerifier, mint: TokenMint) -> None:
    """Signed as the platform would, since nothing else would get so far."""
    deep = jws.serialize_compact({"alg": "ES256", "kid": mint.key.kid}, b"[" * 9000, mint.key)
    assert await refuses(verifier, deep)


async def test_the_end_of_a_token_is_known(verifier: TokenVerifier, mint: TokenMint) -> None:
    principal = await verifier.verify(mint.token(exp=int(time.time()) + 60))
    assert 50 < principal.seconds_left <= 60


@pytest.mark.parametrize(
    "keys", [{}, {"keys": "x"}, {"keys": [{"kty": "??"}]}, {"keys": [1]}, [], 7, None], ids=str
)
async def test_key_set_that_makes_no_sense_is_as_good_as_none(
    server: JwksServer, clock: Clock, mint: TokenMint, keys: Any
) -> None:
    server.keys = keys
    with pytest.raises(KeysUnavailable):
        await verifier_for(server, clock).verify(mint.token())


async def test_keys_come_from_a_file_too(mint: TokenMint, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    async with httpx.AsyncClient() as http:
        missing = TokenVerifier(
            JwksCache(url=None, file=path, http=http), audience=AUDIENCE, algorithms=ALGORITHMS
        )
        with pytest.raises(KeysUnavailable):
            await missing.verify(mint.token())
        path.write_text(json.dumps(mint.jwks()))
        present = TokenVerifier(
            JwksCache(url=None, file=path, http=http), audience=AUDIENCE, algorithms=ALGORITHMS
        )
        assert (await present.verify(mint.token())).user_id == "user_17"


def test_host_without_a_role_is_not_found() -> None:
    principal = Principal("user_17", {"host_a": Role.MEMBER}, frozenset())
    assert principal.role_on("host_a") is Role.MEMBER
    with pytest.raises(HostNotFound):
        principal.role_on("host_b")


async def test_member_may_read_and_not_change() -> None:
    member = Principal("user_17", {"host_a": Role.MEMBER}, frozenset())
    assert await auth.host_reader("host_a", member) is member
    with pytest.raises(RoleInsufficient):
        await auth.host_changer("host_a", member)
    with pytest.raises(HostNotFound):
        await auth.host_changer("host_b", member)


async def test_operations_need_their_scope() -> None:
    operator = Principal("ops_1", {}, frozenset({"ops"}))
    assert await require_scope("ops")(operator) is operator
    with pytest.raises(RoleInsufficient, match="scope import"):
        await require_scope("import")(operator)
