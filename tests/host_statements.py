"""Which statements of the service name a host, heard while tests run: what Citus could send to one shard.

Every table of tenants is to be distributed by `host_id`. Citus sends a statement to one shard when it
compares that column with a value; anything else it asks of all shards. So statements of the intake, the
engine and the monitor name `host_id`, and what does not is in ACROSS_HOSTS with its reason. Source: Citus,
"Query Processing".
"""

import re
import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from types import FrameType
from typing import Any, Final

from sqlalchemy import TextClause, event
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncSession

from app.infrastructure import raw_connection
from app.infrastructure.direct_session import DirectSession, positional
from app.models import Base

JUDGED: Final = ("app.webhooks.", "app.sync.", "app.registrations.", "app.live.")
"""Intake, engine and monitor."""
BETWEEN: Final = ("app.infrastructure", "app.models", "sqlalchemy", "contextlib", "asyncio")
"""What passes statements on for somebody else."""
DISTRIBUTED: Final = frozenset(
    table.name for table in Base.metadata.sorted_tables if table.primary_key.columns.keys()[0] == "host_id"
)
"""Tables to be split by host; the rest are reference tables, or stay on the coordinator."""
TABLES: Final = re.compile(r'\b(?:from|join|into|update|using)\s+(?:only\s+)?"?(\w+)"?', re.I)
COMPARED: Final = re.compile(
    r"""host_id \s* = \s* (?: any \s* \( \s* )? (?: cast \s* \( \s* )? \$\d
      | host_id \s+ in \s* \(
      | \( [^()]* \b host_id \b [^()]* \) \s* (?: in | = \s* any ) \b
      | insert \s+ into \s+ \w+ \s* (?: as \s+ \w+ \s* )? \( [^)]* \b host_id \b""",
    re.I | re.X,
)
GROUP: Final = re.compile(
    r"\b(?:unnest|jsonb_to_recordset|jsonb_populate_recordset|jsonb_array_elements)\s*\(.*host_id\s*=",
    re.I | re.S,
)
"""The rows of a group, each with its host."""
ACROSS_HOSTS: Final = {
    "app.sync.jobs.claim:hosts_with_open_gates": "the hosts of one org, once a batch; few rows by an index",
    "app.sync.jobs.claim:release_unless_due": "due rows of the hosts of one org, once a drain, by indexes",
    "app.sync.jobs.leases:acquire": "running rows and hosts of one org, once a drain, by indexes",
    "app.sync.jobs.claim:orgs_with_work": "the sweep: a loose scan over waiting rows, run per shard",
    "app.sync.jobs.leases:recover_running_jobs": "the running rows of an org whose worker died, by an index",
}
"""Functions whose statements are asked of every shard, and why that is no harm."""
SENDING: Final = frozenset({"execute", "scalar", "scalars", "stream"})
ASKING: ContextVar[str | None] = ContextVar("asking", default=None)

heard: dict[str, set[str]] = {}
"""Statements that name no host, by the function that sent them."""
_judged: set[tuple[str, int]] = set()


def names_a_host(sql: str) -> bool:
    """Whether one shard, or those of a group's hosts, can answer; so too without a table of tenants."""
    tables = {name.lower() for name in TABLES.findall(sql)}
    return not tables & DISTRIBUTED or bool(COMPARED.search(sql) or GROUP.search(sql))


def unexpected() -> list[str]:
    """Functions of intake, engine and monitor whose statements name no host, and are not known for it."""
    return sorted(
        f"{sender}: {' '.join(sql.split())[:200]}"
        for sender, statements in heard.items()
        if sender.startswith(JUDGED) and sender not in ACROSS_HOSTS
        for sql in statements
    )


def listen() -> None:
    """Hear what sessions and the intake's own connection send from now on."""
    for sending in (AsyncSession, DirectSession):
        for name in SENDING & vars(sending).keys():
            setattr(sending, name, _attributed(getattr(sending, name)))
    executor = raw_connection.AsyncpgExecutor
    send = executor.execute

    async def execute(self: raw_connection.AsyncpgExecutor, statement: TextClause, parameters: Any) -> Any:
        _hear(_sender(sys._getframe(1)), positional(statement).sql)
        return await send(self, statement, parameters)

    executor.execute = execute  # type: ignore[method-assign]
    event.listen(Engine, "before_cursor_execute", lambda _, __, sql, *___: _hear(ASKING.get(), sql))


def _attributed(send: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def attributed(*args: Any, **options: Any) -> Any:
        token = ASKING.set(_sender(sys._getframe(1)))
        try:
            return await send(*args, **options)
        finally:
            ASKING.reset(token)

    return attributed


def _hear(sender: str | None, sql: str) -> None:
    if sender is None or (sender, hash(sql)) in _judged:
        return
    _judged.add((sender, hash(sql)))
    if not names_a_host(sql):
        heard.setdefault(sender, set()).add(sql)


def _sender(frame: FrameType | None) -> str | None:
    """`module:function` of whoever sends a statement; None where that is a test."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if not module.startswith((*BETWEEN, __name__)):
            return f"{module}:{frame.f_code.co_name}" if module.startswith(("app.", "workers.")) else None
        frame = frame.f_back
    return None
