"""Secrets of one machine, made once: what signs webhooks and bearer tokens, and what encrypts at rest."""

import base64
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from joserfc import jwt
from joserfc.jwk import ECKey

from app.infrastructure.encryption import new_key

SECRETS_FILE, JWKS_FILE = "secrets.json", "jwks.json"
ALGORITHM, AUDIENCE = "ES256", "eventship-salesforce"
WEBHOOK_KEY_BYTES = 32

HOME_ADVICE = (
    "cannot hold this machine's secrets: set LOCAL_HOME or --home to a directory of yours, "
    "or give the command what it would take from there (--help)"
)


class HomeUnusable(Exception):
    """The directory for this machine's own state cannot be read or written."""


@contextmanager
def state_in(home: Path) -> Iterator[None]:
    """Read and write there. Raises HomeUnusable for what the system refuses."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise HomeUnusable(f"{home} {HOME_ADVICE} ({error.strerror or error})") from None


@dataclass(frozen=True)
class LocalSecrets:
    """The content of `<home>/secrets.json` (mode 0600) and, for everybody, `<home>/jwks.json`."""

    webhook_secret: str
    encryption_key: str
    signing_key: ECKey
    jwks_file: Path

    @classmethod
    def of(cls, home: Path) -> Self:
        """Read them, or make them on first use. Raises HomeUnusable."""
        path, jwks_file = home / SECRETS_FILE, home / JWKS_FILE
        with state_in(home):
            if not path.exists():
                _write_private(path, json.dumps(_fresh()))
            kept = json.loads(path.read_text())
            key = ECKey.import_key(kept["signing_key"])
            jwks_file.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
        return cls(kept["webhook_secret"], kept["encryption_key"], key, jwks_file.resolve())

    def token(
        self, hosts: Mapping[str, str], *, scope: str = "", user: str = "local", minutes: int = 60
    ) -> str:
        """A bearer token as the platform would sign it; `hosts` maps host ids to roles."""
        claims = {
            "sub": user,
            "email": f"{user}@eventship.example",
            "aud": AUDIENCE,
            "exp": int(time.time()) + minutes * 60,
            "hosts": dict(hosts),
            "scope": scope,
        }
        return jwt.encode({"alg": ALGORITHM, "kid": self.signing_key.kid}, claims, self.signing_key)


def _fresh() -> dict[str, Any]:
    key = ECKey.generate_key("P-256", {"kid": "local", "use": "sig", "alg": ALGORITHM})
    return {
        "webhook_secret": "whsec_" + base64.b64encode(os.urandom(WEBHOOK_KEY_BYTES)).decode(),
        "encryption_key": new_key("local"),
        "signing_key": key.as_dict(private=True),
    }


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
