"""The Salesforce REST client of one connection: typed responses, classified errors, counted calls."""

import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

import httpx

from app.salesforce.auth import RefreshUnavailable, SessionAuth
from app.salesforce.composite import (
    NO_ASSIGNMENT,
    QueryPage,
    Subrequest,
    SubResponse,
    api_path,
    composite_body,
    only_reads,
    parse_composite,
    parse_id,
    parse_page,
    parse_query,
    query_path,
    query_request,
    sobject_path,
)
from app.salesforce.describe import SObjectDescribe, parse_describe
from app.salesforce.errors import BrokenOff, HostUnreachable, InstanceMoved, RequestRejected, ResponseLost
from app.salesforce.identity import Identity, parse_identity
from app.salesforce.ids import to18
from app.salesforce.observed_call import kind_of, observed_call, rows_answered, rows_sent
from app.salesforce.responses import ApiUsage, parse_limit_info, parse_response
from app.salesforce.soql import in_list
from app.salesforce.transport import build_request, send_once

CLIENT_NAME: Final = "eventship-salesforce"
HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": CLIENT_NAME,
    "Sforce-Call-Options": f"client={CLIENT_NAME}",
}
SENT_HEADERS: Final = httpx.Headers(HEADERS)
"""The same, read once."""

# A URI beyond 16,384 bytes is refused; there is no POST /query, so longer SOQL travels in a composite.
MAX_QUERY_URL: Final = 8_000
MAX_PAGES: Final = 1_000

_WRITES: Final = frozenset({"POST", "PATCH"})
_COUNTED: Final = re.compile(r"/services/data/v")
_SENDING: Final = re.compile(r"http(?:11|2)\.send_request_headers\.started")


