"""The worker's part: claims the verification that waited longest, reads one portion, stores what differs.

A portion counts once all of it is stored: who crashes or is overtaken loses that portion, nothing else.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import case, func, literal, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.dependencies import Resources
from app.api.errors import ApiBudgetReached, ConnectionNeedsReconnect, NotConnected, Problem
from app.connections.counted_calls import org_calls
from app.infrastructure.database import Database
from app.models import Connection, Verification
from app.registrations.context import EventContext, load_context
from app.salesforce.client import SalesforceClient
from app.states import VerificationState
from app.sync.lookup.access import load_access
from app.sync.lookup.describe_cache import MAX_AGE, load_unique_fields
from app.sync.model.record_key import KEYED, key_fields
from app.sync.model.retry_policy import LIMIT_WAIT, host_wait
from app.verification.checks import Difference, differences_of
from app.verification.gates import LOOK_AGAIN, PAUSED, TODAY, Ended, Gate, Wait, closed_gate
from app.verification.org_reading import read_records
from app.verification.portions import Records, load_records, next_ids, settled_ids, store_differences

log = logging.getLogger(__name__)

PORTION: Final = 2_000
"""Registrations that are read together."""

CLAIM_LIFE: Final = timedelta(minutes=5)
"""How long a portion may take; after that another worker takes it up."""

PORTIONS_PER_TURN: Final = 50
ROUNDS: Final = 3
"""How often a registration is looked at that is written at the same time."""

ROUND_SECONDS: Final = 1.0
ACTIVE: Final = (VerificationState.RUNNING, VerificationState.PAUSED)


@dataclass(frozen=True)
class Portion:
    """What was read of the registrations `ids`; with `is_last` none are left."""

    ids: Sequence[str]
    is_last: bool
    differences: dict[str, list[Difference]] = field(default_factory=dict)


class Overtaken(Exception):
    """Another worker has taken the verification up, or somebody ended it: nothing of this portion counts."""


async def run_verifications(resources: Resources, *, portion: int = PORTION) -> int:
    """Read portions of the verifications that are due, turn by turn; returns how many were looked at."""
    for done in range(PORTIONS_PER_TURN):
        run = await _claim(resources.database)
        if run is None:
            return done
        await _advance(resources, run, portion=portion)
    return PORTIONS_PER_TURN


ANY_DUE: Final = """
    EXISTS (SELECT FROM verifications WHERE state IN ('running', 'paused') AND due_at <= clock_timestamp())
