"""The platform's side: posts webhooks at a steady rate, tries again when refused, notes every answer."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from app.config.webhook_secret import WebhookSecret
from chaos.history import History
from chaos.workload import Webhook
from devtools.local_stack.webhook_sender import WEBHOOK_PATH, signed_headers

AT_ONCE = 24
ANSWER_SECONDS = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
GIVES_UP_SECONDS = 60.0


@dataclass
class Sender:
    """Posts to the APIs in turn. `tries` bounds how often one webhook is sent before it is given up."""

    urls: Sequence[str]
    secret: str
    history: History
    rate: float
    tries: int = 200
    posted: int = 0
    total: int = 0

    @property
    def _key(self) -> bytes:
        return WebhookSecret.parse(self.secret).key

    @property
    def progress(self) -> float:
        """How much of what is to be posted came to an end, from 0 to 1."""
        return self.posted / self.total if self.total else 1.0

    async def post_all(self, webhooks: Sequence[Webhook]) -> None:
        """Every webhook, each until it is acknowledged or given up."""
        self.total += len(webhooks)
        limit = asyncio.Semaphore(AT_ONCE)
        begun = time.monotonic()
        async with self.http() as http, asyncio.TaskGroup() as group:
            for number, webhook in enumerate(webhooks):
                await asyncio.sleep(begun + number / self.rate - time.monotonic())
                await limit.acquire()
                task = group.create_task(self.post(http, webhook, first=number))
                task.add_done_callback(lambda _: limit.release())

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(trust_env=False, timeout=ANSWER_SECONDS)

    async def post(self, http: httpx.AsyncClient, webhook: Webhook, *, first: int = 0) -> None:
        """Post one webhook until it is acknowledged, given up, or has had its tries."""
        pause, deadline = FIRST_PAUSE, time.monotonic() + GIVES_UP_SECONDS
        for number in itertools.count(first):
            answer = await self.try_once(http, webhook, number)
            if answer == "202" or number - first + 1 >= self.tries or time.monotonic() > deadline:
                break
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        self.posted += 1

    async def try_once(self, http: httpx.AsyncClient, webhook: Webhook, number: int = 0) -> str:
        """One try: the HTTP status, or the kind of error when no answer came."""
        url = self.urls[number % len(self.urls)] + WEBHOOK_PATH
        headers = signed_headers(self._key, webhook.webhook_id, int(time.time()), webhook.body)
        self.history.tell("invoke", id=webhook.webhook_id)
        begun = time.monotonic()
        try:
            answer = str((await http.post(url, content=webhook.body, headers=headers)).status_code)
        except (httpx.TransportError, AttributeError) as error:
            # anyio stumbles (AttributeError) over a socket that was reset while it was being opened.
            answer = type(error).__name__
        self.history.end(webhook.webhook_id, answer, time.monotonic() - begun)
        return answer
