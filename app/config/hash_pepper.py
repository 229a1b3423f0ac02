"""The key of keyed hashes, from the settings."""

import hashlib

from app.config.settings import Settings


def hash_pepper(settings: Settings) -> bytes:
    """A key for keyed hashes: PEPPER, else made of the oldest encryption key, which must not go before."""
    if settings.pepper is not None:
        return bytes.fromhex(settings.pepper.get_secret_value())
    oldest = settings.encryption_keys[-1].get_secret_value()
    return hashlib.blake2b(oldest.encode(), digest_size=32, person=b"evs-pepper").digest()
