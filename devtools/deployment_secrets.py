"""`make secrets`: the files that deploy/compose.yaml names, made once and never overwritten."""

import secrets
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from devtools.local_stack.secrets import LocalSecrets

HOME: Final = Path("deploy/secrets")
NAME: Final = "salesforce.localhost"
POOLED: Final = ("es_app", "es_system")
LOGINS: Final = ("es_owner", *POOLED, "es_backup")
SIMULATED_APP: Final = ("3MVG9simulatedConsumerKey", "simulated-consumer-secret")
CERTIFICATE: Final = ("tls_crt", "tls_key")
CERTIFICATE_DAYS: Final = 365
VALKEY_CONF: Final = 'bind 0.0.0.0\nport 6379\ndir /tmp\nsave ""\nappendonly no\nrequirepass {}\n'

Made = Mapping[str, str]


def main(home: Path, name: str) -> int:
    """Say which files were made, and never what stands in them."""
    made = make_secrets(home, name)
    sys.stdout.write(f"{home}: made {', '.join(made)}\n" if made else f"{home}: all there\n")
    return 0


def make_secrets(home: Path, name: str = NAME) -> list[str]:
    """Make what is missing; what is there stays. `name` is the certificate's. Returns the names of new files.

    The directory is its owner's alone; its files are for all, because a container reads them as another user.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    local = LocalSecrets.of(home)
    texts = {
        "encryption_keys": local.encryption_key,
        "webhook_secrets": local.webhook_secret,
        **dict(zip(CERTIFICATE, self_signed(name), strict=True)),
    }
    made = []
    for file, make in MAKERS.items():
        path = home / file
        if not path.exists():
            path.write_text(make(texts) if make else texts[file])
            path.chmod(0o444)
            made.append(file)
        texts[file] = path.read_text()
    return made


def password(_: Made) -> str:
    """One that needs no escaping, neither in an address nor in a configuration."""
    return secrets.token_hex(24)


def self_signed(name: str) -> tuple[str, str]:
    """A certificate for `name` that nobody but the one who made it trusts, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(pem).decode(), private.decode()


def _address(made: Made, login: str, server: str) -> str:
    return f"postgresql://{login}:{made[f'{login}_password']}@{server}/sync"


MAKERS: Final[Mapping[str, Callable[[Made], str] | None]] = {
    "postgres_password": password,
    **{f"{login}_password": password for login in LOGINS},
    "userlist": lambda made: "".join(f'"{login}" "{made[f"{login}_password"]}"\n' for login in POOLED),
    "database_url": lambda made: _address(made, "es_owner", "postgres:5432"),
    "database_app_url": lambda made: _address(made, "es_app", "pgbouncer:6432"),
    "database_system_url": lambda made: _address(made, "es_system", "pgbouncer:6432"),
    "valkey_password": password,
    "valkey_conf": lambda made: VALKEY_CONF.format(made["valkey_password"]),
    "redis_url": lambda made: f"redis://:{made['valkey_password']}@valkey:6379/0",
    "encryption_keys": None,
    "webhook_secrets": None,
    "salesforce_client_id": lambda _: SIMULATED_APP[0],
    "salesforce_client_secret": lambda _: SIMULATED_APP[1],
    **dict.fromkeys(CERTIFICATE),
    "grafana_password": password,
}
"""Each file, made of those before it; None: made together with others."""

if __name__ == "__main__":
    sys.exit(main(HOME, sys.argv[1] if len(sys.argv) > 1 else NAME))
