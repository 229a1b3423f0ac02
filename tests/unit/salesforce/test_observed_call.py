"""Kind and size of a call, by its address and body; what is logged of it."""

import logging
from typing import Any

import pytest

from app.salesforce.errors import ResponseLost
from app.salesforce.observed_call import kind_of, observed_call, rows_answered, rows_sent

API = "/services/data/v62.0"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"{API}/query?q=SELECT+Id+FROM+Lead", "query"),
        (f"{API}/queryAll?q=SELECT+Id+FROM+Lead", "query"),
        (f"{API}/query/01gRM000000001-2000", "query"),
        (f"{API}/composite", "composite"),
        (f"{API}/composite/sobjects", "composite"),
        (f"{API}/sobjects/Lead/describe", "describe"),
        (f"{API}/limits", "limits"),
        (f"{API}/sobjects/Lead", "other"),
        ("/services/data", "other"),
        ("https://login.salesforce.com/id/00D/005", "other"),
    ],
)
def test_kind_of_a_call(path: str, kind: str) -> None:
    assert kind_of(path) == kind


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (None, 0),
        ({"LastName": "Otter"}, 1),
        ({"records": [{}, {}, {}]}, 3),
        ({"compositeRequest": [{"body": {"records": [{}, {}]}}, {"url": "/query"}, {"body": {"a": 1}}]}, 3),
    ],
)
def test_rows_that_are_sent(body: dict[str, Any] | None, rows: int) -> None:
    assert rows_sent(body) == rows


@pytest.mark.parametrize(
    ("answer", "rows"),
    [
        (None, 0),
        ([{"version": "62.0"}], 0),
        ({"totalSize": 2, "records": [{}, {}]}, 2),
        ({"compositeResponse": [{"body": {"records": [{}]}}, {"body": [{"id": "00Q"}]}, "odd"]}, 1),
    ],
)
def test_rows_that_are_answered(answer: Any, rows: int) -> None:
    assert rows_answered(answer) == rows


def test_call_that_goes_well_is_logged_at_debug_only(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), observed_call("query"):
        pass
    assert caplog.records == []
    with caplog.at_level(logging.DEBUG), observed_call("query") as call:
        call.rows, call.status = 7, 200
    [record] = caplog.records
    assert (record.levelname, vars(record)["rows"], vars(record)["outcome"]) == ("DEBUG", 7, "ok")


def test_call_that_fails_is_logged_without_what_was_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), pytest.raises(ResponseLost), observed_call("composite", rows=5):
        raise ResponseLost("the answer for mary@otter.example was lost")
    [record] = caplog.records
    assert (vars(record)["outcome"], vars(record)["rows"]) == ("ResponseLost", 5)
    assert "mary" not in str(vars(record))
