"""The message when Postgres cannot be used: the variable, the error, what to do; in one line."""

import ssl

import asyncpg
import pytest

from app.infrastructure.database_errors import unreachable


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        pytest.param(OSError("refused"), "set it to a server that runs", id="away"),
        pytest.param(TimeoutError(), "set it to a server that runs", id="silent"),
        pytest.param(ssl.SSLError("bad"), "check its host, sslmode and sslrootcert", id="tls"),
        pytest.param(asyncpg.InvalidPasswordError("no"), "check its user and password", id="password"),
        pytest.param(asyncpg.InvalidCatalogNameError("no"), "make the database, or correct", id="database"),
        pytest.param(asyncpg.TooManyConnectionsError("no"), "raise max_connections, or", id="full"),
        pytest.param(
            asyncpg.DuplicatePreparedStatementError('prepared statement "s1" already exists\nHINT: long'),
            "behind PgBouncer use 1.21 with max_prepared_statements, or session mode",
            id="old-pooler",
        ),
        pytest.param(
            asyncpg.InvalidSQLStatementNameError("does not exist"),
            "behind PgBouncer use 1.21 with max_prepared_statements, or session mode",
            id="old-pooler-lost",
        ),
    ],
)
def test_advice_is_the_one_of_the_fault(error: Exception, advice: str) -> None:
    line = unreachable(error, "DATABASE_SYSTEM_URL")
    assert line.startswith("DATABASE_SYSTEM_URL: Postgres cannot be used (")
    assert advice in line
    assert "\n" not in line