class SalesforceClient:
    """One org through one connection, over an HTTP client that many of these share.

    Every method raises `RequestRejected`, `ResponseLost` or `NotSent` (see `errors`), and lets pass what
    `auth` raises. `before_send` is asked before every send, a resend included, and once more when the
    connection stands and the first byte is about to leave; it may raise `SendGuardTripped`. `answer_within`
    bounds each exchange, in seconds.

    `calls` counts API requests as the org's allowance does: a composite is one; a request without a session
    or with an expired one is none. `usage` is the org's own figure from the latest answer.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        auth: httpx.Auth | None,
        *,
        instance_url: str,
        api_version: str,
        before_send: Callable[[], None] | None = None,
        answer_within: float | None = None,
    ) -> None:
        self.instance_url = instance_url.rstrip("/")
        self.api_version = api_version
        self.calls = 0
        self.usage: ApiUsage | None = None
        self._http = http
        self._auth = auth or httpx.Auth()
        self._before_send = before_send or _allow
        self._answer_within = answer_within

    async def query(self, soql: str, *, include_deleted: bool = False) -> list[dict[str, Any]]:
        """All records of a query, page by page; one call a page."""
        path = query_path(soql, api_version=self.api_version, include_deleted=include_deleted)
        if len(self.instance_url) + len(path) <= MAX_QUERY_URL:
            return await self.all_records(parse_page(await self._get(path)))
        request = query_request("query", soql, api_version=self.api_version, include_deleted=include_deleted)
        [answer] = await self.composite([request])
        return await self.all_records(parse_query(answer))

    async def all_records(self, page: QueryPage) -> list[dict[str, Any]]:
        """The records of this page and of those that follow it."""
        return [record async for each in self.pages(page) for record in each.records]

    async def pages(self, page: QueryPage) -> AsyncGenerator[QueryPage]:
        """This page and those that follow it, each when it is taken."""
        for _ in range(MAX_PAGES):
            yield page
            if page.next_url is None:
                return
            page = parse_page(await self._get(page.next_url))
        raise ResponseLost(f"the query did not end after {MAX_PAGES} pages")

    async def composite(self, requests: Sequence[Subrequest]) -> list[SubResponse]:
        """The answers to up to 25 subrequests, in their order, for one call.

        Raises ValueError beyond 25, or beyond 5 queries and collections together.
        """
        body = composite_body(requests)
        answer = await self._request("POST", f"{api_path(self.api_version)}/composite", json=body)
        return parse_composite(answer, requests)

    async def collection(self, request: Subrequest) -> SubResponse:
        """The answer to one collection outside of a composite, where texts are never read as references."""
        body = dict(request.body or {})
        answer = await self._request(request.method, request.url, json=body, headers=request.headers)
        return SubResponse(request.reference_id, 200, answer)

    async def create(
        self, sobject: str, fields: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
    ) -> str:
        """The 18-character id of a new record; a refusal by a duplicate rule names the matches."""
        path = sobject_path(self.api_version, sobject)
        return parse_id(await self._request("POST", path, json=dict(fields), headers=headers))

    async def update(self, sobject: str, id: str, fields: Mapping[str, Any]) -> None:  # noqa: A002
        """Set these fields, without running assignment rules. Raises `MalformedId`."""
        path = f"{sobject_path(self.api_version, sobject)}/{to18(id)}"
        await self._request("PATCH", path, json=dict(fields), headers=NO_ASSIGNMENT)

    async def person_contacts(self, account_ids: Sequence[str]) -> dict[str, str]:
        """The Contact of each of these Accounts of persons, by 18-character ids; others are left out.

        https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_guidelines_personaccounts.htm
        """
        soql = f"SELECT Id, PersonContactId FROM Account WHERE Id IN {in_list(account_ids)}"  # noqa: S608
        rows = await self.query(soql)
        return {to18(row["Id"]): to18(row["PersonContactId"]) for row in rows if row.get("PersonContactId")}

    async def describe(self, sobject: str) -> SObjectDescribe:
        """The object as the connected user sees it; one hidden from that user is refused as NOT_FOUND."""
        return parse_describe(await self._get(f"{sobject_path(self.api_version, sobject)}/describe"))

    async def versions(self) -> list[str]:
        """The API versions the instance speaks (`"67.0"`), in its order; sent without a token."""
        answer = await self._request("GET", "/services/data", auth=httpx.Auth())
        if not isinstance(answer, list) or not all(isinstance(each, dict) for each in answer):
            raise ResponseLost("the answer is not a list of versions")
        return [str(each["version"]) for each in answer if "version" in each]

    async def identity(self, identity_url: str) -> Identity:
        """Who the token belongs to. `identity_url` is the `id` of the token answer, on an allowed host."""
        return parse_identity(await self._request("GET", identity_url))

    async def named_identity(self) -> str:
        """The identity URL of the token's user, as the org names it among its resources: the scope `api` is
        enough."""
        resources = await self._get(f"{api_path(self.api_version)}/")
        named = resources.get("identity") if isinstance(resources, dict) else None
        if not isinstance(named, str):
            raise ResponseLost("the resources name no identity")
        return named

    async def _get(self, path: str) -> Any:
        return await self._request("GET", path)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        json: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
    ) -> Any:
        given = {"json": json, "headers": HEADERS | dict(headers) if headers else SENT_HEADERS}
        with observed_call(kind_of(path), rows=rows_sent(json)) as call:
            response = await self._found(method, path, given, auth or self._auth)
            call.status = response.status_code
            try:
                answer = parse_response(response.status_code, response.content)
            except RequestRejected as refused:
                if method in _WRITES and not only_reads(json) and refused.failure.may_be_kept:
                    raise BrokenOff(refused.failures) from refused
                raise
            call.rows += rows_answered(answer)
        return answer

    async def _found(self, method: str, path: str, given: dict[str, Any], auth: httpx.Auth) -> httpx.Response:
        """The answer of the org where it lives now: once more where a renewal says that it has moved."""
        try:
            return await self._exchange(self._built(method, path, given), auth)
        except InstanceMoved as moved:
            if "://" in path:
                raise
            self.instance_url = moved.instance_url.rstrip("/")
        except HostUnreachable:
            if "://" in path or not await self._has_moved(auth):
                raise
        return await self._exchange(self._built(method, path, given), auth)

    async def _has_moved(self, auth: httpx.Auth) -> bool:
        """Whether a renewal names another place than the one where nobody can be reached."""
        if not isinstance(auth, SessionAuth):
            return False
        try:
            found = (await auth.newest()).instance_url.rstrip("/")
        except RefreshUnavailable:
            return False
        is_elsewhere = found != self.instance_url
        self.instance_url = found
        return is_elsewhere

    def _built(self, method: str, path: str, given: dict[str, Any]) -> httpx.Request:
        url = path if "://" in path else f"{self.instance_url}{path}"
        return build_request(method, url, extensions={"trace": self._trace}, **given)

    async def _exchange(self, request: httpx.Request, auth: httpx.Auth) -> httpx.Response:
        # Driven here and not inside httpx, so that guard, count and sorting apply to each send of the flow.
        async with aclosing(auth.async_auth_flow(request)) as flow:
            outgoing = await anext(flow)
            while True:
                response = await self._send(outgoing)
                try:
                    outgoing = await flow.asend(response)
                except StopAsyncIteration:
                    return response

    async def _send(self, request: httpx.Request) -> httpx.Response:
        self._before_send()
        try:
            response = await send_once(self._http, request, within=self._answer_within)
        except ResponseLost:
            self._count(request)
            raise
        if response.status_code != 401:
            self._count(request)
        self.usage = parse_limit_info(response.headers.get("Sforce-Limit-Info")) or self.usage
        return response

    async def _trace(self, event: str, _info: Mapping[str, Any]) -> None:
        if _SENDING.fullmatch(event):
            self._before_send()

    def _count(self, request: httpx.Request) -> None:
        self.calls += 1 if _COUNTED.match(request.url.path) else 0


def _allow() -> None:
    """The guard of a client that nobody guards."""
