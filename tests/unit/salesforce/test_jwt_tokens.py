"""When a token ends by its own word."""

import base64
import json
from datetime import UTC, datetime

import pytest

from app.salesforce.auth import ends_at


def jwt(**claims: object) -> str:
    parts = (json.dumps(each).encode() for each in ({"alg": "RS256"}, claims))
    return ".".join([base64.urlsafe_b64encode(each).decode().rstrip("=") for each in parts] + ["c2lnbmVk"])


def test_a_jwt_says_when_it_ends() -> None:
    assert ends_at(jwt(exp=1_800_000_000, sub="ÿ?>")) == datetime(2027, 1, 15, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "token",
    [
        "00Dxx0000001gPL!AQ.a.b",
        "00Dxx0000001gPL!AQcAQH",
        "a.b",
        jwt(iat=1),
        jwt(exp="soon"),
        jwt(exp=1e300),
        jwt(exp=None),
        "e30.W10.c2ln",
        "e30.ÿ.c2ln",
        "",
    ],
)
def test_another_token_says_nothing(token: str) -> None:
    assert ends_at(token) is None
