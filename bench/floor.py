"""The floor of webhook ingestion: a bare FastAPI route that verifies the signature and inserts one row."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import uvicorn
from fastapi import FastAPI, Request, Response

from app.config.webhook_secret import WebhookSecret
from app.webhooks.signature import verify

POOL = 10
TABLE = "CREATE TABLE IF NOT EXISTS bare (webhook_id text PRIMARY KEY, body text NOT NULL)"
INSERT = "INSERT INTO bare (webhook_id, body) VALUES ($1, $2) ON CONFLICT DO NOTHING"


def create_app(dsn: str, secret: str) -> FastAPI:
    """The smallest honest receiver: what everybody's first version does."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(dsn, min_size=POOL, max_size=POOL) as pool:
            await pool.execute(TABLE)
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    secrets = (WebhookSecret.parse(secret),)

    @app.post("/webhooks/eventship", status_code=202)
    async def receive(request: Request) -> Response:
        body = await request.body()
        webhook_id = verify(request.headers.raw, body, secrets=secrets, now=datetime.now(UTC))
        await request.app.state.pool.execute(INSERT, webhook_id, body.decode())
        return Response(b'{"outcome":"accepted"}', 202, media_type="application/json")

    @app.get("/ready")
    async def ready() -> str:
        return "ready"

    return app


def main(port: int) -> None:
    dsn = os.environ["DATABASE_URL"].replace("+asyncpg", "")
    app = create_app(dsn, os.environ["WEBHOOK_SECRETS"])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False, server_header=False)


if __name__ == "__main__":
    main(int(sys.argv[1]))
