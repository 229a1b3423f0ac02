"""/livez and /readyz: for the platform that runs us, without a token and without tenants' data."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.api.dependencies import Resources, ResourcesDep
from app.infrastructure.clock_skew import compare_clocks
from app.infrastructure.database import Database
from app.infrastructure.database_errors import sqlstate
from app.infrastructure.encryption import DecryptionFailed, Encryptor, KeyMissing
from app.infrastructure.log_limit import LogLimit
from app.infrastructure.schema_revision import schema_fault
from app.infrastructure.startup_checks import read_stamp
from app.infrastructure.tenant_isolation import fault_of_app, fault_of_system

log = logging.getLogger(__name__)
limit = LogLimit(log)

router = APIRouter(tags=["health"])

CHECK_SECONDS: Final = 3.0
KEYS_NEVER_READ: Final = "never read: bearer tokens are answered 503"
UNREACHABLE: Final = (DBAPIError, PoolTimeout, OSError, TimeoutError)


@router.get("/livez")
async def livez() -> dict[str, str]:
    """The loop answers. Looks at nothing else: a database that is away must not restart the fleet."""
    return {"status": "alive"}


NOT_READY: Final[dict[int | str, dict[str, Any]]] = {
    503: {
        "description": "Not ready: `checks` say why",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


@router.get("/readyz", responses=NOT_READY)
async def readyz(request: Request, resources: ResourcesDep) -> JSONResponse:
    """Postgres answers, its tables are of this release, our clock is near its own, and secrets can be opened.

    Redis is not asked. A process that was told to stop is not ready, though it serves on for a while. Whether
    the platform's keys were read is shown and does not decide: webhooks need none.
    """
    return await readiness_of_api(resources, is_stopping=request.app.state.is_stopping)


async def readiness_of_api(resources: Resources, *, is_stopping: bool) -> JSONResponse:
    """The answer of an API process, on either of its ports."""
    checks = await check_process(resources, is_stopping=is_stopping)
    has_keys = await resources.verifier.source.are_known()
    return ready_or_not(checks, shown={"token_keys": "ok" if has_keys else KEYS_NEVER_READ})


async def check_process(resources: Resources, *, is_stopping: bool) -> dict[str, str]:
    """What must be "ok" of any process, API or worker."""
    return {
        "process": "stopping" if is_stopping else "ok",
        **await database_checks(resources.database),
        "keys": "ok" if has_working_keys(resources.vault) else "the encryption keys do not work",
    }


def ready_or_not(checks: Mapping[str, str], *, shown: Mapping[str, str]) -> JSONResponse:
    """200 when all checks are "ok", else 503; what is only shown does not decide."""
    is_ready = set(checks.values()) == {"ok"}
    body = {"status": "ready" if is_ready else "not_ready", "checks": {**checks, **shown}}
    return JSONResponse(body, 200 if is_ready else 503, headers={"Cache-Control": "no-store"})


async def database_checks(database: Database) -> dict[str, str]:
    """`database`, `roles`, `migrations` and `clock`: "ok", or what is wrong."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            stamp = await read_stamp(database)
            fault = await fault_of_system(database) or await fault_of_app(database)
            skew = await compare_clocks(database)
    except UNREACHABLE as error:
        kind, state = type(error).__name__, sqlstate(error)
        limit.log(logging.WARNING, "not_ready", key=f"{kind} {state}", error=kind, sqlstate=state)
        return {"database": "does not answer"} | dict.fromkeys(("roles", "migrations", "clock"), "unknown")
    if fault is not None:
        limit.log(logging.ERROR, "role_unsafe", key=fault, fault=fault)
    return {
        "database": "ok",
        "roles": "ok" if fault is None else "not as they must be: the log says role_unsafe",
        "migrations": schema_fault(stamp) or "ok",
        "clock": skew.fault or "ok",
    }


def has_working_keys(vault: Encryptor) -> bool:
    """Whether a value can be sealed and opened again."""
    try:
        return (
            vault.open(vault.seal("ready", host_id="", column="ready"), host_id="", column="ready") == "ready"
        )
    except (KeyMissing, DecryptionFailed):
        return False
