"""Looks at jobs across hosts and retries them, through the operations endpoints of a running API."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import httpx

from devtools.local_stack.webhook_sender import ApiUnreachable

COLUMNS = {
    "host": "host_id",
    "registration": "registration_id",
    "state": "state",
    "waits for": "waiting_for",
    "error": "error_code",
    "attempts": "attempts",
}
FILTERS = ("host_id", "org_id", "event_id", "state", "class", "error_code")


class ApiRefused(Exception):
    """The API answered with a problem."""


class OpsApi:
    """The operations endpoints, called with one bearer token."""

    def __init__(self, url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        self._url = url
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            transport=transport,
            trust_env=False,
            timeout=30,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The answer's JSON. Raises ApiRefused, ApiUnreachable."""
        try:
            answer = self._http.request(method, path, **request)
        except httpx.TransportError as error:
            raise ApiUnreachable(f"{self._url} does not answer ({error}): set PORT or --url") from None
        if not answer.is_success:
            raise ApiRefused(f"{method} {path}: {answer.status_code} {_title(answer)}")
        body: dict[str, Any] = answer.json()
        return body


def show_counts(api: OpsApi) -> int:
    """Print the overview: backlog by state, orgs in trouble, workers, failures."""
    sys.stdout.write(json.dumps(api.call("GET", "/ops/overview"), indent=2, ensure_ascii=False) + "\n")
    return 0


def show_jobs(api: OpsApi, filter_: Mapping[str, str]) -> int:
    rows = [tuple(COLUMNS)]
    cursor: str | None = None
    while True:
        query = {**filter_, "limit": "200"} | ({"cursor": cursor} if cursor else {})
        page = api.call("GET", "/ops/jobs", params=query)
        rows.extend(tuple(str(row[name] or "") for name in COLUMNS.values()) for row in page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    sys.stdout.writelines(_aligned(rows))
    return 0


def retry_jobs(api: OpsApi, filter_: Mapping[str, str], *, is_dry_run: bool) -> int:
    """Retry what the filter matches; a dry run only counts."""
    answer = api.call("POST", "/ops/jobs/retry", json={"filter": dict(filter_), "dry_run": is_dry_run})
    verb = "would be queued (add --yes)" if is_dry_run else "queued"
    sys.stdout.write(f"{answer['matched']} matched, {answer['queued']} {verb}\n")
    return 0


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows as lines, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n"


def _title(answer: httpx.Response) -> str:
    try:
        body = answer.json()
        return " ".join(str(body[key]) for key in ("code", "detail", "title") if body.get(key))
    except ValueError:
        return answer.reason_phrase
