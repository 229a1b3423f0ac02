"""Who a token belongs to, as Salesforce's identity service says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.salesforce.errors import ResponseLost
from app.salesforce.ids import MalformedId, to18
from app.text.storable import storable


@dataclass(frozen=True)
class Identity:
    """A user of an org; both ids have 18 characters. What the org does not tell is an empty string.

    https://help.salesforce.com/s/articleView?id=sf.remoteaccess_using_openid.htm
    """

    user_id: str
    organization_id: str
    username: str
    display_name: str
    email: str
    is_active: bool


def parse_identity(body: object) -> Identity:
    """Read the answer of the identity URL. Raises `ResponseLost` when it names no user and org."""
    if not isinstance(body, dict):
        raise ResponseLost("the answer is not an identity")
    return Identity(
        user_id=_id(body, "user_id"),
        organization_id=_id(body, "organization_id"),
        username=text_in(body, "username"),
        display_name=text_in(body, "display_name"),
        email=text_in(body, "email"),
        is_active=body.get("active") is not False,
    )


def _id(body: Mapping[str, Any], key: str) -> str:
    try:
        return to18(text_in(body, key))
    except MalformedId as error:
        raise ResponseLost(f"the identity has no usable {key}") from error


def text_in(body: Mapping[str, Any], key: str) -> str:
    """The text under this key, fit to be stored; empty where there is none."""
    value = body.get(key)
    return storable(value, len(value)) if isinstance(value, str) else ""
