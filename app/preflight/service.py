"""Run preflights: checks of a host's org after connecting and on request."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.api_budget import api_budget_of
from app.api.dependencies import Resources
from app.api.errors import ApiBudgetReached, ConnectionNeedsReconnect, NotConnected, Problem
from app.campaigns.relink import relink_after_org_change
from app.connections.counted_calls import org_calls
from app.connections.grants.approval_limit import count_approvals
from app.connections.model.messages import api_advice
from app.connections.oauth.error_mapping import ADVICE_BY_API_CODE
from app.connections.tokens.connection_state import disconnect_by_salesforce
from app.connections.tokens.probe import REOPENABLE, probe
from app.connections.tokens.provider import open_token
from app.field_mapping.store import read_layers
from app.hosts.settings import settings_of
from app.infrastructure.database import database_now
from app.models import Connection, Host, OrgLease, Preflight, Registration
from app.preflight.checks import (
    case_problems,
    email_problems,
    has_currencies,
    has_person_accounts,
    hides_new_leads,
    run_checks,
    shown_objects,
    verdict_of,
)
from app.preflight.findings import PreflightContext, make_finding
from app.preflight.org_queries import OrgSnapshot, query_org
from app.preflight.package import package_in_org
from app.preflight.schemas import Finding, PreflightOrg, PreflightShown, PreflightUser
from app.preflight.stored_result import result_to_store, stored_result
from app.salesforce.allowed_hosts import lightning_url
from app.salesforce.auth import ConnectionEnded, ends_at
from app.salesforce.client import SalesforceClient
from app.salesforce.composite import MAX_ROWS
from app.salesforce.describe import describe_body
from app.salesforce.errors import RequestRejected, SalesforceError
from app.states import ConnectionState
from app.sync.jobs.gates import clear_host_backoff
from app.sync.lookup.access import (
    CASES_NOT_CREATEABLE,
    EMAIL_NOT_SEARCHABLE,
    NEW_LEADS_HIDDEN,
    AccessProblem,
    recheck_problems,
    store_problems,
)
from app.sync.lookup.describe_cache import expire_describes, store_describes
from app.sync.lookup.parse import TASK_STATUS
from app.sync.lookup.view_all import OBJECT_PERMISSIONS, cache_body
from app.sync.model.record_key import KeyRules
from app.sync.model.record_kinds import DEFAULT_WRITES, written_objects
from app.sync.model.row_caps import Caps

log = logging.getLogger(__name__)

EVENT_WRITES: Final = text("""
    SELECT DISTINCT chosen.key FROM events, jsonb_each(events.writes) AS chosen
    WHERE events.host_id = :host_id AND events.is_enabled IS NOT FALSE AND chosen.value = 'true'
