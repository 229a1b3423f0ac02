"""Query, queryAll, their further pages, and parameterizedSearch."""

from collections.abc import Sequence
from typing import Any

from salesforce_simulator import transaction_security
from salesforce_simulator.errors import refusal
from salesforce_simulator.org import Org
from salesforce_simulator.query_cursors import Cursor, locator, page_size
from salesforce_simulator.rest.request import RestRequest, RestResponse
from salesforce_simulator.rest.sobjects import field_renderer, find_object
from salesforce_simulator.soql.executor import execute
from salesforce_simulator.store import SEARCHED, Row, words_of

_SEARCHED = {"EMAIL": ("Email",), "NAME": ("Name",), "PHONE": ("Phone", "MobilePhone"), "ALL": SEARCHED}


def query(org: Org, call: RestRequest) -> RestResponse:
    return _run_query(org, call, with_deleted=False)


def query_all(org: Org, call: RestRequest) -> RestResponse:
    return _run_query(org, call, with_deleted=True)


def _run_query(org: Org, call: RestRequest, *, with_deleted: bool) -> RestResponse:
    text = call.query.get("q")
    if not text:
        raise refusal("MALFORMED_QUERY", "A query string has to be specified")
    limit = org.config.max_query_values
    if limit is not None and text.count("'") > 2 * limit:
        raise refusal(org.config.query_limit_code, "Your query request was running for too long.")
    answer = execute(org, text, version=call.version, with_deleted=with_deleted)
    if answer.count is not None:
        return RestResponse(200, {"totalSize": answer.count, "done": True, "records": []})
    size = page_size(call.headers.get("sforce-query-options"))
    org.cursor_number += 1
    cursor = Cursor(locator(org.cursor_number), call.user_id, answer.rows, answer.render, size)
    if len(answer.rows) > size:
        org.remember(cursor)
    return RestResponse(200, cursor.page(0, call.version))


def more(org: Org, call: RestRequest) -> RestResponse:
    """The next page: `<locator>-<offset>`."""
    name, _, offset = call.segments[1].partition("-")
    cursor = org.cursors.get(name)
    is_own = cursor is not None and cursor.user_id == call.user_id
    if cursor is None or not is_own or not offset.isdigit() or int(offset) >= len(cursor.rows):
        raise refusal("INVALID_QUERY_LOCATOR", "invalid query locator", status=org.config.locator_status)
    return RestResponse(200, cursor.page(int(offset), call.version))


def search(org: Org, call: RestRequest) -> RestResponse:
    """A search for whole words in e-mails, names or phones; the index never lags here."""
    asked = _search_parameters(call)
    needle = str(asked.get("q", "")).strip().lower()
    if len(needle) < 2:
        raise refusal("MALFORMED_SEARCH", "search term must be longer than one character: " + needle)
    fields = _SEARCHED.get(str(asked.get("in", "ALL")).upper(), _SEARCHED["ALL"])
    records = []
    for target in asked.get("sobjects", []):
        sobject = find_object(org, target["name"])
        transaction_security.check(org, sobject.name)
        show = field_renderer(
            org, call, sobject, ",".join(target.get("fields") or asked.get("fields") or ["Id"])
        )
        rows = _search_rows(org, sobject.name, [f for f in fields if f in sobject.fields], words_of(needle))
        records += [show(row) for row in rows[: target.get("limit", 2000)]]
    return RestResponse(200, {"searchRecords": records[: asked.get("overallLimit", 2000)]})


def _search_parameters(call: RestRequest) -> dict[str, Any]:
    if call.method == "POST":
        return call.object()
    names = [name for name in call.query.get("sobject", "").split(",") if name]
    targets = [
        {"name": name, "fields": [f for f in call.query.get(f"{name}.fields", "").split(",") if f]}
        for name in names
    ]
    return {"q": call.query.get("q", ""), "in": call.query.get("in", "ALL"), "sobjects": targets}


def _search_rows(org: Org, name: str, fields: Sequence[str], wanted: set[str]) -> list[Row]:
    table = org.store.table(name)
    found = dict.fromkeys(i for field in fields for i in table.ids_with_words(field, wanted))
    rows = (table.rows[record_id] for record_id in found)
    return [row for row in rows if not row["IsDeleted"] and org.is_visible(row)]
