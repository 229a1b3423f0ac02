"""Records the requests to Salesforce, with ids, references and times replaced by numbers."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import httpx

ID = re.compile(r"\b(003|00Q|00T|00U|00v|02s|001|500|701|005|012)[A-Za-z0-9]{12}(?:[A-Z0-9]{3})?\b")
REFERENCE = re.compile(r"\bEVS-[A-Z2-7]{16}\b", re.IGNORECASE)
DAY = re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d{4})?)?")
RECORDED_HEADERS = ("Sforce-Auto-Assign", "Sforce-Duplicate-Rule-Header")


class Recorder(httpx.AsyncBaseTransport):
    """Forwards to `over` and records every data request."""

    def __init__(self, over: httpx.AsyncBaseTransport) -> None:
        self.over = over
        self.requests: list[dict[str, Any]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "/services/data/" in request.url.path:
            self.requests.append(_described(request))
        return await self.over.handle_async_request(request)

    def normalized(self) -> list[Any]:
        """The requests with every id, reference and day replaced by a number in order of appearance, without
        the describes that a look-up asks for beside its queries.
        """
        text = unquote(json.dumps([_without_describes(each) for each in self.requests]))
        for name, pattern in (("id", ID), ("ref", REFERENCE), ("day", DAY)):
            text = pattern.sub(_numbered(name), text)
        normalized: list[Any] = json.loads(text)
        return normalized


def _described(request: httpx.Request) -> dict[str, Any]:
    headers = {name: request.headers[name] for name in RECORDED_HEADERS if name in request.headers}
    body = json.loads(request.content) if request.content else None
    return {"method": request.method, "path": request.url.raw_path.decode(), "headers": headers, "body": body}


def _without_describes(request: dict[str, Any]) -> dict[str, Any]:
    parts = (request["body"] or {}).get("compositeRequest", ())
    kept = [part for part in parts if not part["url"].endswith("/describe")]
    if not kept or len(kept) == len(parts):
        return request
    return {**request, "body": {**request["body"], "compositeRequest": kept}}


def _numbered(name: str) -> Callable[[re.Match[str]], str]:
    numbers: dict[str, int] = {}
    return lambda found: f"{name}{numbers.setdefault(found[0], len(numbers) + 1)}"
