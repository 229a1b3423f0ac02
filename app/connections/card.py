"""The card: everything the dashboard shows about one host's connection, put together from what is stored."""

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, cast
from urllib.parse import urlsplit

from sqlalchemy import and_, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from app.api.api_budget import DEFAULT_CAP, Budget, api_budget_of
from app.api.auth import WRITE_ROLES, Principal, Role
from app.api.dependencies import Resources
from app.config.origins import callback_at
from app.config.settings import Settings
from app.connections.grants.approval_limit import approvals_view, count_approvals
from app.connections.model.app_credentials import AppChoice, chosen_app, is_own
from app.connections.model.messages import explain, explain_problem, explain_reason
from app.connections.model.schemas import (
    SCOPES,
    Action,
    Actions,
    App,
    Backoff,
    BeforeConnection,
    Card,
    ConnectionStateName,
    ConnectionView,
    Credentials,
    Fault,
    Pause,
    Policy,
    PreflightSummary,
    ProblemShown,
    Work,
    org_view,
    user_view,
)
from app.hosts.settings import settings_of, unknown_host
from app.models import Connection, Event, Host, OrgLease, Preflight, SyncJob
from app.models.conditions import SHOWN_STATE
from app.states import BackoffReason, ConnectionState, JobState, WaitReason
from app.sync.jobs.unwritten import count_unwritten
from app.sync.lookup.access import AccessProblem
from app.user_messages.catalog import say
from app.user_messages.rows import Advice

PENDING: Final = (JobState.PENDING, JobState.RUNNING, JobState.AMBIGUOUS, JobState.HELD)
WAITABLE: Final = (JobState.PENDING, JobState.AMBIGUOUS)
LIVING: Final = (ConnectionState.CONNECTED, ConnectionState.NEEDS_RECONNECT)
HOSTS_MAX: Final = 1000
ORGS_MAX: Final = 5
NEVER_MEASURED: Final = Connection()
NOTHING_TO_DO: Final = Work(pending=0, waiting=0, failed=0, oldest_pending_at=None)


@dataclass(frozen=True)
class CardData:
    """Everything stored about a host that its card needs.

    `approvals` counts over all hosts; only people who manage the other hosts of the org may see them in
    `other_hosts`.
    """

    host_id: str
    host: Host | None
    connection: Connection | None
    work: Work
    approvals: int
    other_hosts: frozenset[str]
    app: AppChoice
    preflight: Preflight | None
    before: BeforeConnection
    lease: OrgLease | None
    package_in: tuple[str, ...] = ()


async def load_card(resources: Resources, host_id: str, principal: Principal) -> Card:
    """The card as `principal` sees it. Raises HostNotFound."""
    role, now = principal.role_on(host_id), datetime.now(UTC)
    facts = await load_facts(resources, host_id, now)
    facts = replace(facts, other_hosts=facts.other_hosts & principal.roles.keys())
    others = principal.roles.keys() - {host_id}
    if others and facts.app.mode == "shared" and not _is_living(facts.connection):
        facts = replace(facts, package_in=await _orgs_with_package(resources, others))
    return make_card(resources.settings, facts, role=role, now=now)


async def load_facts(resources: Resources, host_id: str, now: datetime) -> CardData:
    """Read what the card needs; the two figures across hosts come from the system's side."""
    async with resources.database.tenant(host_id) as session:
        host = await session.get(Host, host_id)
        connection = await session.get(Connection, host_id)
        app = await chosen_app(session, host_id)
        preflight = await session.get(Preflight, host_id)
        lease = await session.get(OrgLease, connection.org_id) if connection else None
        work = await _work(session, host, connection=connection, lease=lease, now=now)
        unwritten = await count_unwritten(session, host_id, org_id=connection.org_id if connection else None)
        before = BeforeConnection(**vars(unwritten))
    approvals, other_hosts = await _across_hosts(resources, connection)
    return CardData(host_id, host, connection, work, approvals, other_hosts, app, preflight, before, lease)


async def _orgs_with_package(resources: Resources, hosts: Set[str]) -> tuple[str, ...]:
    """The orgs to which these hosts are connected through the shared app: its package is there."""
    shared = resources.settings.salesforce_client_id
    query = (
        select(func.coalesce(Connection.org_name, Connection.org_id))
        .where(Connection.host_id.in_(sorted(hosts)[:HOSTS_MAX]), Connection.client_id == shared)
        .where(Connection.state == ConnectionState.CONNECTED)
        .distinct()
        .limit(ORGS_MAX)
    )
    async with resources.database.system() as session:
        return tuple(sorted(await session.scalars(query)))


