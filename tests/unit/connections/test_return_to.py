"""Where a browser may be sent: forty ways off the dashboard, none of them open."""

import pytest

from app.connections.return_to import check_return_to, returning_url
from app.problems import ReturnToInvalid

DASHBOARD = "https://app.eventship.example"

HOSTILE = [
    "",
    " ",
    "evil",
    "evil.example/path",
    "https://evil.example",
    "http://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "/%5cevil.example",
    "/%5Cevil.example",
    "/%255cevil.example",
    "/%2f%2fevil.example",
    "/%2Fevil.example",
    "/%252f%252fevil.example",
    "/%25252f%25252fevil.example",
    "/a//evil.example",
    "/a/%2f/evil.example",
    "/./evil",
    "/../evil",
    "/..//evil.example",
    "/%2e%2e//evil.example",
    "/%2e%2e/evil",
    "/a/../../evil",
    "/\tevil",
    "/\nevil",
    "/\r\nLocation: https://evil.example",
    "/%0d%0aLocation:%20https://evil.example",
    "/%09/evil.example",
    "/%00",
    "/\x00evil",
    "/\x7f",
    "/é",
    "/\u2028",
    "/evil\u3002example",
    "/／evil.example",
    " //evil.example",
    "\t//evil.example",
    "javascript:alert(1)",
    "data:text/html,hi",
    "@evil.example",
    ":evil",
    ".evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "/" + "a" * 2000,
]
GOOD = [
    "/",
    "/hosts/acme/integrations",
    "/hosts/acme/integrations?tab=crm&next=%2Fa",
    "/a?next=https://elsewhere.example/",
    "/a#section",
    "/a.b/..c/d~e",
    "/a@b:c;d,e",
]


@pytest.mark.parametrize("path", HOSTILE)
def test_path_that_may_leave_the_dashboard_is_refused(path: str) -> None:
    with pytest.raises(ReturnToInvalid):
        check_return_to(path, dashboard_url=DASHBOARD)


@pytest.mark.parametrize("path", GOOD)
def test_path_on_the_dashboard_is_kept(path: str) -> None:
    assert check_return_to(path, dashboard_url=DASHBOARD) == path


@pytest.mark.parametrize(
    ("path", "outcome", "url"),
    [
        pytest.param("/", "connected", "/?salesforce=connected", id="root"),
        pytest.param("/a?b=c", "failed", "/a?b=c&salesforce=failed&attempt=att_1", id="query"),
        pytest.param("/a#b", "connected", "/a?salesforce=connected#b", id="fragment"),
        pytest.param("/a?b=", "connected", "/a?b=&salesforce=connected", id="empty value"),
        pytest.param(
            "/a?salesforce=connected&attempt=x", "failed", "/a?salesforce=failed&attempt=att_1", id="forged"
        ),
    ],
)
def test_address_says_how_it_went_and_never_why(path: str, outcome: str, url: str) -> None:
    assert returning_url(DASHBOARD, path, outcome=outcome, attempt_id="att_1") == DASHBOARD + url
