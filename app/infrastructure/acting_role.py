"""Connections whose every transaction begins as one role and with our limits, in the round trip of its BEGIN.

What is said when a connection is made holds as long as nothing stands between us and Postgres: a pooler drops
it, or keeps it for the next client. What is said inside a transaction holds for that transaction, everywhere.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import asyncpg

from app.infrastructure.known_types import answer_for
from app.infrastructure.sql_literals import text_literal

PLANS_ANEW: Final = "force_custom_plan"
LIMITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "lock_timeout": "15s",
        "statement_timeout": "1min",
        "idle_in_transaction_session_timeout": "1min",
        # A plan that was kept from when a table was small or a host new walks all of the host's rows later.
        "plan_cache_mode": PLANS_ANEW,
        # Rows are few, estimates of fresh tables high: to compile a plan takes longer than to carry it out.
        "jit": "off",
    }
)
"""As SHOW answers them."""
KEEPING_PLANS: Final[Mapping[str, str]] = MappingProxyType(
    # Of a text whose plan is kept each row is found by an index, and in the order that this index has.
    {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "enable_sort": "off"}
)
"""What differs from LIMITS while plans are kept."""
NOT_WAITING: Final[Mapping[str, str]] = MappingProxyType({"synchronous_commit": "off"})
"""What differs while a commit is answered before it is on disk."""
PLAN_ANEW: Final = (
    f"SELECT set_config('plan_cache_mode', '{PLANS_ANEW}', true),"
    " set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true)"
)
"""What makes a transaction that kept plans go on as any other."""


BEGIN_SECONDS: Final = 5.0
"""The longest that a transaction may take to begin: a connection whose other end fell silent is given up."""
CLOSE_SECONDS: Final = 1.0
"""The longest that a connection waits for its server's farewell; then it is cut."""
COMMAND_SECONDS: Final = 70.0
"""The longest that any statement may take: above `statement_timeout`, which needs a server that lives."""


@cache
def acting_as(role: str) -> type["asyncpg.Connection[asyncpg.Record]"]:
    """The driver's connection, for `role`: all that it begins, it begins as that role."""
    taken = _first_said({"role": role, **LIMITS})

    class Acting(asyncpg.Connection):  # type: ignore[misc]  # the driver has no types
        __slots__ = ("keeps_plans", "tenant", "waits_for_disk")

        tenant: str | None
        """Whose rows alone the next transaction sees; taken by its BEGIN."""
        keeps_plans: bool
        """Whether it begins with what is a KeptPlan; taken by its BEGIN."""
        waits_for_disk: bool
        """Whether its commit is on disk when it is answered; taken by its BEGIN."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.tenant, self.keeps_plans, self.waits_for_disk = None, False, True

        async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109 -- the driver's
            if not query.startswith("BEGIN"):
                return str(await super().execute(query, *args, timeout=timeout))
            first_said = taken[self.keeps_plans, self.waits_for_disk] + _bound(self.tenant)
            self.tenant, self.keeps_plans, self.waits_for_disk = None, False, True
            begin, _, first = query.partition(";")
            try:
                return str(await super().execute(f"{begin}; {first_said}{first}", timeout=BEGIN_SECONDS))
            except TimeoutError as error:
                self.terminate()
                raise asyncpg.ConnectionDoesNotExistError("the database fell silent") from error
            except BaseException:
                # A transaction that began as somebody else must not be gone on with.
                self.terminate()
                raise

        async def _introspect_types(self, typeoids: Any, timeout: float) -> Any:  # noqa: ASYNC109 -- the driver's
            return answer_for(typeoids) or await super()._introspect_types(typeoids, timeout)

        async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- the driver's
            await super().close(timeout=min(timeout or CLOSE_SECONDS, CLOSE_SECONDS))

    return Acting


def _first_said(settings: Mapping[str, str]) -> dict[tuple[bool, bool], str]:
    """What begins a transaction, by whether it keeps plans and whether its commit waits for the disk."""
    kept = {False: settings, True: {**settings, **KEEPING_PLANS}}
    return {
        (keeps_plans, waits): _set(some if waits else {**some, **NOT_WAITING})
        for keeps_plans, some in kept.items()
        for waits in (True, False)
    }


def _set(settings: Mapping[str, str]) -> str:
    """As SET and not by functions: these would be planned as a query, for each transaction."""
    return "".join(f"SET LOCAL {name} = '{value}'; " for name, value in settings.items())


def _bound(tenant: str | None) -> str:
    """What binds a transaction to a tenant."""
    return f"SET LOCAL app.host_id = {text_literal(tenant)}; " if tenant is not None else ""