def make_card(settings: Settings, facts: CardData, *, role: Role, now: datetime) -> Card:
    connection = facts.connection
    state = _state(settings, facts)
    is_shown = connection is not None and state != ConnectionState.NOT_CONFIGURED
    return Card(
        host_id=facts.host_id,
        state=cast("ConnectionStateName", state),
        state_since=connection.state_since if connection and is_shown else None,
        reason=_reason(settings, state, facts=facts),
        fault=_fault(settings, state, facts=facts),
        backoff=_backoff(facts.lease, now) if state == ConnectionState.CONNECTED else None,
        role=role,
        actions=_actions(settings, state, role=role, app=facts.app),
        app=_app(settings, facts),
        connection=_connection(facts, connection) if connection and is_shown else None,
        preflight=_preflight(facts),
        work=facts.work,
        problems=_problems(settings, connection) if connection and state == ConnectionState.CONNECTED else [],
        before_connection=facts.before,
        budget=_budget(facts, now),
        pause=_pause(facts.host),
        policy=Policy(new_events=settings_of(facts.host or unknown_host(facts.host_id)).new_events),
        support_email=settings.support_email,
        version=connection.version if connection else 0,
    )


def _state(settings: Settings, facts: CardData) -> ConnectionState:
    if not settings.has_shared_app and facts.app.saved is None:
        return ConnectionState.NOT_CONFIGURED
    if facts.connection is None:
        return ConnectionState.NOT_CONNECTED
    return ConnectionState(facts.connection.state)


def _reason(settings: Settings, state: ConnectionState, *, facts: CardData) -> Advice | None:
    if state == ConnectionState.NOT_CONFIGURED:
        return explain(settings, "environment_not_configured")
    if facts.connection is None or state in (ConnectionState.CONNECTED, ConnectionState.NOT_CONNECTED):
        return None
    connection = facts.connection
    advice = explain_reason(
        settings,
        connection.reason_code or "access_revoked",
        is_own=is_own(connection.client_id),
        edition=connection.org_edition,
    )
    waiting = facts.work.waiting
    if not waiting:
        return advice
    changes = say("card.one_waiting") if waiting == 1 else say("card.many_waiting", count=waiting)
    return advice.model_copy(update={"explanation": f"{advice.explanation} {changes}"})


def _is_living(connection: Connection | None) -> bool:
    return connection is not None and connection.state in LIVING


def _fault(settings: Settings, state: ConnectionState, *, facts: CardData) -> Fault | None:
    connection = facts.connection
    if connection is None or connection.fault_code is None or state != ConnectionState.CONNECTED:
        return None
    return Fault(advice=explain(settings, connection.fault_code), until=connection.fault_until)


def _backoff(lease: OrgLease | None, now: datetime) -> Backoff | None:
    if lease is None or lease.not_before is None or lease.not_before <= now:
        return None
    return Backoff(code=lease.not_before_reason or BackoffReason.UNAVAILABLE, until=lease.not_before)


def _actions(settings: Settings, state: ConnectionState, *, role: Role, app: AppChoice) -> Actions:
    is_living = state in LIVING
    return Actions(
        connect=_action(role, _connect_blocker(settings, app)),
        disconnect=_action(role, None if is_living else "NotConnected"),
        edit_credentials=_action(role, None),
        pause=_action(role, None),
    )


def _connect_blocker(settings: Settings, app: AppChoice) -> str | None:
    if app.mode == "own":
        return "CredentialsMissing" if app.saved is None else None
    return None if settings.has_shared_app else "NotConfigured"


def _action(role: Role, why_not: str | None) -> Action:
    why_not = why_not if role in WRITE_ROLES else "RoleInsufficient"
    return Action(is_allowed=why_not is None, why_not=why_not)


def _app(settings: Settings, facts: CardData) -> App:
    is_shared = facts.app.mode == "shared"
    return App(
        mode=facts.app.mode,
        is_package_required=is_shared,
        package_install_url=settings.salesforce_package_url if is_shared else None,
        package_install_url_sandbox=settings.salesforce_package_url_sandbox if is_shared else None,
        package_in=list(facts.package_in),
        redirect_uri=callback_at(settings.address_of(facts.host.public_url if facts.host else None)),
        scopes=list(SCOPES),
        credentials=_credentials(facts),
    )


def _credentials(facts: CardData) -> Credentials | None:
    saved, connection = facts.app.saved, facts.connection
    if saved is None:
        return None
    is_living = connection is not None and connection.state == ConnectionState.CONNECTED
    return Credentials(
        consumer_key_last4=saved.consumer_key_last4,
        consumer_secret_last4=saved.consumer_secret_last4,
        fingerprint=saved.fingerprint,
        saved_at=saved.saved_at,
        saved_by=saved.saved_by,
        is_in_use=is_living and connection is not None and connection.client_id == saved.app_ref,
    )


