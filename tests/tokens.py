"""Signs bearer tokens as the platform does."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

AUDIENCE = "eventship-salesforce"


@dataclass
class TokenMint:
    """One signing key and the tokens it makes."""

    key: ECKey
    jwks_file: Path | None = None

    @classmethod
    def new(cls, kid: str = "test-key") -> "TokenMint":
        return cls(ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"}))

    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.key.as_dict(private=False)]}

    def token(self, *, hosts: dict[str, str] | None = None, scope: str = "", **claims: Any) -> str:
        now = int(time.time())
        body = {"sub": "user_17", "aud": AUDIENCE, "exp": now + 600, "hosts": hosts or {}, "scope": scope}
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, body | claims, self.key)

    def headers(
        self, *, hosts: dict[str, str] | None = None, scope: str = "", **claims: Any
    ) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(hosts=hosts, scope=scope, **claims)}"}
