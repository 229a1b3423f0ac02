"""One process of `chaos.refresh`: a crowd of tasks that use one connection, and renew its token."""

import asyncio
import base64
import json
import os
import sys
from typing import Final

from pydantic import SecretStr
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.api.dependencies import Resources
from app.api.errors import Problem
from app.config.settings import Settings, Times
from app.connections.service import open_client
from app.main import open_resources
from app.salesforce.errors import SalesforceError
from chaos.refresh_stage import HOST

QUESTION: Final = "SELECT Id FROM Organization"
TRIES: Final = 8
HASTY: Final = Times(refresh_total=3.0, refresh_stale=4.0)
"""For rounds with kills, so that a lost answer is taken over soon."""
WEBHOOK_SECRET: Final = f"whsec_{base64.b64encode(bytes(32)).decode()}"


async def child() -> None:
    """One process: a line with a number of tasks begins a round, its answer is how many calls failed."""
    async with open_resources(_child_settings()) as resources:
        lines = await _stdin()
        _say("ready")
        while line := await lines.readline():
            calls = (_one_call(resources) for _ in range(int(line)))
            _say(str(sum(not is_good for is_good in await asyncio.gather(*calls))))


async def _one_call(resources: Resources) -> bool:
    for _ in range(TRIES):
        try:
            client = await open_client(resources, HOST)
            return len(await client.query(QUESTION)) == 1
        except (SalesforceError, Problem):
            return False
        except PoolTimeout:
            continue  # fifty tasks on a few connections of a busy machine: their turn comes
    return False


async def _stdin() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _child_settings() -> Settings:
    url = os.environ["SIMULATOR_URL"]
    client_id, client_secret = json.loads(os.environ["CHAOS_CLIENT"])
    return Settings.model_validate(
        {
            "database_url": os.environ["DATABASE_URL"],
            "database_pool": 15,
            "redis_url": "redis://127.0.0.1:1/0",
            "public_url": url,
            "dashboard_url": url,
            "webhook_secrets": WEBHOOK_SECRET,
            "encryption_keys": os.environ["CHAOS_KEY"],
            "jwks_url": url,
            "salesforce_login_url": url,
            "salesforce_sandbox_login_url": url,
            "salesforce_simulator_url": url,
            "salesforce_client_id": client_id,
            "salesforce_client_secret": SecretStr(client_secret),
            "times": HASTY if os.environ.get("CHAOS_HASTY") else Times(),
        }
    )


if __name__ == "__main__":
    asyncio.run(child())
