"""What is broken so that alerts ring, and what cures it: each alert once."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import httpx

from app.infrastructure.encryption import Encryptor
from chaos.alarms.platform import Platform
from chaos.alarms.prometheus import SCALE
from chaos.environment import answers
from chaos.nemeses import LOST_FOR_CERTAIN, WRITES, trouble
from chaos.pressure import FRESH, PROBE_SECONDS, USED_UP
from chaos.sender import Sender
from chaos.stage import Stage
from chaos.workload import Webhook, confirmation
from tools.monitoring.expressions import seconds_of

Deed = Callable[[Stage], None]

LEASE_SECONDS: Final = 4.0
BORN_SECONDS, SCRAPED_SECONDS = 8.0, 1.5
TIMES: Final = 4
LOST_HOSTS: Final = 3
FAILING: Final = 80
AT_ONCE: Final = 12
WRONG_SECRET: Final = "whsec_" + "d3JvbmcgYnV0IGxvbmcgZW5vdWdoIGZvciBhIGtleQ=="
AHEAD_SECONDS: Final = 40.0
RULE: Final = {"error_code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "No more otters"}


PLATFORM: Final = Platform()


@dataclass(frozen=True)
class Act:
    """One fault, the alerts that it brings, and its cure. `later`: what rings when it is over."""

    name: str
    rings: tuple[str, ...]
    fault: Deed
    cure: Deed
    later: tuple[str, ...] = ()


def crowd(stage: Stage, count: int) -> None:
    """So many people register who have not yet."""
    people, stage.people[:] = stage.people[:count], stage.people[count:]
    stage.post([confirmation(one) for one in people])


def stop_postgres(stage: Stage) -> None:
    """An immediate stop, while people register."""
    stage.machine.stop_postgres()
    crowd(stage, 60)


def start_postgres(stage: Stage) -> None:
    stage.machine.start_postgres()
    stage.await_posted()


def kill_again_and_again(stage: Stage) -> None:
    """A worker in the middle of its work, as often as it comes back; in the end it is left."""
    crowd(stage, 100)
    name = stage.machine.workers[0]
    livez = f"http://127.0.0.1:{stage.machine.health_ports[name]}/livez"
    for _ in range(TIMES):
        stage.machine.kill(name)
        stage.machine.start(name)
        stage.until(lambda: answers(livez), within=BORN_SECONDS)
        stage.sleep(SCRAPED_SECONDS)


def kill_one(stage: Stage) -> None:
    stage.machine.kill(stage.machine.workers[0])


def kill_workers(stage: Stage) -> None:
    """Every worker, while people register."""
    for name in stage.machine.workers:
        stage.machine.kill(name)
    crowd(stage, 40)


def start_all(stage: Stage) -> None:
    """Every process that is gone."""
    stage.machine.start_all()


def refuse_all_calls(stage: Stage) -> None:
    """Salesforce applies some writes without an answer, and then answers 503 to everything."""
    trouble(stage, "reset_after_write", 1.0, count=LOST_FOR_CERTAIN, match=WRITES)
    crowd(stage, 30)
    stage.until(lambda: sum(stage.site.control.fired()) >= LOST_FOR_CERTAIN)
    trouble(stage, "error", 1.0)
    crowd(stage, 30)
    stage.sleep(LEASE_SECONDS)
    age(stage, "sync_jobs SET waiting_since = waiting_since", "WHERE state = 'ambiguous'", "30m")


def revoke(stage: Stage) -> None:
    """The administrators of three orgs end our grants; people go on registering."""
    for org_id in stage.machine.org_ids[:LOST_HOSTS]:
        stage.site.control.revoke(org_id)
    crowd(stage, 30)


def reconnect(stage: Stage) -> None:
    """Every host connects again, lost or not."""
    vault = Encryptor.from_texts([stage.site.secrets.encryption_key])
    for host in stage.hosts:
        session = stage.site.control.session(stage.machine.org_ids[host.org])
        grant = replace(stage.machine.grants[host.org], session=session)
        stage.do(stage.machine.ledger.reconnect(host.host_id, grant, vault))


def use_up_calls(stage: Stage) -> None:
    """An org has no API calls left for today."""
    org_id = stage.machine.org_ids[-1]
    stage.site.control.configure(org_id, api_limit=USED_UP)
    crowd(stage, 30)
    stage.sleep(LEASE_SECONDS)
    age(
        stage,
        "sync_jobs SET waiting_since = waiting_since",
        f"WHERE org_id = '{org_id}' AND state = 'pending'",
        "6h",
    )


def free_calls(stage: Stage) -> None:
    stage.site.control.configure(stage.machine.org_ids[-1], api_limit=FRESH)
    stage.do(stage.machine.ledger.pass_time(PROBE_SECONDS))


def send_nonsense(stage: Stage) -> None:
    """Webhooks of no known secret, of no known shape, and of a known id with another body."""
    people = stage.people[:3]
    crowd(stage, 20)
    stage.await_posted()
    strange = [Webhook(f"msg_strange_{number}", b'{"what": "nobody knows"}') for number in range(3)]
    again = [confirmation(one, company="Another Pond") for one in people]
    send(stage, [*strange, *again], stage.site.secrets.webhook_secret)
    send(stage, [Webhook(f"msg_forged_{number}", b"{}") for number in range(120)], WRONG_SECRET)


def leave(stage: Stage) -> None:
    """It is over by itself."""


def send(stage: Stage, webhooks: list[Webhook], secret: str) -> None:
    """Each once, signed by this secret."""
    sender = Sender(stage.machine.api_urls, secret, stage.history, rate=8, tries=1)
    stage.do(sender.post_all(webhooks))


def kill_valkey(stage: Stage) -> None:
    stage.machine.kill_valkey()


def start_valkey(stage: Stage) -> None:
    stage.machine.start_valkey()


def refuse_notifications(stage: Stage) -> None:
    """The platform answers 503, and a host loses its connection."""
    PLATFORM.is_away = True
    stage.site.control.revoke(stage.machine.org_ids[-1])
    crowd(stage, 10)
    stage.await_posted()
    stage.sleep(LEASE_SECONDS)
    age(stage, "notifications SET created_at = created_at", "WHERE state = 'pending'", "1h")


def take_notifications(stage: Stage) -> None:
    """The platform is back; what waits is sent at once, and the host connects again."""
    PLATFORM.is_away = False
    operate(stage, "/ops/notifications/replay", {"filter": {"state": "pending"}, "dry_run": False})
    reconnect(stage)


def set_a_clock(stage: Stage) -> None:
    """One API starts with a clock that is 40 s ahead."""
    _restart(stage, stage.machine.apis[-1], ahead=AHEAD_SECONDS)


def set_it_right(stage: Stage) -> None:
    _restart(stage, stage.machine.apis[-1])


def _restart(stage: Stage, name: str, *, ahead: float = 0) -> None:
    process = stage.machine.processes[name]
    process.signal(signal.SIGTERM)
    process.ended_within(10)
    stage.machine.start(name, ahead=ahead)
    stage.machine.await_api(name)


def hold_the_database(stage: Stage) -> None:
    """Postgres answers one API nothing for some seconds, while more callers come than it has connections.

    Meanwhile it cannot be scraped in time, so it must happen more than once within a window.
    """
    database = stage.site.databases[stage.machine.apis[0]]
    token = stage.site.secrets.token({}, scope="ops")
    for _ in range(TIMES):
        database.pause()
        stage.do(_call_at_once(stage.machine.api_urls[0] + "/ops/overview", token))
        database.resume()
        stage.sleep(2.0)


async def _call_at_once(url: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(trust_env=False, timeout=20, headers=headers) as http:
        await asyncio.gather(*(http.get(url) for _ in range(AT_ONCE)), return_exceptions=True)


def refuse_rows(stage: Stage) -> None:
    """Every org has a new rule that refuses whoever registers."""
    trouble(stage, "row_error", 1.0, match=WRITES | {"sobject": "Lead"}, **RULE)
    crowd(stage, FAILING)
    stage.await_posted()


def retry_rows(stage: Stage) -> None:
    """The rule is gone; operations retry what failed."""
    stage.disarm()
    operate(stage, "/ops/jobs/retry", {"filter": {"error_code": RULE["error_code"]}, "dry_run": False})


def operate(stage: Stage, path: str, wanted: dict[str, Any]) -> None:
    """A call of operations."""
    headers = {"Authorization": f"Bearer {stage.site.secrets.token({}, scope='ops')}"}
    url = stage.machine.api_urls[0] + path
    httpx.post(url, json=wanted, headers=headers, trust_env=False, timeout=30).raise_for_status()


def neglect_a_chore(stage: Stage) -> None:
    """Nobody has purged for three hours."""
    age(stage, "chore_runs SET succeeded_at = succeeded_at", "WHERE chore = 'purge'", "3h")


def do_chores(stage: Stage) -> None:
    """A worker that starts does every chore at once."""
    name = stage.machine.workers[0]
    stage.machine.kill(name)
    stage.machine.start(name)


def kill_everything(stage: Stage) -> None:
    for name in stage.machine.processes:
        stage.machine.kill(name)


def age(stage: Stage, change: str, where: str, limit: str) -> None:
    """Let a time of these rows lie further back than a limit of the rules, in this run's time."""
    seconds = seconds_of(limit) / SCALE + 10
    statement = f"UPDATE {change} - make_interval(secs => {seconds}) {where}"
    stage.site.run_sql(statement, database=stage.machine.name)


