"""Steps that connection tests share: stored connections, audit entries, grants, half a sign-in."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import func, select, update

from app.models import AuditEntry, Connection, OAuthAttempt
from tests.api.browser import Browser, Forms
from tests.api.conftest import Service

BROWSER_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


async def stored(service: Service, host_id: str = "host_a") -> Connection | None:
    async with service.resources.database.tenant(host_id) as session:
        return await session.get(Connection, host_id)


async def audited(service: Service, host_id: str = "host_a") -> list[str]:
    async with service.resources.database.tenant(host_id) as session:
        return list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))


def grants(service: Service) -> list[str]:
    return [grant.refresh_token for grant in service.simulator.simulator.default_org.grants]


async def expire(service: Service, attempt_id: str) -> None:
    async with service.resources.database.system() as session:
        past = func.clock_timestamp() - timedelta(seconds=1)
        changed = update(OAuthAttempt).where(OAuthAttempt.attempt_id == attempt_id)
        await session.execute(changed.values(expires_at=past))


async def code_for(service: Service, browser: Browser, start_url: str) -> str:
    """Sign in, and stop at the address that leads back to us."""
    page = await browser.open(start_url)
    page = await browser.submit(page, username=Forms(page.text).choices[0])
    url = f"{service.settings.salesforce_login_url}/services/oauth2/authorize"
    answer = await browser.http.post(url, data={**Forms(page.text).fields, "decision": "allow"})
    return str(answer.headers["location"])
