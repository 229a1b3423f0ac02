"""Addresses as managed services hand them out, against servers that take TLS alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from app.config.postgres_url import checked_postgres_url
from app.config.redis_url import checked_redis_url, redis_client
from app.infrastructure.database import Database, lone_engine
from app.infrastructure.database_errors import DatabaseUnreachable
from app.infrastructure.job_queue import DrainQueue
from app.infrastructure.startup_checks import check_database
from devtools.local_stack.local_services import LocalServices, free_port
from tests.tls import make_certificate, tls_front

NAME = text("SELECT current_setting('application_name')")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("other"), "localhost")


@pytest.fixture
async def postgres(certificate: Path, engines: LocalServices, migrated: str) -> AsyncIterator[int]:
    async with tls_front(certificate, engines.postgres_port, asks_first=True) as port:
        yield port


@pytest.fixture
async def valkey(certificate: Path, engines: LocalServices) -> AsyncIterator[int]:
    async with tls_front(certificate, engines.valkey_port, asks_first=False) as port:
        yield port


async def start(url: str) -> str:
    database = Database.connect(checked_postgres_url(url))
    try:
        return await check_database(database)
    finally:
        await database.close()


@pytest.mark.parametrize(
    "options", ["", "?sslmode=require", "?sslmode=verify-ca&sslrootcert={ca}",
                "?sslmode=verify-full&sslrootcert={ca}&target_session_attrs=read-write"],
)  # fmt: skip
async def test_server_that_takes_tls_alone_is_reached(postgres: int, certificate: Path, options: str) -> None:
    assert await start(f"postgresql://owner@localhost:{postgres}/postgres{options.format(ca=certificate)}")


@pytest.mark.parametrize(
    ("host", "options", "message"),
    [
        pytest.param("localhost", "?sslmode=disable", "no encryption", id="plain"),
        pytest.param(
            "localhost", "?sslmode=verify-full&sslrootcert={stranger}", "certificate verify failed", id="ca"
        ),
        pytest.param(
            "127.0.0.1", "?sslmode=verify-full&sslrootcert={ca}", "certificate is not valid for '127.0.0.1'",
            id="name",
        ),
        pytest.param(
            "localhost", "?sslmode=verify-full&sslrootcert=system", "certificate verify failed", id="system"
        ),
    ],
)  # fmt: skip
async def test_server_that_is_not_the_one_is_refused_in_one_line(
    postgres: int, certificate: Path, stranger: Path, host: str, options: str, message: str
) -> None:
    options = options.format(ca=certificate, stranger=stranger)
    with pytest.raises(DatabaseUnreachable) as refused:
        await start(f"postgresql://owner@{host}:{postgres}/postgres{options}")
    assert str(refused.value).startswith("DATABASE_URL: Postgres cannot be used (")
    assert message in str(refused.value)
    assert "sslmode" in str(refused.value)
    assert "\n" not in str(refused.value)


async def test_of_several_hosts_the_one_that_can_be_written_to_is_taken(
    engines: LocalServices, migrated: str
) -> None:
    gone, here = free_port(), engines.postgres_port
    assert await start(f"postgresql://owner@127.0.0.1:{gone},127.0.0.1:{here}/postgres")
    assert await start(f"postgresql://owner@/postgres?host=127.0.0.1,127.0.0.1&port={gone},{here}")


async def test_migrations_and_processes_take_the_name_that_is_given(migrated: str) -> None:
    database = Database.connect(f"{migrated}?application_name=blue")
    engine = lone_engine(f"{migrated}?application_name=blue")
    try:
        async with database.system() as session, engine.connect() as connection:
            assert await session.scalar(NAME) == await connection.scalar(NAME) == "blue"
    finally:
        await database.close()
        await engine.dispose()


async def test_wake_ups_and_hints_go_through_tls(
    valkey: int, certificate: Path, stranger: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = checked_redis_url(f"rediss://localhost:{valkey}/0?ssl_ca_certs={certificate}")
    wakeups = DrainQueue(good)
    await wakeups.announce(["org_a"])
    await wakeups.close()
    async with redis_client(good) as client:
        assert await client.ping()
        await client.delete("arq:queue")
    assert "wake_up_failed" not in caplog.text


@pytest.mark.parametrize(
    "address",
    ["rediss://localhost:{port}/0?ssl_ca_certs={stranger}", "rediss://127.0.0.1:{port}/0?ssl_ca_certs={ca}"],
    ids=["ca", "name"],
)
async def test_valkey_that_is_not_the_one_gets_no_wake_up(
    valkey: int, certificate: Path, stranger: Path, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    wakeups = DrainQueue(checked_redis_url(address.format(port=valkey, ca=certificate, stranger=stranger)))
    await wakeups.announce(["org_a"])
    await wakeups.close()
    assert "wake_up_failed" in caplog.text
