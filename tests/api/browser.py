"""A browser: keeps cookies, follows redirects between our service and the simulator, fills in forms."""

import json
from html.parser import HTMLParser
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

FOLLOWED = ("/oauth/", "/services/oauth2/")


class Forms(HTMLParser):
    """The first form of a page: where it goes and what it carries; of radio buttons all values."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.choices: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given["action"]
        if tag == "input" and given.get("type") == "hidden":
            self.fields[given["name"]] = given["value"]
        if tag == "input" and given.get("type") == "radio":
            self.choices.append(given["value"])


def brought_back(landed: httpx.Response) -> tuple[str, str]:
    """Attempt and code that the dashboard is handed: in the address, or by the popup's message."""
    if landed.is_redirect:
        parts = urlsplit(landed.headers["location"])
        return parse_qs(parts.query)["attempt"][0], parts.fragment.removeprefix("code=")
    body = json.loads(landed.text.split("const message = ")[1].partition(";\n")[0])
    return body["attempt_id"], body["code"]


class Browser:
    """One browser with its own cookies; `apps` maps origins to ASGI applications."""

    def __init__(self, apps: dict[str, Any]) -> None:
        mounts = {origin: httpx.ASGITransport(app) for origin, app in apps.items()}
        self.http = httpx.AsyncClient(mounts=dict(mounts), follow_redirects=False, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()

    async def open(self, url: str) -> httpx.Response:
        """Go there, and on by redirects until one leaves the OAuth addresses; that one is returned. On
        our own page before the sign-in the button is pressed.
        """
        page = await self._follow(await self.http.get(url))
        is_ours = Forms(page.text).action.startswith("/oauth/salesforce/start")
        return await self.submit(page) if is_ours else page

    async def submit(self, page: httpx.Response, **filled: str) -> httpx.Response:
        """Send the page's form with what a person filled in."""
        form = Forms(page.text)
        url = urljoin(str(page.request.url), form.action)
        return await self._follow(await self.http.post(url, data={**form.fields, **filled}))

    async def sign_in(self, start_url: str, *, user: int = 0, decision: str = "allow") -> httpx.Response:
        """From the start link through the sign-in and approval pages, to where that leads."""
        page = await self.open(start_url)
        if not Forms(page.text).choices:
            return page
        page = await self.submit(page, username=Forms(page.text).choices[user])
        return await self.submit(page, decision=decision) if Forms(page.text).action else page

    async def _follow(self, response: httpx.Response) -> httpx.Response:
        while response.is_redirect:
            url = urljoin(str(response.request.url), response.headers["location"])
            if not urlsplit(url).path.startswith(FOLLOWED):
                return response
            response = await self.http.get(url)
        return response