def _connection(facts: CardData, connection: Connection) -> ConnectionView:
    return ConnectionView(
        environment=connection.environment,
        login_host=urlsplit(connection.login_url).netloc,
        org=org_view(connection),
        user=user_view(connection),
        api_version=connection.api_version,
        connected_at=connection.connected_at,
        connected_by=connection.connected_by,
        last_used_at=connection.last_used_at,
        last_written_at=connection.last_written_at,
        approvals=approvals_view(facts.approvals),
        other_hosts_on_org=bool(facts.other_hosts),
    )


def _problems(settings: Settings, connection: Connection) -> list[ProblemShown]:
    return [
        ProblemShown(
            code=each.code,
            object=each.sobject,
            field=each.field,
            since=each.since or connection.state_since,
            advice=explain_problem(settings, each),
        )
        for each in map(AccessProblem.of, connection.problems)
    ]


def _preflight(facts: CardData) -> PreflightSummary | None:
    row, connection = facts.preflight, facts.connection
    if row is None or row.result is None or connection is None or row.org_id != connection.org_id:
        return None
    severities = [finding["severity"] for finding in row.result["findings"]]
    return PreflightSummary.model_validate(
        {
            "verdict": row.result["verdict"],
            "blockers": severities.count("blocker"),
            "warnings": severities.count("warning"),
            "checked_at": row.checked_at,
            "package": row.result.get("package"),
        }
    )


def _budget(facts: CardData, now: datetime) -> Budget:
    cap_percent = facts.host.api_cap_percent if facts.host else DEFAULT_CAP
    return api_budget_of(facts.connection or NEVER_MEASURED, cap_percent, now)


def _pause(host: Host | None) -> Pause:
    if host is None or host.paused_at is None:
        return Pause(is_paused=False, paused_at=None, paused_by=None)
    return Pause(is_paused=True, paused_at=host.paused_at, paused_by=host.paused_by)


async def _work(
    session: AsyncSession,
    host: Host | None,
    *,
    connection: Connection | None,
    lease: OrgLease | None,
    now: datetime,
) -> Work:
    """Count the jobs of the connected org; jobs for another org are not the card's."""
    if host is None or connection is None:
        return NOTHING_TO_DO
    is_open = _is_open(host, connection, lease, now)
    is_held_back = true() if not is_open else Event.paused_at.is_not(None)
    is_waiting = or_(
        and_(SHOWN_STATE.in_(WAITABLE), is_held_back),
        and_(
            SHOWN_STATE.in_((JobState.PENDING, JobState.HELD)),
            SyncJob.waiting_for == WaitReason.SALESFORCE_ACCESS,
        ),
    )
    pending = SHOWN_STATE.in_(PENDING)
    since = func.least(SyncJob.due_at, SyncJob.updated_at)
    counted = await session.execute(
        select(
            func.count().filter(pending).label("pending"),
            func.count().filter(is_waiting).label("waiting"),
            func.count().filter(SHOWN_STATE == JobState.FAILED).label("failed"),
            func.min(since).filter(pending).label("oldest_pending_at"),
        )
        .outerjoin(Event, and_(Event.host_id == SyncJob.host_id, Event.event_id == SyncJob.event_id))
        .where(SyncJob.host_id == host.host_id, SyncJob.org_id == connection.org_id)
        .where(SyncJob.state.in_((*PENDING, JobState.FAILED)), or_(pending, SHOWN_STATE == JobState.FAILED))
    )
    return Work.model_validate(counted.mappings().one())


def _is_open(host: Host, connection: Connection, lease: OrgLease | None, now: datetime) -> bool:
    """Whether jobs of the host may run now, but for the pause of an event."""
    return (
        connection.state == ConnectionState.CONNECTED
        and connection.fault_code is None
        and host.paused_at is None
        and (lease is None or lease.paused_at is None)
        and _backoff(lease, now) is None
        and not api_budget_of(connection, host.api_cap_percent, now).is_stopped
    )


async def _across_hosts(resources: Resources, connection: Connection | None) -> tuple[int, frozenset[str]]:
    """The approvals in use, and the other hosts that are connected to the org."""
    if connection is None:
        return 0, frozenset()
    async with resources.database.system() as session:
        others = select(Connection.host_id).where(
            Connection.org_id == connection.org_id,
            Connection.host_id != connection.host_id,
            Connection.state != ConnectionState.DISCONNECTED,
        )
        other_hosts = frozenset(await session.scalars(others))
        if connection.user_id is None:
            return 0, other_hosts
        key = (connection.org_id, connection.user_id, connection.client_id)
        return await count_approvals(session, key), other_hosts