""")
TIMEOUT: Final = timedelta(seconds=120)
MAX_CONCURRENT: Final = 10
SAMPLE: Final = 500
NOTHING_SEEN: Final = PreflightShown(
    verdict="unknown", checked_at=None, is_running=False, api_calls=0, org=None, user=None, budget=None,
    objects=[], findings=[], passed=[],
)  # fmt: skip


async def last_preflight(resources: Resources, host_id: str) -> PreflightShown:
    """The last look at the org that is connected now. Raises NotConnected."""
    async with resources.database.tenant(host_id) as session:
        connection = await session.get(Connection, host_id)
        row = await session.get(Preflight, host_id)
    if connection is None:
        raise NotConnected
    return _shown(row, connection.org_id, datetime.now(UTC))


async def run_preflight(resources: Resources, host_id: str, *, is_for_person: bool = False) -> PreflightShown:
    """Check the org now and store the result; a connection that was closed to the API reopens if it answers.

    Raises NotConnected, and ConnectionNeedsReconnect where a check cannot help.
    """
    await _mark_started(resources, host_id)
    try:
        shown = await _check(resources, host_id, is_for_person=is_for_person)
    except Problem:
        await _store(resources, host_id, None)
        raise
    await _store(resources, host_id, shown)
    return shown


async def run_requested_preflights(resources: Resources) -> int:
    """Run the requested preflights that are not running (a periodic task); returns how many."""
    hosts = await _claim_wanted(resources)
    for host_id in hosts:
        try:
            await run_preflight(resources, host_id)
        except ApiBudgetReached:
            await _put_off(resources, host_id)
        except Problem as problem:
            log.info("preflight_not_run", extra={"host_id": host_id, "problem": type(problem).__name__})
    return len(hosts)


async def _check(resources: Resources, host_id: str, *, is_for_person: bool) -> PreflightShown:
    connection, asked_at = await _connection(resources, host_id)
    if connection.state == ConnectionState.NEEDS_RECONNECT and connection.reason_code in REOPENABLE:
        await probe(resources, host_id)
        connection, asked_at = await _connection(resources, host_id)
    if connection.state == ConnectionState.NEEDS_RECONNECT and connection.reason_code not in REOPENABLE:
        raise ConnectionNeedsReconnect(reason=connection.reason_code)
    if connection.state == ConnectionState.NEEDS_RECONNECT:
        return _closed(connection, connection.reason_code or "")
    async with org_calls(resources, host_id, is_for_person=is_for_person) as client:
        try:
            is_sandbox = connection.org_is_sandbox is True
            org = await query_org(client, connection.user_id, is_sandbox=is_sandbox)
            await relink_after_org_change(
                resources.database, client, host_id=host_id, org_id=connection.org_id
            )
        except SalesforceError as error:
            return await _refused(resources, connection, error)
    return await _evaluate(resources, connection, client=client, org=org, asked_at=asked_at)


async def _connection(resources: Resources, host_id: str) -> tuple[Connection, datetime]:
    """The connection and Postgres's time of reading it. Raises NotConnected."""
    async with resources.database.tenant(host_id) as session:
        asked_at = await database_now(session)
        connection = await session.get(Connection, host_id)
    if connection is None or connection.state == ConnectionState.DISCONNECTED:
        raise NotConnected
    return connection, asked_at


async def _evaluate(
    resources: Resources,
    connection: Connection,
    *,
    client: SalesforceClient,
    org: OrgSnapshot,
    asked_at: datetime,
) -> PreflightShown:
    async with resources.database.tenant(connection.host_id) as session:
        await clear_host_backoff(session, connection.host_id)
        measured = await session.get_one(Connection, connection.host_id)
        host = await session.get(Host, connection.host_id)
        known = await _context(resources, session, measured, host=host)
        await _keep_describes(session, connection, org, asked_at)
        await _settle_problems(session, connection, org, known)
    findings, passed = run_checks(org, known)
    return NOTHING_SEEN.model_copy(
        update={
            "verdict": verdict_of(findings),
            "checked_at": datetime.now(UTC),
            "api_calls": client.calls,
            "org": _org(measured, org),
            "user": _user(measured, org),
            "budget": known.budget,
            "objects": shown_objects(org, known.rules, known.writes),
            "findings": findings,
            "passed": passed,
            "package": package_in_org(org.objects, known.key_rules),
        }
    )


async def _context(
    resources: Resources, session: AsyncSession, measured: Connection, *, host: Host | None
) -> PreflightContext:
    """What is known of the connection beside what the org answered."""
    settings = resources.settings
    return PreflightContext(
        lightning_url=lightning_url(measured.instance_url),
        budget=api_budget_of(measured, host.api_cap_percent if host else 80, datetime.now(UTC)),
        without_company=await _share_without_company(session, measured.host_id),
        is_sandbox=measured.org_is_sandbox,
        edition=measured.org_edition,
        caps=await _caps(resources, measured.org_id),
        has_jwt_tokens=_has_jwt_tokens(resources, measured),
        problems=tuple(map(AccessProblem.of, measured.problems)),
        approvals=await _approvals(resources, measured),
        rules=(await read_layers(session, measured.host_id, None)).rules_of_all_links,
        key_rules=KeyRules(settings.salesforce_package_namespace, settings.pepper is not None),
        writes=await _writes(session, host),
    )


