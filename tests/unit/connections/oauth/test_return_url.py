"""Return URLs: four hundred addresses outside of the dashboard, all refused."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.errors import ReturnToInvalid
from app.connections.oauth.return_url import check_return_to, returning_url

DASHBOARD = "https://app.eventship.example"
ANYWHERE = ("/",)
PREFIXES = ("/integrations", "/console")

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
    "/a#section",
    "/" + "a" * 2000,
]
GOOD = [
    "/",
    "/hosts/acme/integrations",
    "/hosts/acme/integrations?tab=crm&next=%2Fa",
    "/a?next=https://elsewhere.example/",
    "/a.b/..c/d~e",
    "/a@b:c;d,e",
]


@pytest.mark.parametrize("path", HOSTILE)
def test_path_that_may_leave_the_dashboard_is_refused(path: str) -> None:
    with pytest.raises(ReturnToInvalid):
        check_return_to(path, dashboard_url=DASHBOARD, prefixes=ANYWHERE)


LEADS = [
    "//", "///", "/\\", "\\/", "\\\\", "/\\/", "/%5c", "/%5C", "/%2f", "/%2F", "/%252f", "/%255c", "/./",
    "/../",
    "/%2e%2e/", "/%2e/", "/;//", "/a//", "/\t/", "/\n/", "/\r", "/%09/", "/%0a/", "/%00", " /", "\t/", "/ /",
    "http://", "https://", "https:/", "https:", "javascript:", "ftp://", "@", "//user:pw@", "/%5c%5c",
    "/%2f%2f", "/\u2028", "/\uff0f", "/\u3002",
]  # fmt: skip
ELSEWHERE = [
    "evil.example", "evil.example/path", "evil.example:443", "evil.example?x=1", "evil.example#x", "[::1]",
    "169.254.169.254", "app.eventship.example.evil.example", "app.eventship.example@evil.example",
]  # fmt: skip


@pytest.mark.parametrize("lead", LEADS, ids=ascii)
def test_no_lead_goes_to_any_other_host(lead: str) -> None:
    for host in ELSEWHERE:
        with pytest.raises(ReturnToInvalid):
            check_return_to(lead + host, dashboard_url=DASHBOARD, prefixes=ANYWHERE)


@settings(deadline=None)
@given(st.text(alphabet="/\\.%25cfe2a@:;?#\t ", max_size=12))
def test_whatever_is_let_through_stays_on_the_dashboard(tail: str) -> None:
    try:
        path = check_return_to(f"/{tail}", dashboard_url=DASHBOARD, prefixes=ANYWHERE)
    except ReturnToInvalid:
        return
    url = returning_url(DASHBOARD, path, outcome="failed", attempt_id="att_1")
    assert url.startswith(f"{DASHBOARD}/")
    assert not url.startswith(f"{DASHBOARD}//")
    assert urlsplit(urljoin(f"{DASHBOARD}/deep/page", path)).netloc == "app.eventship.example"


@pytest.mark.parametrize("path", GOOD)
def test_path_on_the_dashboard_is_kept(path: str) -> None:
    assert check_return_to(path, dashboard_url=DASHBOARD, prefixes=ANYWHERE) == path


@pytest.mark.parametrize(
    ("path", "outcome", "url"),
    [
        pytest.param("/", "connected", "/?salesforce=connected", id="root"),
        pytest.param("/a?b=c", "failed", "/a?b=c&salesforce=failed&attempt=att_1", id="query"),
        pytest.param("/a", "confirm", "/a?salesforce=confirm&attempt=att_1#code=c0de", id="code"),
        pytest.param("/a?b=", "connected", "/a?b=&salesforce=connected", id="empty value"),
        pytest.param(
            "/a?salesforce=connected&attempt=x", "failed", "/a?salesforce=failed&attempt=att_1", id="forged"
        ),
    ],
)
def test_address_says_how_it_went_and_never_why(path: str, outcome: str, url: str) -> None:
    code = "c0de" if outcome == "confirm" else None
    found = returning_url(DASHBOARD, path, outcome=outcome, attempt_id="att_1", code=code)
    assert found == DASHBOARD + url


UNDER = ["/integrations", "/integrations/", "/integrations/crm?tab=1", "/console", "/console/?host=a"]
BESIDE = [
    "/", "/hosts/acme", "/integrationsx", "/integrations.evil", "/integrations%2f..%2fhosts", "/Integrations",
    "/console/../hosts", "/console/%2e%2e/hosts", "/%69ntegrations", "/hosts?x=/integrations/",
]  # fmt: skip


@pytest.mark.parametrize("path", UNDER)
def test_path_under_a_prefix_is_kept(path: str) -> None:
    assert check_return_to(path, dashboard_url=DASHBOARD, prefixes=PREFIXES) == path


@pytest.mark.parametrize("path", BESIDE)
def test_path_beside_the_prefixes_is_refused(path: str) -> None:
    with pytest.raises(ReturnToInvalid):
        check_return_to(path, dashboard_url=DASHBOARD, prefixes=PREFIXES)
