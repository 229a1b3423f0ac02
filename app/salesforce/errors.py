"""Parses and classifies Salesforce's errors; the only module that does.

SalesforceError
├── RequestRejected         a complete answer from Salesforce that says no: nothing was applied
├── ResponseLost            the request left and no complete answer came back: a write may be applied,
│   │                       even minutes later
│   ├── ResponseTooLarge    the answer was cut off by us at the size cap
│   └── BrokenOff           Salesforce ended a write with an error of its own: parts of it may be kept, but
│                           nothing more of it comes
├── NotSent                 nothing left the socket: DNS, connect, TLS, no free connection
│   ├── SendGuardTripped    the caller's guard forbade the send
│   ├── HostUnreachable     nobody can be reached under this name
│   └── InstanceMoved       the token belongs to another host than the one this request is for
├── ConnectionEnded         no token can be had until somebody reconnects (see `auth`)
├── ConnectionUnusable      the stored connection cannot be opened here (see `auth`)
└── RefreshUnavailable      the token endpoint is away (see `auth`)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.salesforce.error_codes import (
    HALF_DONE,
    MULTIPLE_CHOICES,
    NOT_SENT,
    NOTHING_KEPT,
    RESPONSE_LOST,
    SHARED_LIMIT,
    WRAPPERS,
    Classification,
    classify,
)
from app.salesforce.error_codes import ErrorClass as ErrorClass
from app.salesforce.error_codes import Scope as Scope
from app.salesforce.ids import is_id, sobject_of, to18
from app.text.storable import storable

MESSAGE_LENGTH: Final = 500
_CODE_LENGTH: Final = 100
_FIELD_LENGTH: Final = 255
_MANY: Final = 50

_ID_IN_MESSAGE: Final = re.compile(r"\b(?:[a-zA-Z0-9]{18}|[a-zA-Z0-9]{15})\b")
_RECORD_PATH: Final = re.compile(r"/sobjects/(\w+)/([a-zA-Z0-9]{15,18})")


@dataclass(frozen=True)
class DuplicateMatch:
    """A record that Salesforce names as the one that is already there; the id has 18 characters.

    `engine` and `confidence` are what a matching rule says of its own judgement.
    """

    sobject: str
    id: str
    engine: str | None = field(default=None, compare=False)
    confidence: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class ApiError:
    """One error of Salesforce's. `http_status` is None for an error on one row of a collection.

    `matches` are the records a duplicate rule or a unique field points to; `allow_save` says whether the
    rule would have let the record pass with `allowSave=true` (None where no rule spoke). `is_of_call`: it
    answers a whole call, not one part of a composite.
    """

    error_code: str
    message: str
    fields: tuple[str, ...] = ()
    http_status: int | None = None
    matches: tuple[DuplicateMatch, ...] = ()
    allow_save: bool | None = None
    is_of_call: bool = field(default=False, compare=False)

    @property
    def error_class(self) -> ErrorClass:
        """Who can cure it."""
        return self._sorting.error_class

    @property
    def scope(self) -> Scope:
        """What else would fail the same way now."""
        return self._sorting.scope

    @property
    def _sorting(self) -> Classification:
        return classify(self.error_code, self.message, self.http_status, is_of_call=self.is_of_call)

    @property
    def may_be_kept(self) -> bool:
        """Whether a call that writes and ends with this may have kept what it had done by then.

        An error on one row of a collection is that row's alone: nothing of the row is kept.
        """
        is_fault = self.http_status is not None and self.http_status >= 500
        is_half_done = self.http_status is not None and self.error_code in HALF_DONE
        return is_half_done or (is_fault and self.error_code not in NOTHING_KEPT)

    @property
    def is_beyond_limits(self) -> bool:
        """Whether an automation of the org used up a limit that all rows of a call share."""
        return self.error_code in WRAPPERS and SHARED_LIMIT.search(self.message) is not None

    @property
    def is_daily_limit(self) -> bool:
        """Whether the org's rolling 24-hour allowance is used up, as opposed to too many calls at once.

        Both carry one code; only `ConcurrentRequests …` and `ConcurrentPerOrgLongTxn …` pass by themselves.
        """
        return self.error_code == "REQUEST_LIMIT_EXCEEDED" and "concurrent" not in self.message.lower()


class SalesforceError(Exception):
    """Anything that keeps a Salesforce request from being answered with success."""

    error_code = "OTHER"

    @property
    def failure(self) -> ApiError:
        """The same as a value that can be stored and shown."""
        return ApiError(self.error_code, storable(str(self), MESSAGE_LENGTH))


class _WithFailures(SalesforceError):
    """Salesforce's own errors; `failures` has at least one element."""

    def __init__(self, failures: tuple[ApiError, ...]) -> None:
        self.failures = failures
        super().__init__("; ".join(f"{each.error_code}: {each.message}" for each in failures))

    @property
    def failure(self) -> ApiError:
        """The first of them, which decides."""
        return self.failures[0]


