"""Access tokens that are JWTs, as own apps may issue: they end when they say, however much they are used.

Nothing is verified here: whoever takes the token does that. It is only read when to ask for the next one.
https://help.salesforce.com/s/articleView?id=xcloud.jwt_access_tokens_overview.htm
"""

import base64
import binascii
import json
from datetime import UTC, datetime


def ends_at(access_token: str) -> datetime | None:
    """When a token ends by its own word; None for one that does not say."""
    parts = access_token.split(".")
    if len(parts) != 3:
        return None
    payload = parts[1] + "=" * (-len(parts[1]) % 4)
    try:
        claims = json.loads(base64.b64decode(payload, altchars=b"-_", validate=True))
        return datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
        return None