ACTS: Final = (
    Act(
        "Postgres stops",
        ("PostgresAway", "WebhooksFail"),
        stop_postgres,
        start_postgres,
        later=("WebhookBudgetBurns", "SyncBudgetBurns"),
    ),
    Act("a worker dies", ("ProcessDown",), kill_one, start_all),
    Act("a worker dies again and again", ("ProcessRestarts",), kill_again_and_again, leave),
    Act("every worker dies", ("NoWorkers", "WorkIsStuck"), kill_workers, start_all),
    Act(
        "Salesforce goes away in the middle of writes",
        ("SalesforceAway", "DoubtRemains"),
        refuse_all_calls,
        Stage.disarm,
    ),
    Act("three hosts revoke", ("ConnectionsLost", "WaitsForReconnect"), revoke, reconnect),
    Act("an org has no calls left", ("WaitsForBudget",), use_up_calls, free_calls),
    Act(
        "the sender errs",
        ("WebhooksRefused", "WebhooksQuarantined", "WebhookIdReused"),
        send_nonsense,
        leave,
    ),
    Act(
        "the platform takes no notifications",
        ("PlatformNotNotified",),
        refuse_notifications,
        take_notifications,
    ),
    Act("Valkey is killed", ("RedisAway",), kill_valkey, start_valkey),
    Act("a clock is wrong", ("ClockSkewed",), set_a_clock, set_it_right),
    Act("Postgres does not answer one API", ("PoolExhausted",), hold_the_database, leave),
    Act("orgs refuse every row", ("JobsFail",), refuse_rows, retry_rows),
    Act("a chore is not done", ("ChoreOverdue",), neglect_a_chore, do_chores),
    Act("every process dies", ("MetricsMissing",), kill_everything, start_all),
)
