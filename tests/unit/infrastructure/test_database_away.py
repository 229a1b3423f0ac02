"""Which failures mean "try again later", and which mean that the delivery itself is at fault."""

import asyncpg
import pytest
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.infrastructure.database_errors import is_away


class Refusal(Exception):
    """What the driver raises: a message and an SQLSTATE."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ConnectionRefusedError(), id="refused"),
        pytest.param(TimeoutError(), id="timeout"),
        pytest.param(PoolTimeout(), id="pool-empty"),
        pytest.param(OperationalError("", {}, Refusal("")), id="operational"),
        pytest.param(InterfaceError("", {}, Refusal("")), id="interface"),
        pytest.param(DBAPIError("", {}, Refusal("40001"), connection_invalidated=True), id="connection-lost"),
        pytest.param(DBAPIError("", {}, Refusal("08006")), id="connection-failure"),
        pytest.param(DBAPIError("", {}, Refusal("53100")), id="disk-full"),
        pytest.param(DBAPIError("", {}, Refusal("57P01")), id="shutdown"),
        pytest.param(DBAPIError("", {}, Refusal("25006")), id="read-only"),
        pytest.param(DBAPIError("", {}, Refusal("58030")), id="io-error"),
        pytest.param(DBAPIError("", {}, Refusal("XX000")), id="could-not-write-init-file"),
        pytest.param(DBAPIError("", {}, Refusal("55000")), id="object-state"),
        pytest.param(asyncpg.InternalServerError(), id="driver-could-not-write-init-file"),
        pytest.param(asyncpg.InvalidPasswordError(), id="driver-password-changed"),
        pytest.param(asyncpg.InvalidCatalogNameError(), id="driver-no-such-database"),
        pytest.param(asyncpg.AdminShutdownError(), id="driver-shutdown"),
        pytest.param(asyncpg.DiskFullError(), id="driver-disk-full"),
        pytest.param(asyncpg.InterfaceError("connection is closed"), id="driver-closed"),
        pytest.param(asyncpg.InternalClientError("cannot switch"), id="driver-cut-off"),
    ],
)
def test_absence_of_the_database_is_recognised_from_the_error(error: Exception) -> None:
    assert is_away(error)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(DataError("", {}, Refusal("22P05")), id="bad-text"),
        pytest.param(DBAPIError("", {}, Refusal("40P01")), id="deadlock"),
        pytest.param(DBAPIError("", {}, Exception()), id="no-sqlstate"),
        pytest.param(asyncpg.UntranslatableCharacterError(), id="driver-bad-text"),
        pytest.param(asyncpg.DeadlockDetectedError(), id="driver-deadlock"),
        pytest.param(ValueError(), id="ours"),
    ],
)
def test_fault_of_a_delivery_is_not_taken_for_an_absence(error: Exception) -> None:
    assert not is_away(error)
