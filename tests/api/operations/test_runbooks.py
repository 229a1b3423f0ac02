"""Every command of docs/runbooks works: SQL runs and only reads, commands parse, calls are answered."""

import json
import re
import shlex
import textwrap
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli import main
from app.config.settings import Settings
from app.infrastructure.database import Database
from app.infrastructure.database_roles import SYSTEM_ROLE
from app.infrastructure.encryption import Encryptor
from app.models import OrgLease
from tests.api.service import caller, running
from tests.factories import ORG_ID
from tests.integration.registrations.sample_event import RULE, add, add_connected_host, save, simple
from tests.tokens import TokenMint
from tools.monitoring.files import RUNBOOKS
from tools.monitoring.rules import ALERTS

SECTIONS = ["What it means", "What to look at", "Do", "Whom to wake"]
BLOCK = re.compile(r"(?ms)^ *```(\w+)\n(.*?)^ *```$")
PLACES = {
    "$API": "https://api",
    "$ORG": ORG_ID,
    "$HOST": "host_a",
    "$PROCESS": "api-1:9090",
    "$CODE": "SOME_CODE",
}
PROBES = re.compile(r"http://api-1:9090/(livez|readyz|metrics)|https://login\.salesforce\.com/.*")
NAMES = [alert.name for alert in ALERTS]


def runbook(name: str) -> str:
    return (RUNBOOKS / f"{name}.md").read_text()


def blocks(name: str, language: str) -> Iterator[str]:
    return (textwrap.dedent(body) for found, body in BLOCK.findall(runbook(name)) if found == language)


def commands(name: str) -> list[list[str]]:
    """The words of every line of its shell blocks, its variables filled in."""
    found = [line for block in blocks(name, "sh") for line in block.splitlines() if line.strip()]
    for place, value in PLACES.items():
        found = [line.replace(place, value) for line in found]
    return [shlex.split(line, comments=True) for line in found]


def statements() -> list[tuple[str, str]]:
    return [
        (name, statement.strip())
        for name in NAMES
        for block in blocks(name, "sql")
        for statement in block.split(";")
        if statement.strip()
    ]


@pytest.fixture
async def ops(settings: Settings, mint: TokenMint, two_orgs: None) -> AsyncIterator[httpx.AsyncClient]:
    async with running(settings) as app, caller(app, mint.headers(scope="ops")) as client:
        yield client


@pytest.fixture
async def two_orgs(database: Database, vault: Encryptor) -> None:
    await add_connected_host(database, vault)
    await add(database, simple("r1", "failed", error=RULE), simple("r2", "pending"))
    await save(database, OrgLease(org_id=ORG_ID))


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_has_its_four_sections_and_known_languages(name: str) -> None:
    assert runbook(name).startswith(f"# {name}\n")
    assert re.findall(r"(?m)^## (.+)$", runbook(name)) == SECTIONS
    assert {language for language, _ in BLOCK.findall(runbook(name))} <= {"sh", "sql"}


async def test_every_query_runs_as_the_role_that_operators_have(
    database: Database, owner: AsyncEngine, two_orgs: None
) -> None:
    refused = []
    for name, statement in statements():
        async with owner.connect() as connection:
            await connection.execute(text("SET TRANSACTION READ ONLY"))
            await connection.execute(text(f"SET LOCAL ROLE {SYSTEM_ROLE}"))
            try:
                await connection.execute(text(statement))
            except Exception as error:
                refused.append(f"{name}: {error}")
    assert refused == []
    assert len(statements()) >= len(NAMES) // 2


async def test_every_call_of_operations_is_answered(ops: httpx.AsyncClient) -> None:
    refused, count = [], 0
    for name in NAMES:
        for words in commands(name):
            if words[0] != "ops":
                continue
            method, path, *body = words[1:]
            answer = await ops.request(method, path, json=json.loads(body[0]) if body else None)
            count += 1
            if answer.status_code != httpx.codes.OK:
                refused.append(f"{name}: {method} {path}: {answer.status_code} {answer.text}")
    assert refused == []
    assert count > 10


@pytest.mark.parametrize("name", NAMES)
def test_every_other_command_exists(name: str) -> None:
    for words in commands(name):
        if words[0] == "eventship-salesforce":
            assert main._read(words[1:]).command == words[1]
        elif words[0] == "curl":
            assert PROBES.fullmatch(words[-1])
        else:
            assert words[0] == "ops"


@pytest.mark.parametrize("name", NAMES)
def test_every_link_of_a_runbook_leads_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", runbook(name))
    assert [link for link in links if not (RUNBOOKS / link).exists()] == []
