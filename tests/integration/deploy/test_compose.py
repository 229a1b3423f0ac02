"""What deploy/compose.yaml runs beside our image: the first SQL of Postgres, files of nginx and PgBouncer."""

import asyncio
import os
import re
import shutil
import subprocess
from pathlib import Path

import asyncpg
import pytest
from alembic import command

from app.infrastructure.database import Database
from app.infrastructure.migration_runner import alembic_config
from app.infrastructure.startup_checks import check_database
from devtools.deployment_secrets import make_secrets
from devtools.local_stack.local_services import LocalServices
from tools.deployment.processes import ROOT

COMPOSE = ROOT / "deploy/compose"
PSQL = shutil.which("psql")
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
SED = shutil.which("sed")


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    home = tmp_path / "secrets"
    make_secrets(home)
    return home


@pytest.mark.skipif(PSQL is None, reason="no psql here: apt-get install postgresql-client")
async def test_first_sql_makes_what_the_processes_need(secrets: Path, tmp_path: Path) -> None:
    """`migrate` needs no CREATEROLE afterwards, and each login takes its one role."""
    engines = LocalServices(tmp_path / "engines", is_durable=False)
    try:
        engines.start_postgres()
        first = tmp_path / "first.sql"
        first.write_text((COMPOSE / "postgres-init.sql").read_text().replace("/run/secrets", str(secrets)))
        await asyncio.to_thread(run_psql, engines, "-c", "CREATE DATABASE sync")
        await asyncio.to_thread(run_psql, engines, "-d", "sync", "-f", str(first))
        here = f"@127.0.0.1:{engines.postgres_port}/"
        urls = {
            name: re.sub("@.*/", here, (secrets / name).read_text()).replace(
                "postgresql:", "postgresql+asyncpg:"
            )
            for name in ("database_url", "database_app_url", "database_system_url")
        }
        await asyncio.to_thread(command.upgrade, alembic_config(urls["database_url"]), "head")
        database = Database.connect(
            "", app_url=urls["database_app_url"], system_url=urls["database_system_url"]
        )
        try:
            assert await check_database(database)
        finally:
            await database.close()
        assert await may_create_roles(urls["database_url"]) is False
    finally:
        engines.discard()


def run_psql(engines: LocalServices, *arguments: str) -> None:
    address = ["-h", "127.0.0.1", "-p", str(engines.postgres_port), "-U", "owner"]
    database = [] if "-d" in arguments else ["-d", "postgres"]
    done = subprocess.run(
        [str(PSQL), "-X", "-q", "-v", "ON_ERROR_STOP=1", *address, *database, *arguments],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


async def may_create_roles(url: str) -> bool:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return bool(
            await connection.fetchval("SELECT rolcreaterole FROM pg_roles WHERE rolname = current_user")
        )
    finally:
        await connection.close()


@pytest.mark.skipif(NGINX is None or SED is None, reason="no nginx here: apt-get install nginx")
def test_nginx_takes_its_file(secrets: Path, tmp_path: Path) -> None:
    text = subprocess.run(
        [str(SED), "-f", str(COMPOSE / "nginx.sed"), str(ROOT / "deploy/nginx.conf")],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert text.count("max_fails=0") == 2
    here = re.sub(r"api-\d:", "127.0.0.1:", text).replace("/run/secrets", str(secrets))
    file, log = tmp_path / "nginx.conf", tmp_path / "log"
    file.write_text(f"pid {tmp_path}/pid;\n{here}")
    tried = subprocess.run(
        [str(NGINX), "-t", "-p", str(tmp_path), "-e", str(log), "-c", str(file)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert tried.returncode == 0, tried.stderr


@pytest.mark.skipif(SED is None, reason="no sed here")
def test_pgbouncer_reads_where_things_are() -> None:
    text = subprocess.run(
        [str(SED), "-f", str(COMPOSE / "pgbouncer.sed"), str(ROOT / "deploy/pgbouncer.ini")],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    options = dict(re.findall(r"(?m)^(\w+) = ?(.*)$", text))
    assert options["sync"] == "host=postgres port=5432 dbname=sync"
    assert (options["auth_file"], options["unix_socket_dir"]) == ("/run/secrets/userlist", "")
