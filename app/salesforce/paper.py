"""A client that looks for real and writes on paper: what would be sent is kept, and nothing is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from app.salesforce.client import SalesforceClient
from app.salesforce.ids import SOBJECT_BY_PREFIX, to18

PREFIX_OF: Final = {sobject: prefix for prefix, sobject in SOBJECT_BY_PREFIX.items()}
UNKNOWN_PREFIX: Final = "a00"
CREATED, CHANGED, NO_CONTENT = 201, 200, 204


@dataclass(frozen=True)
class PaperRequest:
    """One call that would write; `path` is relative to the instance."""

    method: str
    path: str
    body: Mapping[str, Any]


class PaperClient(SalesforceClient):
    """Reads through the connection of another client; every write is noted and answered with success.

    Records that would be created get ids that no org has; `shown` puts words in their place.
    """

    def __init__(self, over: SalesforceClient) -> None:
        super().__init__(
            over._http,
            over._auth,
            instance_url=over.instance_url,
            api_version=over.api_version,
            before_send=over._before_send,
            answer_within=over._answer_within,
        )
        self._write_headers = over._write_headers
        self._new_ids: dict[str, str] = {}
        self.requests: list[PaperRequest] = []

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
        if method == "GET" or _only_reads(path, json):
            return await super()._request(method, path, json=json, headers=headers, auth=auth)
        self.requests.append(PaperRequest(method, path, json or {}))
        if path.endswith("/composite"):
            return {"compositeResponse": [self._entry(each) for each in (json or {})["compositeRequest"]]}
        return self._answer(method, path, json or {})[1]

    def _entry(self, request: Mapping[str, Any]) -> dict[str, Any]:
        status, body = self._answer(request["method"], request["url"], request.get("body") or {})
        return {
            "body": body,
            "httpHeaders": {},
            "httpStatusCode": status,
            "referenceId": request["referenceId"],
        }

    def _answer(self, method: str, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        if path.endswith("/composite/sobjects"):
            return CHANGED, [
                _success(row.get("id") or self._new_id(row["attributes"]["type"])) for row in body["records"]
            ]
        if method == "POST":
            return CREATED, _success(self._new_id(path.rpartition("/")[2]))
        return NO_CONTENT, None

    def _new_id(self, sobject: str) -> str:
        prefix = PREFIX_OF.get(sobject, UNKNOWN_PREFIX)
        new = to18(f"{prefix}{len(self._new_ids):012}")
        self._new_ids[new] = f"@{{new{sobject}.id}}"
        return new


def _only_reads(path: str, json: Mapping[str, Any] | None) -> bool:
    requests = (json or {}).get("compositeRequest") or []
    return (
        path.endswith("/composite") and bool(requests) and all(each["method"] == "GET" for each in requests)
    )


def _success(record_id: str) -> dict[str, Any]:
    return {"id": record_id, "success": True, "errors": []}
