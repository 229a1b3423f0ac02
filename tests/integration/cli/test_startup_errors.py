"""The likely mistakes about the database: API and worker end with 2 and one line that says what to set."""

from collections.abc import AsyncIterator, Callable, Mapping

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.config.settings import Settings
from app.infrastructure.schema_revision import UNRELEASED, newest_revision
from devtools.local_stack.local_services import free_port
from tests.integration.connections.test_startup_secrets import STARTS, environment, logging_as_before

__all__ = ["environment", "logging_as_before"]

ROLES = ("api", "worker")
AWAY = "set it to a server that runs"

Changed = Callable[[str], Mapping[str, str]]


def changed(url: str, **parts: str | int) -> str:
    return make_url(url).set(**parts).render_as_string(hide_password=False)  # type: ignore[arg-type]


MISTAKES: dict[str, tuple[Changed, str, str]] = {
    "wrong system": (
        lambda url: {"DATABASE_SYSTEM_URL": changed(url, port=free_port())},
        "DATABASE_SYSTEM_URL: Postgres cannot be used (", AWAY,
    ),
    "wrong app": (
        lambda url: {"DATABASE_APP_URL": changed(url, port=free_port())},
        "DATABASE_APP_URL: Postgres cannot be used (", AWAY,
    ),
    "no such database": (
        lambda url: {"DATABASE_URL": changed(url, database="otters")},
        'DATABASE_URL: Postgres cannot be used (database "otters" does not exist)',
        "make the database, or correct its name",
    ),
    "not migrated": (
        lambda url: {"DATABASE_URL": changed(url, database="template1")},
        "DATABASE_URL has no tables yet", "run `eventship-salesforce migrate`",
    ),
    "no such login": (
        lambda url: {"DATABASE_SYSTEM_URL": changed(url, username="es_nobody")},
        'DATABASE_SYSTEM_URL: Postgres cannot be used (role "es_nobody" does not exist)',
        "check its user",
    ),
    "no connection left": (
        lambda url: {"DATABASE_SYSTEM_URL": changed(url, username="es_limited")},
        "DATABASE_SYSTEM_URL: Postgres cannot be used (too many connections for role",
        "raise max_connections, or lower DATABASE_POOL",
    ),
}  # fmt: skip


@pytest.fixture
async def limited(owner: AsyncEngine) -> AsyncIterator[None]:
    """A login that gets no connection."""
    async with owner.begin() as connection:
        await connection.execute(text("CREATE ROLE es_limited LOGIN CONNECTION LIMIT 0"))
    yield
    async with owner.begin() as connection:
        await connection.execute(text("DROP ROLE es_limited"))


def refused(role: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What it says when it does not start."""
    assert STARTS[role]() == 2
    output = capsys.readouterr().err
    assert output.count("\n") == 1, output
    assert output.startswith("eventship-salesforce")
    return output


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("changes", "what", "advice"), MISTAKES.values(), ids=MISTAKES)
@pytest.mark.usefixtures("limited")
def test_mistake_is_one_line_with_the_right_variable_and_advice(
    role: str,
    changes: Changed,
    what: str,
    advice: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in changes(settings.database_url).items():
        monkeypatch.setenv(name, value)
    output = refused(role, capsys)
    assert f": {what}" in output
    assert advice in output


@pytest.fixture
async def stamped(owner: AsyncEngine, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The revision that the tables are said to be at."""
    stamp = text("UPDATE alembic_version SET version_num = :revision")
    async with owner.begin() as connection:
        await connection.execute(stamp, {"revision": request.param})
    yield request.param
    async with owner.begin() as connection:
        await connection.execute(stamp, {"revision": newest_revision()})


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("stamped", ["0000"], indirect=True)
def test_tables_of_an_earlier_release_are_one_line(
    role: str, stamped: str, capsys: pytest.CaptureFixture[str]
) -> None:
    needs = f"this release needs {newest_revision()}: run `eventship-salesforce migrate`"
    assert refused(role, capsys).endswith(f": DATABASE_URL is at {stamped}, {needs}\n")


@pytest.mark.parametrize("role", [*ROLES, "migrate"])
@pytest.mark.parametrize("stamped", ["0001", "0017"], indirect=True)
def test_tables_from_before_the_first_release_are_one_line(
    role: str, stamped: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(role, capsys).endswith(f": DATABASE_URL is at {stamped}, {UNRELEASED}\n")
