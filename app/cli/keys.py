"""Encryption keys from the command line: make one, see which are in use, change them on line."""

import asyncio
from collections.abc import Awaitable, Callable

from app.cli.migrate import say
from app.config.settings import Settings, load_settings
from app.connections.key_rotation import check_keys, keys_in_use, reencrypt_all
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor, new_key
from app.infrastructure.startup_checks import check_pepper


def keys(what: str, kid: str) -> int:
    """Run one of KEY_COMMANDS. Raises SettingsInvalid, KeyMissing, PepperChanged, DecryptionFailed,
    RowsLocked.
    """
    if what == "new":
        say(new_key(kid))
        return 0
    return asyncio.run(_with_database(KEY_COMMANDS[what]))


async def _with_database(run: Callable[[Settings, Database, Encryptor], Awaitable[None]]) -> int:
    settings = load_settings()
    vault = Encryptor.from_texts([key.get_secret_value() for key in settings.encryption_keys])
    async with Database.of(settings) as database:
        await run(settings, database, vault)
    return 0


async def _rotate(settings: Settings, database: Database, vault: Encryptor) -> None:
    await check_keys(database, vault)
    await check_pepper(database, settings.hash_pepper)
    for column, count in (await reencrypt_all(database, vault)).items():
        say(f"{column}: {count} values wrapped anew")
    await _usage(settings, database, vault)


async def _usage(settings: Settings, database: Database, vault: Encryptor) -> None:
    used = await keys_in_use(database)
    for kid in sorted(set(used) | vault.kids):
        where = "newest" if kid == vault.current_kid else "here" if kid in vault.kids else "MISSING here"
        say(f"key {kid} ({where}): {used.get(kid, 0)} values")
    if settings.pepper is None:
        kid = settings.encryption_keys[-1].get_secret_value().partition(":")[0]
        say(f"PEPPER is not set: before key {kid} goes, set it to what `keys pepper` prints")


async def _pepper(settings: Settings, database: Database, vault: Encryptor) -> None:
    say(settings.hash_pepper.hex())


KEY_COMMANDS: dict[str, Callable[[Settings, Database, Encryptor], Awaitable[None]]] = {
    "rotate": _rotate,
    "usage": _usage,
    "pepper": _pepper,
}
