"""The steps of the main job, as the platform, the host and a person in a browser take them."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from devtools.demo.dashboard import Dashboard
from devtools.demo.deliveries import Delivery
from devtools.demo.scenario import HOST_ID
from devtools.demo.simulator_client import SimulatorClient
from devtools.local_stack.stack import Stack
from devtools.local_stack.webhook_sender import post_webhook

POLL_SECONDS = 0.25

Stats = Mapping[str, Any]


class NotDrained(Exception):
    """Work is still pending after the time that it may take; the message says what waits for what."""


class ConnectionEnded(Exception):
    """Salesforce ended the connection while registrations waited for it; the message says how to go on.

    `why` is what happened, in a line.
    """

    def __init__(self, why: str) -> None:
        super().__init__(
            f"{why}. The same command again connects and goes on from here; `make clean` starts over with an "
            "empty org."
        )
        self.why = why


class WebhookRefused(Exception):
    """The service refused a genuine webhook."""


@dataclass(frozen=True)
class DemoClients:
    """The clients of a running stack."""

    org: SimulatorClient
    dashboard: Dashboard
    url: str
    webhook_secret: str


@contextmanager
def clients_of(stack: Stack) -> Iterator[DemoClients]:
    """The clients, with a bearer token of the demo host's owner."""
    assert stack.plan.simulator_url is not None
    token = stack.secrets.token({HOST_ID: "owner"}, scope="ops", user="demo", minutes=12 * 60)
    secret = stack.env["WEBHOOK_SECRETS"].partition(",")[0].partition("@")[0]
    with SimulatorClient(stack.plan.simulator_url) as org, Dashboard(stack.plan.url, token) as dashboard:
        yield DemoClients(org, dashboard, stack.plan.url, secret)


def post(
    clients: DemoClients, deliveries: Iterable[Delivery], *, between: Callable[[int], None] = lambda _: None
) -> Counter[str]:
    """Post each in turn; how often each outcome was answered. Raises WebhookRefused."""
    outcomes: Counter[str] = Counter()
    with httpx.Client(trust_env=False, timeout=30) as http:
        for number, delivery in enumerate(deliveries):
            answer = post_webhook(
                http,
                clients.url,
                secret=clients.webhook_secret,
                webhook_id=delivery.webhook_id,
                body=delivery.body,
            )
            if answer.status_code != httpx.codes.ACCEPTED:
                raise WebhookRefused(f"{delivery.webhook_id}: {answer.status_code} {answer.text[:300]}")
            outcomes[answer.json()["outcome"]] += 1
            between(number)
    return outcomes


def wait_until_drained(
    dashboard: Dashboard, total: int, *, within: float, show: Callable[[Stats], None] = lambda _: None
) -> Stats:
    """Poll until at least `total` registrations came to rest.

    Raises ConnectionEnded as soon as the host has to connect again, NotDrained after `within` seconds.
    """
    deadline = time.monotonic() + within
    while True:
        stats = dashboard.stats()
        show(stats)
        counts = stats["counts"]
        if counts["total"] >= total and counts["pending"] == 0:
            return stats
        if stats["connection_state"] != "connected":
            raise ConnectionEnded(_why(counts["pending"], dashboard.card()["reason"]))
        if time.monotonic() > deadline:
            raise NotDrained(f"after {within:.0f} s: {counts}, pending because {stats['pending_because']}")
        time.sleep(POLL_SECONDS)


def _why(pending: int, reason: Mapping[str, Any] | None) -> str:
    title = reason["title"] if reason else "The host is not connected"
    return f"{title}: {pending} registrations wait, none is lost"
