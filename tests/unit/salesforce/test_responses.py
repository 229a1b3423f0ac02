"""Complete HTTP answers: a body, a refusal, or nothing one can rely on."""

from typing import Any

import pytest

from app.salesforce.errors import RequestRejected, ResponseLost
from app.salesforce.responses import parse_json, parse_response

HTML = b"<html><body>Service Unavailable</body></html>"
LIMIT = b'[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]'
BUSY = b'[{"message":"server too busy","errorCode":"SERVER_UNAVAILABLE"}]'


@pytest.mark.parametrize(
    ("status", "content", "body"),
    [
        pytest.param(200, b'{"a":[1]}', {"a": [1]}, id="object"),
        pytest.param(201, b'{"success":true}', {"success": True}, id="created"),
        pytest.param(204, b"", None, id="no-content"),
    ],
)
def test_a_success_is_its_body(status: int, content: bytes, body: Any) -> None:
    assert parse_response(status, content) == body


@pytest.mark.parametrize(
    ("status", "content", "code"),
    [
        pytest.param(403, LIMIT, "REQUEST_LIMIT_EXCEEDED", id="limit"),
        pytest.param(503, BUSY, "SERVER_UNAVAILABLE", id="5xx-with-an-error-array"),
        pytest.param(403, b"Bad_OAuth_Token", "Bad_OAuth_Token", id="plain-text"),
        pytest.param(401, HTML, "HTTP_401", id="401-html"),
        pytest.param(414, b"", "HTTP_414", id="uri-too-long"),
        pytest.param(301, b"", "REDIRECTED", id="301"),
        pytest.param(302, HTML, "REDIRECTED", id="302"),
        pytest.param(304, b"", "REDIRECTED", id="304"),
        pytest.param(300, b'["/services/data/v60.0/sobjects/Lead/x"]', "MULTIPLE_CHOICES", id="300"),
    ],
)
def test_a_complete_no_is_a_refusal(status: int, content: bytes, code: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        parse_response(status, content)
    assert refused.value.failure.error_code == code
    assert refused.value.failure.http_status == status


@pytest.mark.parametrize(
    ("status", "content"),
    [
        pytest.param(200, b"", id="empty-200"),
        pytest.param(200, b'{"id":"00Q', id="cut-off"),
        pytest.param(200, HTML, id="html-200"),
        pytest.param(201, b"\xff\xfe", id="not-utf8"),
        pytest.param(200, b'{"a":NaN}', id="nan"),
        pytest.param(200, b"[" * 100_000, id="deep"),
        pytest.param(500, HTML, id="500-html"),
        pytest.param(502, b"", id="502-empty"),
        pytest.param(503, HTML, id="maintenance-page"),
        pytest.param(500, b'{"unexpected":"object"}', id="500-other-json"),
        pytest.param(504, b"[]", id="504-empty-array"),
        pytest.param(408, HTML, id="gateway-timeout-408"),
        pytest.param(420, b"", id="edge"),
    ],
)
def test_what_is_not_salesforces_word_is_lost(status: int, content: bytes) -> None:
    with pytest.raises(ResponseLost):
        parse_response(status, content)


def test_json_refuses_constants_that_are_not_json() -> None:
    with pytest.raises(ValueError, match="Infinity"):
        parse_json(b"[-Infinity]")