class RequestRejected(_WithFailures):
    """Salesforce answered no; `sobject` is what a look-up asked for."""

    sobject: str | None = None


class ResponseLost(SalesforceError):
    """The request left and no complete, readable answer came back."""

    error_code = RESPONSE_LOST


class ResponseTooLarge(ResponseLost):
    """The answer was larger than we are willing to hold."""


class BrokenOff(_WithFailures, ResponseLost):
    """Salesforce ended a call that writes with an error of its own.

    The call is over, so nothing of it lands later; which parts were kept before is not known.
    """


class NotSent(SalesforceError):
    """Nothing left the socket; sending again is safe."""

    error_code = NOT_SENT


class SendGuardTripped(NotSent):
    """The caller's guard forbade the send, for example because its lease is no longer certain."""


class HostUnreachable(NotSent):
    """No connection to the host can be made: its name is gone, or nobody listens."""


class InstanceMoved(NotSent):
    """The token was issued for `instance_url`; the org's address has changed under this client."""

    def __init__(self, instance_url: str) -> None:
        super().__init__(f"the token was issued for {instance_url}")
        self.instance_url = instance_url


def parse_failures(status: int | None, body: object) -> tuple[ApiError, ...]:
    """The errors in an answer, or in one row of a collection (then `status` is None); possibly none.

    Reads arrays of `{message, errorCode, fields?}`, one such object, collection rows with `statusCode`, OAuth
    objects, and the bare URLs of a 300.
    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
    """
    if status == 300:
        return _parse_multiple_choices(body)
    parsed = (_parse_failure(status, item) for item in _error_items(body)[:_MANY])
    return tuple(failure for failure in parsed if failure is not None)


def _error_items(body: object) -> list[Any]:
    if isinstance(body, list):
        return body
    if isinstance(body, dict) and isinstance(body.get("errors"), list):
        return list(body["errors"])
    return [body]


def _parse_failure(status: int | None, item: object) -> ApiError | None:
    if not isinstance(item, dict):
        return None
    code = next((item[key] for key in ("errorCode", "statusCode", "error") if key in item), None)
    if not isinstance(code, str) or not code:
        return None
    message = _text(item.get("message", item.get("error_description")))
    # The misspelt key is Salesforce's own, seen up to v56.
    result = _mapping(item.get("duplicateResult") or item.get("duplicateResut"))
    return ApiError(
        error_code=storable(code, _CODE_LENGTH),
        message=storable(message, MESSAGE_LENGTH),
        fields=_parse_fields(item.get("fields")),
        http_status=status,
        matches=_parse_matches(result) or _match_in_message(code, message),
        allow_save=result["allowSave"] if isinstance(result.get("allowSave"), bool) else None,
    )


def _parse_fields(fields: object) -> tuple[str, ...]:
    return tuple(storable(field, _FIELD_LENGTH) for field in _items(fields)[:_MANY] if isinstance(field, str))


def _parse_matches(result: Mapping[str, Any]) -> tuple[DuplicateMatch, ...]:
    """Every record named, in Salesforce's order, each once; rules may match Leads and Contacts at a time."""
    found = (
        _parse_match(_mapping(entry), _mapping(record))
        for entry in _items(result.get("matchResults"))
        for record in _items(_mapping(entry).get("matchRecords"))
    )
    return tuple(dict.fromkeys(match for match in found if match is not None))


def _parse_match(entry: Mapping[str, Any], found: Mapping[str, Any]) -> DuplicateMatch | None:
    record, confidence = _mapping(found.get("record")), found.get("matchConfidence")
    sobject = _mapping(record.get("attributes")).get("type") or entry.get("entityType")
    if not isinstance(sobject, str) or not is_id(record.get("Id")):
        return None
    return DuplicateMatch(
        storable(sobject, _FIELD_LENGTH),
        to18(record["Id"]),
        engine=storable(_text(entry.get("matchEngine")), _FIELD_LENGTH) or None,
        confidence=float(confidence) if isinstance(confidence, int | float) else None,
    )


def _match_in_message(code: str, message: str) -> tuple[DuplicateMatch, ...]:
    """`… duplicates value on record with id: 00Q…` is all that a unique field says about its holder.

    In the user's language: any id of an object that we know is meant.
    """
    texts = _ID_IN_MESSAGE.findall(message) if code == "DUPLICATE_VALUE" else []
    found = ((sobject_of(each), to18(each)) for each in texts if is_id(each))
    return tuple(dict.fromkeys(DuplicateMatch(sobject, id_) for sobject, id_ in found if sobject))


def _parse_multiple_choices(body: object) -> tuple[ApiError, ...]:
    paths = (_RECORD_PATH.search(url) for url in _items(body)[:_MANY] if isinstance(url, str))
    matches = tuple(DuplicateMatch(path[1], to18(path[2])) for path in paths if path and is_id(path[2]))
    return (ApiError(MULTIPLE_CHOICES, "several records match", http_status=300, matches=matches),)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
