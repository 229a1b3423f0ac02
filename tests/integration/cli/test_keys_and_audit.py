"""`keys` and `audit` from the command line, against the real database."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli import audit as audit_command
from app.cli import keys as keys_command
from app.config.settings import Settings
from app.infrastructure import audit_log
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor, KeyMissing, new_key
from tests.factories import ENCRYPTION_KEY, connection_for

NEWER = Encryptor.from_texts([new_key("k2"), ENCRYPTION_KEY])


async def sealed(database: Database) -> None:
    async with database.system() as session:
        session.add(connection_for(Encryptor.from_texts([ENCRYPTION_KEY])))


async def test_rotate_tells_what_it_changed_and_which_key_is_free(
    settings: Settings, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    await sealed(database)
    await keys_command.KEY_COMMANDS["rotate"](settings, database, NEWER)
    output = capsys.readouterr().out
    assert "connections.refresh_token: 1 values wrapped anew" in output
    assert "key k1 (here): 0 values" in output
    assert "key k2 (newest): 2 values" in output


async def test_usage_names_a_key_that_is_missing_here(
    settings: Settings, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    await sealed(database)
    alone = Encryptor.from_texts([new_key("k2")])
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
    assert later.hash_pepper == settings.hash_pepper


async def test_verifier_says_which_log_was_changed(
    database: Database, owner: AsyncEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    for host_id in ("host_a", "host_b"):
        for action in ("one", "two"):
            async with database.tenant(host_id) as session:
                await audit_log.append_entry(session, host_id, actor="user_17", action=action)
    assert await audit_command.verify_all(database, None) == 0
    async with owner.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(
            text("UPDATE audit_log SET actor = 'x' WHERE host_id = 'host_b' AND seq = 2")
        )
    assert await audit_command.verify_all(database, None) == 1
    assert await audit_command.verify_all(database, "host_a") == 0
    assert "host_b: entry 2 does not fit its chain" in capsys.readouterr().out


async def test_heads_kept_elsewhere_show_a_log_that_was_put_back(
    database: Database, owner: AsyncEngine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Log and head of an earlier day fit each other: only what was printed since says that there was more."""
    kept = tmp_path / "heads"
    heads = text("SELECT * FROM audit_heads")
    async with database.tenant("host_a") as session:
        await audit_log.append_entry(session, "host_a", actor="user_17", action="one")
        earlier = (await session.execute(heads)).one()._asdict()
    async with database.tenant("host_a") as session:
        await audit_log.append_entry(session, "host_a", actor="user_17", action="two")
    capsys.readouterr()
    assert await audit_command.print_heads(database, None) == 0
    kept.write_text(capsys.readouterr().out)
    assert await audit_command.verify_all(database, None, audit_command.read_heads(str(kept))) == 0
    async with owner.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text("DELETE FROM audit_log WHERE seq = 2"))
        put_back = text("UPDATE audit_heads SET count = :count, hash = :hash, mac = :mac")
        await connection.execute(put_back, earlier)
    assert await audit_command.verify_all(database, None) == 0
    assert await audit_command.verify_all(database, None, audit_command.read_heads(str(kept))) == 1
    assert "host_a: entry 2 is missing" in capsys.readouterr().out


async def test_log_without_a_head_is_accepted_by_command(
    database: Database, owner: AsyncEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    async with database.tenant("host_a") as session:
        await audit_log.append_entry(session, "host_a", actor="user_17", action="one")
    async with owner.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text("DELETE FROM audit_heads"))
    assert await audit_command.verify_all(database, None) == 1
    assert "audit accept" in capsys.readouterr().out
    assert await audit_command.accept_all(database, None) == 0
    assert await audit_command.verify_all(database, None) == 0


def test_file_that_is_none_of_heads_is_refused(tmp_path: Path) -> None:
    (tmp_path / "heads").write_text("one two\n")
    for name in ("heads", "nowhere"):
        with pytest.raises(audit_command.HeadsUnreadable):
            audit_command.read_heads(str(tmp_path / name))
