"""create_app() and open_resources(): the one place where engines, pools and clients are built."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.telemetry import TelemetryConfig

from app.api.answer_language import AnswerLanguage
from app.api.auth import TokenVerifier
from app.api.dependencies import Resources
from app.api.edge.rate_limits import Allowances
from app.api.edge.token_first import TokenFirstMiddleware
from app.api.error_handlers import install_problem_handlers
from app.api.health import router as health_router
from app.api.idempotency import IdempotencyMiddleware
from app.api.request_log import AccessLog
from app.api.signing_keys import JwksCache
from app.campaigns.endpoints import host_router as host_backfill_router
from app.campaigns.endpoints import router as campaigns_router
from app.config.settings import Settings
from app.connections.endpoints import router as connections_router
from app.connections.oauth.endpoints import router as oauth_router
from app.connections.user_endpoints import router as salesforce_users_router
from app.console.documents import router as documents_router
from app.console.page import install_console
from app.console.routes import router as console_router
from app.diagnosis.endpoints import router as diagnosis_router
from app.event_settings.endpoints import host_router as events_router
from app.event_settings.endpoints import router as event_settings_router
from app.field_mapping.endpoints import router as mapping_router
from app.hosts.endpoints import router as hosts_router
from app.imports.endpoints import router as imports_router
from app.infrastructure.audit_log import audit_key
from app.infrastructure.connection_pool import give_back_idle
from app.infrastructure.database import Database
from app.infrastructure.encryption import Encryptor
from app.infrastructure.job_queue import DrainQueue
from app.live.endpoints import router as stream_router
from app.live.pubsub import listening_for_changes
from app.live.registry import Feeds
from app.operations.delivery_log import router as delivery_log_router
from app.operations.endpoints import router as ops_router
from app.operations.org_endpoints import router as ops_orgs_router
from app.preflight.endpoints import router as preflight_router
from app.privacy.endpoints import router as erase_router
from app.registrations.endpoints import router as monitor_router
from app.salesforce.egress import PublicDialer, exempt_addresses
from app.salesforce.http_pool import PublicTransport
from app.salesforce.transport import PlainClient
from app.sync_preview.endpoints import router as preview_router
from app.verification.endpoints import router as verification_router
from app.version import VERSION
from app.webhooks.batch_writer import GroupCommitWriter, running_writer
from app.webhooks.endpoints import router as intake_router
from app.webhooks.fast_path import FastPathApp
from app.webhooks.signature_endpoint import CheckLimit
from app.webhooks.signature_endpoint import router as signature_router

CONNECT_SECONDS = 10.0
GC_THRESHOLD = 20_000
"""Objects; with the usual 700 a fourteenth of the intake's time went into looking for garbage."""
BATCH_GC_THRESHOLD = 100_000
"""The same where batches are drained, which make that many objects and hardly any garbage: see
docs/performance.md."""
FRAMEWORK_TELEMETRY: TelemetryConfig = {
    "tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False,
}  # fmt: skip
"""None, whatever the environment says: the framework's spans hold query strings, its logs what was sent."""
LIMITS = httpx.Limits(max_connections=200, max_keepalive_connections=50)
MIDDLEWARE = (IdempotencyMiddleware, TokenFirstMiddleware, Allowances, AnswerLanguage)
"""From the inside out."""
ROUTERS = (
    intake_router,
    signature_router,
    delivery_log_router,
    imports_router,
    erase_router,
    connections_router,
    salesforce_users_router,
    preflight_router,
    oauth_router,
    campaigns_router,
    host_backfill_router,
    hosts_router,
    event_settings_router,
    events_router,
    mapping_router,
    monitor_router,
    verification_router,
    preview_router,
    diagnosis_router,
    stream_router,
    ops_router,
    ops_orgs_router,
    console_router,
    health_router,
    documents_router,
)


@asynccontextmanager
async def open_resources(
    settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[Resources]:
    """Build everything a process needs and close it at the end; `transport` stands in for the network."""
    http = PlainClient(
        transport=transport or public_transport(settings),
        timeout=httpx.Timeout(settings.times.http_total, connect=CONNECT_SECONDS),
    )
    database = Database.of(
        settings,
        audit_key=audit_key(settings.hash_pepper),
        keeps_notifications=settings.notify_url is not None,
    )
    wakeups = DrainQueue(settings.redis_url)
    verifier = TokenVerifier(
        JwksCache(url=settings.jwks_url, file=settings.jwks_file, http=http),
        audience=settings.jwt_audience,
        algorithms=settings.jwt_algorithms,
        issuer=settings.jwt_issuer,
    )
    vault = Encryptor.from_texts([key.get_secret_value() for key in settings.encryption_keys])
    giving_back = asyncio.create_task(give_back_idle(database.engines), name="idle connections")
    try:
        yield Resources(settings, database, vault, http, wakeups, verifier)
    finally:
        giving_back.cancel()
        await wakeups.close()
        await http.aclose()
        await database.close()


def create_app(settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None) -> FastAPI:
    """The API; nothing is opened before its lifespan starts."""
    access_log = AccessLog() if settings.access_log else None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            open_resources(settings, transport=transport) as resources,
            running_writer(_batch_writer(resources)) as writer,
            listening_for_changes(Feeds(resources), settings.redis_url) as feeds,
        ):
            app.state.resources, app.state.intake, app.state.feeds = resources, writer, feeds
            with reduced_gc():
                yield
        if access_log is not None:
            access_log.flush()

    app = FastPathApp(
        title="Eventship for Salesforce",
        version=VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # it would lead to whatever host the request names
        telemetry=FRAMEWORK_TELEMETRY,
        generate_unique_id_function=lambda route: route.name,  # operations in the document: `tools.openapi`
        access_log=access_log,
    )
    app.state.is_stopping = False
    app.state.signature_checks = CheckLimit()
    install_problem_handlers(app, base_url=settings.problem_base_url)
    for router in ROUTERS:
        app.include_router(router)
    if settings.console_enabled:
        install_console(app)
    for middleware in MIDDLEWARE:
        app.add_middleware(middleware)
    _add_cors(app, settings)
    return app


@contextmanager
def reduced_gc(threshold: int = GC_THRESHOLD) -> Iterator[None]:
    """What stands now stays for the life of the process, and a group of webhooks or a batch is not
    garbage yet."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(threshold, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def public_transport(settings: Settings, *simulators: str) -> PublicTransport:
    """To the public internet alone, to what the operator named and keeps at home, and to more simulators."""
    receiver = settings.notify_url if settings.notify_private else None
    exempt = exempt_addresses([settings.salesforce_simulator_url, settings.jwks_url, receiver, *simulators])
    return PublicTransport(limits=LIMITS, dialer=PublicDialer(exempt=exempt))


def _batch_writer(resources: Resources) -> GroupCommitWriter:
    return GroupCommitWriter(resources.database, resources.wakeups, pepper=resources.settings.hash_pepper)


def _add_cors(app: FastAPI, settings: Settings) -> None:
    """Browsers may call from the dashboard's origins alone, with a bearer token and never with cookies."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(settings.browser_origins),
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"],
        expose_headers=["Retry-After", "X-Request-Id"],
        max_age=3600,
    )
