"""LOCAL_POSTGRES_BIN: the tests run on the Postgres that it names."""

from pathlib import Path

import pytest

from devtools.local_stack import local_services
from devtools.local_stack.local_services import LocalServices, ServiceNotStarted


def test_a_directory_without_postgres_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_POSTGRES_BIN", str(tmp_path / "15"))
    with pytest.raises(ServiceNotStarted, match=r"LOCAL_POSTGRES_BIN=.*/15 holds no programs of Postgres"):
        LocalServices(tmp_path / "home").start_postgres()


@pytest.mark.parametrize(
    ("version", "provider"),
    [
        ("15.18 (Debian 15.18-0+deb12u1)", ["--locale=C.UTF-8"]),
        ("16.4", ["--locale=C.UTF-8"]),
        ("17beta1", ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]),
        ("18.6", ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]),
    ],
)
def test_letters_are_the_systems_where_postgres_has_none(
    tmp_path: Path, version: str, provider: list[str]
) -> None:
    program = tmp_path / "postgres"
    program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
    program.chmod(0o755)
    assert local_services._locale(tmp_path) == provider
