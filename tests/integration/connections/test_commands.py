"""`keys` and `audit` from the command line, against the real database."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app import audit
from app.commands import audit as audit_command
from app.commands import keys as keys_command
from app.database import Database
from app.settings import Settings
from app.sync.drain import pepper_of
from app.vault import KeyMissing, Vault, new_key
from tests.factories import ENCRYPTION_KEY, connection_for

NEWER = Vault.from_texts([new_key("k2"), ENCRYPTION_KEY])


async def sealed(database: Database) -> None:
    async with database.system() as session:
        session.add(connection_for(Vault.from_texts([ENCRYPTION_KEY])))


async def test_rotate_tells_what_it_changed_and_which_key_is_free(
    settings: Settings, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    await sealed(database)
    await keys_command.KEY_COMMANDS["rotate"](settings, database, NEWER)
    said = capsys.readouterr().out
    assert "connections.refresh_token: 1 values wrapped anew" in said
    assert "key k1 (here): 0 values" in said
    assert "key k2 (newest): 2 values" in said


async def test_usage_names_a_key_that_is_missing_here(
    settings: Settings, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    await sealed(database)
    alone = Vault.from_texts([new_key("k2")])
    await keys_command.KEY_COMMANDS["usage"](settings, database, alone)
    assert "key k1 (MISSING here): 2 values" in capsys.readouterr().out
    with pytest.raises(KeyMissing):
        await keys_command.KEY_COMMANDS["rotate"](settings, database, alone)


async def test_pepper_outlives_the_oldest_key_once_it_is_set(
    settings: Settings, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    await keys_command.KEY_COMMANDS["pepper"](settings, database, NEWER)
    printed = capsys.readouterr().out.strip()
    changes = {"pepper": printed, "encryption_keys": [new_key("k2")]}
    later = Settings.model_validate(settings.model_dump() | changes)
    assert pepper_of(later) == pepper_of(settings)


async def test_verifier_says_which_log_was_changed(
    database: Database, owner: AsyncEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    for host_id in ("host_a", "host_b"):
        for action in ("one", "two"):
            async with database.tenant(host_id) as session:
                await audit.record(session, host_id, actor="user_17", action=action)
    assert await audit_command.verify_all(database, None) == 0
    async with owner.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(
            text("UPDATE audit_log SET actor = 'x' WHERE host_id = 'host_b' AND seq = 2")
        )
    assert await audit_command.verify_all(database, None) == 1
    assert await audit_command.verify_all(database, "host_a") == 0
    assert "host_b: entry 2 does not fit its chain" in capsys.readouterr().out