def _has_jwt_tokens(resources: Resources, connection: Connection) -> bool:
    return ends_at(open_token(resources.vault, connection).value) is not None


async def _keep_describes(
    session: AsyncSession, connection: Connection, org: OrgSnapshot, asked_at: datetime
) -> None:
    """What was just read is what the mapping and the engine need, too."""
    bodies = {
        name: {} if described is None else describe_body(described)
        for name, described in org.objects.items()
        if name in written_objects()
    }
    if org.closed_statuses is not None:
        bodies[TASK_STATUS] = {"closed": list(org.closed_statuses)}
    if org.fully_visible is None:
        await expire_describes(session, host_id=connection.host_id, sobjects=[OBJECT_PERMISSIONS])
    else:
        bodies[OBJECT_PERMISSIONS] = cache_body(org.fully_visible, connection.user_id)
    await store_describes(
        session, bodies, host_id=connection.host_id, org_id=connection.org_id, asked_at=asked_at
    )


async def _settle_problems(
    session: AsyncSession, connection: Connection, org: OrgSnapshot, known: PreflightContext
) -> None:
    """Replace the stored access problems by what was just found; the other jobs are tried again."""
    host_id, org_id = connection.host_id, connection.org_id
    about = {EMAIL_NOT_SEARCHABLE, CASES_NOT_CREATEABLE}
    if hides_new_leads(org, known.rules) is False:
        about |= {NEW_LEADS_HIDDEN}
    found = [*email_problems(org), *case_problems(org, known)]
    await store_problems(session, found, host_id=host_id, org_id=org_id, about=about)
    await recheck_problems(session, host_id=host_id, org_id=org_id, except_codes=about)


async def _writes(session: AsyncSession, host: Host | None) -> frozenset[str]:
    """The kinds of write that are on, be it for one event; those on by default count in any case."""
    of_host = settings_of(host).writes.model_dump() if host else {}
    chosen = {name for name, is_on in of_host.items() if is_on}
    of_events = await session.scalars(EVENT_WRITES, {"host_id": host.host_id}) if host else ()
    return DEFAULT_WRITES | chosen | set(of_events)


async def _approvals(resources: Resources, connection: Connection) -> int:
    if connection.user_id is None:
        return 0
    key = (connection.org_id, connection.user_id, connection.client_id)
    async with resources.database.system() as session:
        return await count_approvals(session, key)


async def _caps(resources: Resources, org_id: str) -> dict[str, int]:
    async with resources.database.system() as session:
        lease = await session.get(OrgLease, org_id)
    known = Caps.of(lease.caps if lease else {}).known
    return {kind: cap.rows for kind, cap in known.items() if cap.rows < MAX_ROWS}


async def _share_without_company(session: AsyncSession, host_id: str) -> float:
    latest = (
        select(Registration.attendee["company"].astext.label("company"))
        .where(Registration.host_id == host_id)
        .order_by(Registration.change_no.desc())
        .limit(SAMPLE)
        .subquery()
    )
    is_missing = func.coalesce(latest.c.company, "") == ""
    row = (await session.execute(select(func.count(), func.count().filter(is_missing)))).one()
    return row[1] / row[0] if row[0] >= 10 else 0.0


async def _refused(resources: Resources, connection: Connection, error: SalesforceError) -> PreflightShown:
    """Handle a failed check: it may have ended the connection."""
    if isinstance(error, ConnectionEnded):
        raise ConnectionNeedsReconnect(reason=error.reason_code) from error
    code = error.failure.error_code if isinstance(error, RequestRejected) else ""
    reason = ADVICE_BY_API_CODE.get(code, "")
    if reason in REOPENABLE:
        async with resources.database.tenant(connection.host_id) as session:
            await disconnect_by_salesforce(session, connection.host_id, reason_code=reason)
        return _closed(connection, reason)
    known = PreflightContext(lightning_url(connection.instance_url), edition=connection.org_edition)
    return _without_look("unknown", [make_finding("could_not_look", known)])