"""


async def _claim(database: Database) -> Verification | None:
    key = (Verification.host_id, Verification.verification_id)
    due = (
        select(*key)
        .where(Verification.state.in_(ACTIVE), Verification.due_at <= func.clock_timestamp())
        .order_by(Verification.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    async with database.system() as session:
        claimed = await session.scalars(
            update(Verification)
            .where(tuple_(*key).in_(due))
            .values(due_at=func.clock_timestamp() + literal(CLAIM_LIFE), fence=Verification.fence + 1)
            .returning(Verification)
        )
        return claimed.one_or_none()


async def _advance(resources: Resources, run: Verification, *, portion: int) -> None:
    database = resources.database
    async with database.tenant(run.host_id) as session:
        context = await load_context(session, run.host_id, run.event_id)
        gate = await closed_gate(session, run, context)
        ids = [] if gate is not None else await next_ids(session, run, most=portion)
    calls = 0
    try:
        if gate is not None:
            await _wait(database, run, gate, calls=0, failures=0)
            return
        found = Portion(ids, is_last=len(ids) < portion)
        if ids:
            async with org_calls(resources, run.host_id) as client:
                try:
                    await _read(resources, client, run, context, found)
                finally:
                    calls = client.calls
        await _store(database, run, found, calls=calls)
    except Problem as problem:
        await _wait(
            database, run, _gate_after(problem, run, context.now), calls=calls, failures=run.failures + 1
        )
    except Overtaken:
        log.info("verification_overtaken", extra=_about(run))


async def _read(
    resources: Resources, client: SalesforceClient, run: Verification, context: EventContext, portion: Portion
) -> None:
    """Add what differs to the portion, once it is certain that nobody wrote it meanwhile."""
    database, namespace = resources.database, resources.settings.salesforce_package_namespace
    open_ids: Sequence[str] = portion.ids
    for number in range(ROUNDS):
        if number:
            await asyncio.sleep(ROUND_SECONDS)
        async with database.tenant(run.host_id) as session:
            before = await _load(session, run, context, open_ids)
            access = await load_access(session, host_id=run.host_id, org_id=run.org_id)
            user_id = await session.scalar(
                select(Connection.user_id).where(Connection.host_id == run.host_id)
            )
            known = await load_unique_fields(session, run.host_id, run.org_id, KEYED, MAX_AGE)
        keyed = key_fields({name: each for name, each in known.items() if each is not None}, namespace)
        found = await read_records(client, list(before.values()), access=access, user_id=user_id)
        found = replace(found, keyed=frozenset(keyed))
        differing = {id_: some for id_, records in before.items() if (some := differences_of(records, found))}
        async with database.tenant(run.host_id) as session:
            certain = await _unchanged(session, run, context, {id_: before[id_] for id_ in differing})
        portion.differences.update({id_: differing[id_] for id_ in differing if id_ in certain})
        open_ids = sorted(differing.keys() - certain)
        if not open_ids:
            return


async def _load(
    session: AsyncSession, run: Verification, context: EventContext, ids: Sequence[str]
) -> Records:
    campaign_id = context.link.campaign_id if context.link else None
    return await load_records(session, run, ids, campaign_id=campaign_id)


async def _unchanged(
    session: AsyncSession, run: Verification, context: EventContext, before: Records
) -> set[str]:
    """Those of the registrations that are written as they were when they were read, by nobody just now."""
    settled = await settled_ids(session, run, before)
    now = await _load(session, run, context, sorted(settled))
    return {id_ for id_ in settled if now[id_] == before[id_]}


async def _store(database: Database, run: Verification, portion: Portion, *, calls: int) -> None:
    """Commit the portion, and the end of the run with the last one. Raises Overtaken."""
    checked = run.checked + len(portion.ids)
    values: dict[str, Any] = {
        **_spent(calls),
        "state": VerificationState.RUNNING,
        "cursor": portion.ids[-1] if portion.ids else run.cursor,
        "checked": checked,
        "total": max(run.total, checked),
        "failures": 0,
        "resumes_at": None,
        "due_at": func.clock_timestamp(),
    }
    if portion.is_last:
        values |= {
            "state": VerificationState.DONE,
            "total": checked,
            "finished_at": func.clock_timestamp(),
        }
    async with database.tenant(run.host_id) as session:
        # Whoever was erased since the portion was read is not to be found in it.
        living = await settled_ids(session, run, portion.differences)
        kept = {id_: some for id_, some in portion.differences.items() if id_ in living}
        await store_differences(session, run, kept)
        in_order = run.in_order + len(portion.ids) - len(kept)
        await _update(session, run, {**values, "in_order": in_order})
    if portion.is_last:
        log.info("verification_done", extra={**_about(run), "checked": checked})


async def _wait(database: Database, run: Verification, gate: Gate, *, calls: int, failures: int) -> None:
    """Note that the verification waits, or that it has ended."""
    now = func.clock_timestamp()
    values: dict[str, Any] = {**_spent(calls), "failures": failures}
    if isinstance(gate, Ended):
        values |= {"state": VerificationState.ENDED, "finished_at": now, "resumes_at": None}
        log.info("verification_ended", extra=_about(run))
    elif gate.is_shown:
        values |= {"state": VerificationState.PAUSED, "resumes_at": gate.at}
        values |= {"due_at": gate.at or now + literal(gate.after)}
    else:
        values |= {"state": VerificationState.RUNNING, "resumes_at": None}
        values |= {"due_at": now + literal(gate.after)}
    async with database.tenant(run.host_id) as session:
        await _update(session, run, values)


def _gate_after(problem: Problem, run: Verification, now: datetime) -> Gate:
    """How a verification waits whose portion could not be read."""
    match problem:
        case NotConnected():
            return Ended()
        case ConnectionNeedsReconnect():
            return PAUSED
        case ApiBudgetReached():
            return Wait(now + timedelta(seconds=LIMIT_WAIT))
        case _:
            log.warning("verification_waits", extra={**_about(run), "problem": type(problem).__name__})
            return Wait(now + max(LOOK_AGAIN, timedelta(seconds=host_wait(run.failures + 1, 0.5))))


def _spent(calls: int) -> dict[str, Any]:
    is_today = Verification.calls_day == TODAY
    return {
        "api_calls": Verification.api_calls + calls,
        "calls_today": case((is_today, Verification.calls_today + calls), else_=calls),
        "calls_day": TODAY,
    }


async def _update(session: AsyncSession, run: Verification, values: dict[str, Any]) -> None:
    """Raises Overtaken where the claim is no longer ours."""
    ours = (
        Verification.host_id == run.host_id,
        Verification.verification_id == run.verification_id,
        Verification.fence == run.fence,
        Verification.state.in_(ACTIVE),
    )
    updated = await session.scalars(
        update(Verification).where(*ours).values(values).returning(Verification.verification_id)
    )
    if updated.one_or_none() is None:
        raise Overtaken


def _about(run: Verification) -> dict[str, str]:
    return {"host_id": run.host_id, "event_id": run.event_id, "verification_id": run.verification_id}
