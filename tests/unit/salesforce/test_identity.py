"""Identity answers."""

from typing import Any

import pytest

from app.salesforce.errors import ResponseLost
from app.salesforce.identity import parse_identity
from app.salesforce.ids import to18

BODY: dict[str, Any] = {
    "id": "https://login.salesforce.com/id/00D5g000004XyZaEAK/0055g00000AbCdE",
    "user_id": "0055g00000AbCdE",
    "organization_id": "00D5g000004XyZa",
    "username": "ada@acme.example",
    "display_name": "Ada",
    "email": "ada@acme.example",
    "urls": {
        "rest": "https://acme.my.salesforce.com/services/data/v{version}/",
        "custom_domain": "https://acme",
    },
    "active": True,
    "user_type": "STANDARD",
    "language": "en_US",
    "locale": "de_DE",
}


def test_an_identity_names_user_and_org_by_their_long_ids() -> None:
    identity = parse_identity(BODY)
    assert identity.user_id == to18("0055g00000AbCdE")
    assert identity.organization_id == to18("00D5g000004XyZa")
    assert (identity.username, identity.is_active) == ("ada@acme.example", True)


def test_what_the_org_does_not_tell_is_empty() -> None:
    identity = parse_identity(
        {"user_id": "0055g00000AbCdE", "organization_id": "00D5g000004XyZa", "email": None}
    )
    assert (identity.email, identity.is_active) == ("", True)


def test_an_inactive_user_is_seen() -> None:
    assert not parse_identity(BODY | {"active": False}).is_active


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="array"),
        pytest.param(BODY | {"user_id": "x"}, id="malformed-user"),
        pytest.param(BODY | {"organization_id": None}, id="no-org"),
    ],
)
def test_an_identity_without_user_or_org_is_lost(body: object) -> None:
    with pytest.raises(ResponseLost):
        parse_identity(body)
