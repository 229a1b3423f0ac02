"""The rig: real Postgres and Valkey for the session, migrated once, emptied before each test that asks."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import settings as hypothesis_settings
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from app.api import error_handlers
from app.config.settings import Settings
from app.infrastructure import job_queue
from app.infrastructure.audit_log import audit_key
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor, new_key
from app.infrastructure.log_limit import LogLimit
from app.models import Base
from app.webhooks import batch_writer
from devtools.local_stack.local_services import LocalServices
from tests import host_statements
from tests.factories import settings_for
from tests.tokens import TokenMint
from workers import drain_pool, loops

LIMITED = (error_handlers, job_queue, batch_writer, drain_pool, loops)
"""Modules that log one trouble at most once a minute."""
ROOT = Path(__file__).parents[1]

# Times are measured by bench/, never by a test: a busy machine is no failure.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")

EMPTY_TABLES = "DO $$ BEGIN {} END $$".format(
    "".join(
        f"IF EXISTS (SELECT 1 FROM {table.name}) THEN DELETE FROM {table.name}; END IF; "
        for table in Base.metadata.sorted_tables
    )
)


def pytest_configure() -> None:
    host_statements.listen()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run fails, too, by a statement that every shard would have to answer."""
    if host_statements.unexpected() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in host_statements.unexpected():
        terminalreporter.write_line(f"names no host, and is not in ACROSS_HOSTS: {line}", red=True)


@pytest.fixture(autouse=True)
def each_test_hears_of_every_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test before this one logged keeps no line of this one back."""
    for module in LIMITED:
        monkeypatch.setattr(module, "limit", LogLimit(module.log))


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServices]:
    """Both engines, once per session; never the system's."""
    home = tmp_path_factory.mktemp("engines")
    running = LocalServices(home, is_durable=False).start()
    yield running
    running.discard()


@pytest.fixture(scope="session")
def migrated(engines: LocalServices) -> str:
    """The database's URL after the migrations ran."""
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["url"] = engines.database_url
    command.upgrade(config, "head")
    return engines.database_url


@pytest.fixture(scope="session")
def mint(tmp_path_factory: pytest.TempPathFactory) -> TokenMint:
    """Signs bearer tokens; its public keys stand in the file that settings name."""
    path = tmp_path_factory.mktemp("jwks") / "jwks.json"
    mint = TokenMint.new()
    path.write_text(json.dumps(mint.jwks()))
    mint.jwks_file = path
    return mint


@pytest.fixture(scope="session")
def settings(engines: LocalServices, migrated: str, mint: TokenMint) -> Settings:
    return settings_for(engines, jwks_file=mint.jwks_file)


@pytest.fixture(scope="session")
def vault() -> Encryptor:
    return Encryptor.from_texts([new_key("test")])


@pytest.fixture(scope="session")
async def owner(migrated: str) -> AsyncIterator[AsyncEngine]:
    """A superuser's engine, to look behind the walls in tests."""
    engine = create_async_engine(migrated, poolclass=NullPool)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
async def opened(migrated: str, settings: Settings) -> AsyncIterator[Database]:
    database = Database.connect(migrated, audit_key=audit_key(settings.hash_pepper))
    yield database
    await database.close()


@pytest.fixture
async def database(opened: Database, owner: AsyncEngine) -> Database:
    """The real database, emptied; tests commit for real, as the service does.

    Rows are deleted where there are any: truncating every table would rewrite its files for each test.
    """
    async with owner.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text(EMPTY_TABLES))
    return opened
