"""Dry-run client: reads go to Salesforce, writes are recorded and answered with fake successes."""

import json as json_text
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from app.salesforce.client import SalesforceClient
from app.salesforce.composite import Record, only_reads
from app.salesforce.errors import RequestRejected, parse_failures
from app.salesforce.ids import SOBJECT_BY_PREFIX, to18

PREFIX_OF: Final = {sobject: prefix for prefix, sobject in SOBJECT_BY_PREFIX.items()}
UNKNOWN_PREFIX: Final = "a00"
CREATED, CHANGED, NO_CONTENT, REFUSED = 201, 200, 204, 400
REQUIRED_FIELD_MISSING: Final = "REQUIRED_FIELD_MISSING"
PROCESSING_HALTED: Final = "PROCESSING_HALTED"

Lacking = Callable[[SalesforceClient, Sequence[Record]], Awaitable[Sequence[tuple[str, ...]]]]
"""The required fields that each of these new records lacks, asked through this client where need be."""


@dataclass(frozen=True)
class RecordedRequest:
    """One call that would write; `path` is relative to the instance."""

    method: str
    path: str
    body: Mapping[str, Any]


class RecordingClient(SalesforceClient):
    """Reads through the connection of another client; every write is noted and answered as Salesforce would.

    A create without a required field is refused, everything else succeeds. Records that would be created get
    ids that no org has; `shown` puts words in their place.
    """

    def __init__(self, over: SalesforceClient, lacking: Lacking) -> None:
        super().__init__(
            over._http,
            over._auth,
            instance_url=over.instance_url,
            api_version=over.api_version,
            before_send=over._before_send,
            answer_within=over._answer_within,
        )
        self._lacking = lacking
        self._new_ids: dict[str, str] = {}
        self.requests: list[RecordedRequest] = []

    def shown(self, value: Any) -> Any:
        """The same value with `@{newLead.id}` where the id of a record stands that does not exist yet."""
        if isinstance(value, str):
            return self._new_ids.get(value, value)
        if isinstance(value, Mapping):
            return {key: self.shown(each) for key, each in value.items()}
        if isinstance(value, Sequence):
            return [self.shown(each) for each in value]
        return value

    async def person_contacts(self, account_ids: Sequence[str]) -> dict[str, str]:
        """Of Accounts that exist on paper only, the Contacts are made up alike."""
        made = [each for each in account_ids if each in self._new_ids]
        known = [each for each in account_ids if each not in self._new_ids]
        found = await super().person_contacts(known) if known else {}
        return found | {each: self._new_id("Contact") for each in made}

    async def _request(
        self,
        method: str,
        path: str,
        *,
        json: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
    ) -> Any:
        if method == "GET" or only_reads(json):
            return await super()._request(method, path, json=json, headers=headers, auth=auth)
        self.requests.append(RecordedRequest(method, path, json or {}))
        if path.endswith("/composite"):
            return {"compositeResponse": await self._composite_answer((json or {})["compositeRequest"])}
        status, body = await self._answer(method, path, json or {})
        if status == REFUSED:
            raise RequestRejected(parse_failures(status, body))
        return body

    async def _composite_answer(self, requests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        refused: set[str] = set()
        entries = []
        for each in requests:
            body = each.get("body") or {}
            if any(f"@{{{name}." in json_text.dumps(body) for name in refused):
                status, answer = REFUSED, [_failure(PROCESSING_HALTED, "The record referred to was refused.")]
            else:
                status, answer = await self._answer(each["method"], each["url"], body)
            if status == REFUSED:
                refused.add(each["referenceId"])
            entries.append(_entry(each["referenceId"], status, answer))
        return entries

    async def _answer(self, method: str, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        records = list(_records(path, body))
        new = [record for record in records if record.id is None] if method == "POST" else []
        lacks = dict(zip(map(id, new), await self._lacking(self, new) if new else (), strict=True))
        if path.endswith("/composite/sobjects"):
            return CHANGED, [self._row(record, lacks.get(id(record), ())) for record in records]
        if method != "POST":
            return NO_CONTENT, None
        row = self._row(records[0], lacks[id(records[0])])
        return (CREATED, row) if row["success"] else (REFUSED, [_failure(**row["errors"][0])])

    def _row(self, record: Record, lacks: Sequence[str]) -> dict[str, Any]:
        if not lacks:
            return {"id": record.id or self._new_id(record.sobject), "success": True, "errors": []}
        message = f"Required fields are missing: [{', '.join(lacks)}]"
        error = {"statusCode": REQUIRED_FIELD_MISSING, "message": message, "fields": list(lacks)}
        return {"success": False, "errors": [error]}

    def _new_id(self, sobject: str) -> str:
        prefix = PREFIX_OF.get(sobject, UNKNOWN_PREFIX)
        new = to18(f"{prefix}{len(self._new_ids):012}")
        self._new_ids[new] = f"@{{new{sobject}.id}}"
        return new


def _records(path: str, body: Mapping[str, Any]) -> Iterator[Record]:
    if not path.endswith("/composite/sobjects"):
        yield Record(path.rpartition("/")[2], body)
        return
    for row in body["records"]:
        yield Record(row["attributes"]["type"], row, row.get("id"))


def _entry(reference_id: str, status: int, body: Any) -> dict[str, Any]:
    return {"body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": reference_id}


def _failure(statusCode: str, message: str, fields: Sequence[str] = ()) -> dict[str, Any]:  # noqa: N803
    return {"errorCode": statusCode, "message": message, "fields": list(fields)}
