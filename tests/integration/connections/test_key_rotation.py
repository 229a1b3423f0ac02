"""Changing encryption keys on line: every sealed value follows, and no reader fails."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import LargeBinary, func, select, update

from app.api.dependencies import Resources
from app.config.encryption_key import parse_key
from app.connections.grants.superseded import GrantWithToken, store_superseded
from app.connections.key_rotation import RowsLocked, check_keys, keys_in_use, reencrypt_all, sealed_columns
from app.connections.model.encrypted_columns import REFRESH_TOKEN
from app.connections.model.schemas import OwnCredentials
from app.connections.own_app import save_credentials
from app.connections.tokens.provider import ConnectionTokens
from app.infrastructure.database import Database
from app.infrastructure.encryption import DecryptionFailed, Encryptor, KeyMissing, new_key
from app.models import Base, Connection, OAuthAttempt, PendingRevocation
from app.salesforce.auth import ConnectionUnusable
from tests.factories import ENCRYPTION_KEY, NOW, connection_for
from tests.integration.connections.conftest import stored
from tests.sample_rows import sample_row

NEW_KEY = new_key("k2")
ROTATING = Encryptor.from_texts([NEW_KEY, ENCRYPTION_KEY])


async def filled(resources: Resources, count: int = 30) -> None:
    """Sealed values in every place that has them."""
    vault = resources.vault
    async with resources.database.system() as session:
        for number in range(count):
            host_id = f"host_{number:03}"
            session.add(connection_for(vault, host_id, access_token=f"a{number}", refresh_token=f"r{number}"))
        session.add(
            PendingRevocation(
                host_id="host_000",
                revocation_id="rev_1",
                login_url="https://login.salesforce.com",
                token=vault.seal("old", host_id="host_000", column="pending_revocations.token"),
            )
        )
        key = ("00D5g000004XyZaEAK", "0055g00000AbCdEAAV", "3MVG9otter")
        await store_superseded(
            session, vault, GrantWithToken("host_000", key, "https://login.salesforce.com", "left")
        )
        session.add(
            OAuthAttempt(
                attempt_id="att_1",
                host_id="host_000",
                user_id="user_17",
                environment="production",
                login_url="https://login.salesforce.com",
                client_id="3MVG9otter",
                display="redirect",
                return_to="/",
                expires_at=NOW,
                code_verifier=vault.seal("v", host_id="host_000", column="oauth_attempts.code_verifier"),
            )
        )
    given = OwnCredentials.model_validate({"consumer_key": "3MVG9own.key", "consumer_secret": "own-secret"})
    await save_credentials(resources, "host_000", user_id="user_17", given=given)


async def test_every_sealed_value_follows_the_newest_key(resources: Resources, database: Database) -> None:
    await filled(resources)
    assert await keys_in_use(database) == {"k1": 65}
    changed = await reencrypt_all(database, ROTATING, batch=7)
    assert {name: count for name, count in changed.items() if count} == {
        "connections.access_token": 30,
        "connections.refresh_token": 30,
        "pending_revocations.token": 1,
        "superseded_grants.token": 1,
        "oauth_attempts.code_verifier": 1,
        "app_credentials.consumer_key": 1,
        "app_credentials.consumer_secret": 1,
    }
    assert await keys_in_use(database) == {"k2": 65}
    alone = replace(resources, vault=Encryptor([parse_key(NEW_KEY)]))
    assert (await ConnectionTokens(alone, "host_007").current()).value == "a7"


async def test_no_sealed_column_of_the_models_is_left_out(resources: Resources, database: Database) -> None:
    """Boot, usage and rotation all walk through what the models say, kept answers included."""
    columns = list(sealed_columns())
    assert "idempotency_keys.sealed" in {sealed.bound_to for sealed in columns}
    async with database.system() as session:
        for table in Base.metadata.sorted_tables:
            row = sample_row(table, host_id="host_a")
            for sealed in columns:
                if sealed.table.__table__ is table:
                    value = resources.vault.seal("secret", host_id="host_a", column=sealed.bound_to)
                    row[sealed.column.key] = value
            await session.execute(table.insert().values(**row))
    assert await keys_in_use(database) == {"k1": len(columns)}
    with pytest.raises(KeyMissing, match="ENCRYPTION_KEYS lacks k1"):
        await check_keys(database, Encryptor([parse_key(NEW_KEY)]))
    assert set((await reencrypt_all(database, ROTATING)).values()) == {1}
    alone = Encryptor([parse_key(NEW_KEY)])
    async with database.system() as session:
        for sealed in columns:
            kept = (await session.execute(select(sealed.column))).scalar_one()
            assert alone.open(kept, host_id="host_a", column=sealed.bound_to) == "secret"


def test_every_column_of_bytes_is_sealed_or_a_digest() -> None:
    """A new one has to say what it is, so that a change of keys cannot miss it."""
    unsaid = [
        str(column)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    ]
    assert unsaid == []


async def test_rotating_again_changes_nothing(resources: Resources, database: Database) -> None:
    await filled(resources, 3)
    await reencrypt_all(database, ROTATING)
    assert set((await reencrypt_all(database, ROTATING)).values()) == {0}


async def test_readers_and_writers_go_on_while_keys_change(resources: Resources, database: Database) -> None:
    await filled(resources, 200)
    rotating = replace(resources, vault=ROTATING)
    opened = 0

    async def read() -> None:
        nonlocal opened
        for number in range(200):
            assert (await ConnectionTokens(rotating, f"host_{number:03}").current()).value == f"a{number}"
            opened += 1

    async def write() -> None:
        for number in range(200):
            async with database.tenant(f"host_{number:03}") as session:
                sealed = ROTATING.seal(f"r{number}", host_id=f"host_{number:03}", column=REFRESH_TOKEN)
                await session.execute(update(Connection).values(refresh_token=sealed))

    await asyncio.gather(
        read(), write(), reencrypt_all(database, ROTATING, batch=20), reencrypt_all(database, ROTATING)
    )
    assert opened == 200
    assert set(await keys_in_use(database)) == {"k2"}


async def test_row_that_stays_locked_stops_the_run_and_not_what_was_done(
    resources: Resources, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(resources, 5)
    monkeypatch.setattr("app.connections.key_rotation.MAX_LOCKED_ROUNDS", 2)
    async with database.system() as session:
        held = select(Connection.host_id).where(Connection.host_id == "host_003").with_for_update()
        await session.execute(held)
        with pytest.raises(RowsLocked, match=r"connections\.access_token"):
            await reencrypt_all(database, ROTATING)
    assert (await reencrypt_all(database, ROTATING))["connections.access_token"] == 1


async def test_missing_key_that_is_in_use_stops_the_start(resources: Resources, database: Database) -> None:
    await filled(resources, 2)
    await check_keys(database, ROTATING)
    with pytest.raises(KeyMissing, match="ENCRYPTION_KEYS lacks k1"):
        await check_keys(database, Encryptor([parse_key(NEW_KEY)]))
    await reencrypt_all(database, ROTATING)
    await check_keys(database, Encryptor([parse_key(NEW_KEY)]))


async def test_swapped_ciphertext_does_not_open(resources: Resources, database: Database) -> None:
    await filled(resources, 2)
    async with database.system() as session:
        other = await session.get_one(Connection, "host_001")
        swapped = {"refresh_token": other.refresh_token, "access_token": other.access_token}
        await session.execute(update(Connection).where(Connection.host_id == "host_000").values(swapped))
    with pytest.raises(ConnectionUnusable, match="credentials_unreadable"):
        await ConnectionTokens(resources, "host_000").current()
    with pytest.raises(DecryptionFailed):
        await reencrypt_all(database, ROTATING)
    row = await stored(resources, "host_001")
    assert row.access_token is not None


async def test_nothing_stored_needs_no_key(database: Database) -> None:
    await check_keys(database, ROTATING)
    async with database.system() as session:
        assert await session.scalar(select(func.count()).select_from(Connection)) == 0