def _closed(connection: Connection, reason: str) -> PreflightShown:
    code = api_advice(connection.org_edition) if reason == "api_disabled" else reason
    known = PreflightContext(lightning_url(connection.instance_url), edition=connection.org_edition)
    finding = make_finding(code, known, blocks=("everything",))
    shown = _without_look("blocked", [finding])
    return shown.model_copy(update={"org": _org(connection, OrgSnapshot())})


def _without_look(verdict: str, findings: list[Finding]) -> PreflightShown:
    changed = {"verdict": verdict, "checked_at": datetime.now(UTC), "findings": findings}
    return NOTHING_SEEN.model_copy(update=changed)


def _org(connection: Connection, org: OrgSnapshot) -> PreflightOrg:
    return PreflightOrg(
        id=connection.org_id,
        name=org.organization.get("Name") or connection.org_name,
        edition=org.organization.get("OrganizationType") or connection.org_edition,
        is_sandbox=connection.org_is_sandbox,
        has_person_accounts=has_person_accounts(org),
        has_multiple_currencies=has_currencies(org),
        default_time_zone=org.organization.get("TimeZoneSidKey"),
    )


def _user(connection: Connection, org: OrgSnapshot) -> PreflightUser:
    user = org.user or {}
    return PreflightUser(
        id=connection.user_id,
        username=user.get("Username") or connection.username,
        has_marketing_user=user.get("UserPermissionsMarketingUser"),
        is_api_enabled=True,
    )


def _shown(row: Preflight | None, org_id: str, now: datetime) -> PreflightShown:
    if row is None or row.org_id != org_id:
        return NOTHING_SEEN
    is_started = row.started_at is not None and now - row.started_at < TIMEOUT
    shown = stored_result(row.result) if row.result else NOTHING_SEEN
    return shown.model_copy(update={"is_running": is_started or row.requested_at is not None})


async def _mark_started(resources: Resources, host_id: str) -> None:
    values = {"started_at": func.clock_timestamp()}
    async with resources.database.tenant(host_id) as session:
        row = insert(Preflight).values(host_id=host_id, **values)
        await session.execute(row.on_conflict_do_update(index_elements=["host_id"], set_=values))


async def _store(resources: Resources, host_id: str, shown: PreflightShown | None) -> None:
    """Store the result; None only ends the run."""
    seen: dict[str, Any] = {"started_at": None, "requested_at": None}
    if shown is not None:
        result = result_to_store(shown)
        seen |= {"result": result, "checked_at": shown.checked_at, "org_id": shown.org and shown.org.id}
    async with resources.database.tenant(host_id) as session:
        if shown is not None and shown.org is None:
            connection = await session.get(Connection, host_id)
            seen["org_id"] = connection.org_id if connection else None
        await session.execute(update(Preflight).where(Preflight.host_id == host_id).values(seen))
        touched = {"version": Connection.version + 1}
        await session.execute(update(Connection).where(Connection.host_id == host_id).values(touched))


async def _put_off(resources: Resources, host_id: str) -> None:
    """Look after LONGEST again: the host's share of the org's calls is used up just now."""
    async with resources.database.tenant(host_id) as session:
        wish = {"requested_at": func.clock_timestamp(), "started_at": func.clock_timestamp()}
        await session.execute(update(Preflight).where(Preflight.host_id == host_id).values(wish))


ANY_REQUESTED: Final = "EXISTS (SELECT FROM preflights WHERE requested_at IS NOT NULL)"


async def _claim_wanted(resources: Resources) -> list[str]:
    is_free: ColumnElement[bool] = or_(
        Preflight.started_at.is_(None), func.clock_timestamp() - Preflight.started_at > TIMEOUT
    )
    wanted = (
        select(Preflight.host_id)
        .where(Preflight.requested_at.is_not(None), is_free)
        .order_by(Preflight.requested_at)
        .limit(MAX_CONCURRENT)
        .with_for_update(skip_locked=True)
    )
    async with resources.database.system() as session:
        taken = await session.scalars(
            update(Preflight)
            .where(Preflight.host_id.in_(wanted))
            .values(started_at=func.clock_timestamp())
            .returning(Preflight.host_id)
        )
        return list(taken)
