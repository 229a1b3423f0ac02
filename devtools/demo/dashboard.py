"""The host's dashboard: the calls that it makes to our API, with a bearer token of the platform."""

from collections.abc import Iterator
from typing import Any, Self
from urllib.parse import SplitResult, parse_qsl, urlsplit

import httpx

from devtools.demo.browser import Browser
from devtools.demo.scenario import EVENT_ID, HOST_ID


class ApiRefused(Exception):
    """The API answered with a problem; the message names it."""


class Dashboard:
    """One host's view of its event."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=30
        )
        self._host = f"/v1/hosts/{HOST_ID}/salesforce"
        self.event = f"/v1/hosts/{HOST_ID}/events/{EVENT_ID}/salesforce"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def card(self) -> dict[str, Any]:
        return self._call("GET", self._host)

    def connect(self) -> None:
        """Connect as a person does: through the OAuth pages, in a browser. Raises ApiRefused, Lost."""
        asked = {"environment": "production", "display": "redirect", "return_to": "/integrations"}
        attempt = self._call("POST", f"{self._host}/connect", json=asked)
        with Browser() as browser:
            end = browser.walk(attempt["start_url"], until="?salesforce=")
        self._complete(attempt["attempt_id"], urlsplit(end))

    def _complete(self, attempt_id: str, end: SplitResult) -> None:
        """Confirm what the browser brought back, if it is of the attempt that was begun here."""
        url, brought = f"{self._host}/connect/{attempt_id}", dict(parse_qsl(end.query))
        if (brought["salesforce"], brought.get("attempt")) != ("confirm", attempt_id):
            state = self._call("GET", url)
            raise ApiRefused(f"not connected: {state['problem'] or state['salesforce']}")
        code = end.fragment.removeprefix("code=")
        self._call("POST", f"{url}/complete", json={"code": code, "confirm_approval": True})

    def link(self, campaign_id: str) -> dict[str, Any]:
        """Link the event to the campaign with the statuses that the service proposes."""
        shown = self._call("POST", f"{self.event}/campaign/validate", json={"campaign_id": campaign_id})
        chosen = {"campaign_id": campaign_id, "statuses": shown["proposed"]}
        return self._call("PUT", f"{self.event}/campaign", json=chosen)

    def pause(self) -> None:
        """Let all work of the host wait."""
        self._call("POST", f"{self._host}/pause")

    def resume(self) -> None:
        self._call("POST", f"{self._host}/resume")

    def map_fields(self, *fields: dict[str, Any]) -> None:
        """Save the host's rules for fields."""
        self._call("PUT", f"{self._host}/mapping", json={"fields": list(fields)})

    def look_again(self) -> None:
        """Run the preflight, as by the card's button."""
        self._call("POST", f"{self._host}/preflight")

    def overview(self) -> dict[str, Any]:
        """What operations see of all hosts."""
        return self._call("GET", "/ops/overview")

    def stats(self) -> dict[str, Any]:
        return self._call("GET", f"{self.event}/stats")

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every row of the event."""
        query: dict[str, Any] | None = {"limit": 200}
        while query is not None:
            page = self._call("GET", f"{self.event}/registrations", params=query)
            yield from page["items"]
            cursor = page["next_cursor"]
            query = {"limit": 200, "cursor": cursor} if cursor else None

    def retry(self, error_code: str) -> dict[str, Any]:
        """Retry what Salesforce refused with this code."""
        nothing = {"all": None, "group_id": None, "registration_ids": None}
        wanted = {"filter": nothing | {"error_code": error_code}, "dry_run": False}
        return self._call("POST", f"{self.event}/retry", json=wanted)

    def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        answer = self._http.request(method, path, **request)
        if not answer.is_success:
            raise ApiRefused(f"{method} {path}: {answer.status_code} {answer.text[:400]}")
        body: dict[str, Any] = answer.json()
        return body
