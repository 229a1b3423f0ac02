"""Connections whose every transaction begins as one role and with our limits, in the round trip of its BEGIN.

What is said when a connection is made holds as long as nothing stands between us and Postgres: a pooler drops
it, or keeps it for the next client. What is said inside a transaction holds for that transaction, everywhere.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import asyncpg

from app.infrastructure.sql_literals import text_literal

LIMITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "lock_timeout": "15s",
        "statement_timeout": "1min",
        "idle_in_transaction_session_timeout": "1min",
        # A plan that was kept from when a table was small or a host new walks all of the host's rows later.
        "plan_cache_mode": "force_custom_plan",
        # Rows are few, estimates of fresh tables high: to compile a plan takes longer than to carry it out.
        "jit": "off",
    }
)
"""As SHOW answers them."""


BEGIN_SECONDS: Final = 5.0
"""The longest that a transaction may take to begin: a connection whose other end fell silent is given up."""
CLOSE_SECONDS: Final = 1.0
"""The longest that a connection waits for its server's farewell; then it is cut."""
COMMAND_SECONDS: Final = 70.0
"""The longest that any statement may take: above `statement_timeout`, which needs a server that lives."""


@cache
def acting_as(role: str) -> type["asyncpg.Connection[asyncpg.Record]"]:
    """The driver's connection, for `role`: all that it begins, it begins as that role."""
    settings = {"role": role, **LIMITS}
    taken = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings.items())

    class Acting(asyncpg.Connection):  # type: ignore[misc]  # the driver has no types
        __slots__ = ("tenant",)

        tenant: str | None
        """Whose rows alone the next transaction sees; taken by its BEGIN."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.tenant = None

        async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109 -- the driver's
            if not query.startswith("BEGIN"):
                return str(await super().execute(query, *args, timeout=timeout))
            bound, self.tenant = _bound(self.tenant), None
            begin, _, first = query.partition(";")
            try:
                return str(
                    await super().execute(f"{begin}; SELECT {taken}{bound}; {first}", timeout=BEGIN_SECONDS)
                )
            except TimeoutError as error:
                self.terminate()
                raise asyncpg.ConnectionDoesNotExistError("the database fell silent") from error
            except BaseException:
                # A transaction that began as somebody else must not be gone on with.
                self.terminate()
                raise

        async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- the driver's
            await super().close(timeout=min(timeout or CLOSE_SECONDS, CLOSE_SECONDS))

    return Acting


def _bound(tenant: str | None) -> str:
    """What binds a transaction to a tenant."""
    return f", set_config('app.host_id', {text_literal(tenant)}, true)" if tenant is not None else ""
