"""A browser that fills in forms: which form, which values, and when it gives up."""

from collections.abc import Callable

import httpx
import pytest

from devtools.demo.browser import Browser, Lost, first_form

LOGIN = """
<form method="post" action="/approve"><input type="hidden" name="state" value="a&amp;b">
<input type="radio" name="user" value="ada" checked><input type="radio" name="user" value="sam">
<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button></form>
<form action="/other"><input name="stray" value="1"></form>
"""

Handler = Callable[[httpx.Request], httpx.Response]


def walked(handler: Handler, until: str = "/done") -> str:
    with Browser(httpx.MockTransport(handler)) as browser:
        return browser.walk("http://host.test/start", until=until)


def test_the_first_form_is_sent_with_its_first_button() -> None:
    form = first_form(LOGIN)
    assert form is not None
    assert (form.method, form.action) == ("post", "/approve")
    assert form.values == {"state": "a&b", "user": "ada", "decision": "allow"}


def test_a_page_without_a_form_has_none() -> None:
    assert first_form("<p>no</p>") is None


def test_names_under_localhost_are_this_machine_and_keep_their_names() -> None:
    seen: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((str(request.url), request.headers["host"]))
        if request.headers["host"] != "login.localhost:8100":
            return httpx.Response(302, headers={"location": "http://login.localhost:8100/login"})
        if request.url.path == "/login":
            return httpx.Response(200, text=LOGIN)
        return httpx.Response(302, headers={"location": "http://host.test/done"})

    assert walked(answer) == "http://host.test/done"
    assert seen == [
        ("http://host.test/start", "host.test"),
        ("http://localhost:8100/login", "login.localhost:8100"),
        ("http://localhost:8100/approve", "login.localhost:8100"),
    ]


def test_redirects_forms_and_cookies_lead_to_the_end() -> None:
    seen: list[tuple[str, str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, request.url.path, request.headers.get("cookie", "")))
        match request.url.path:
            case "/start":
                return httpx.Response(303, headers={"location": "/login", "set-cookie": "nonce=1"})
            case "/login":
                return httpx.Response(200, text=LOGIN)
            case _:
                return httpx.Response(303, headers={"location": "http://host.test/done?x=1"})

    assert walked(answer) == "http://host.test/done?x=1"
    assert seen == [("GET", "/start", ""), ("GET", "/login", "nonce=1"), ("POST", "/approve", "nonce=1")]


def test_a_form_without_a_method_is_a_get() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text='<form action="/done"><input name="q" value="x y"></form>')

    assert walked(answer) == "http://host.test/done?q=x+y"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(httpx.Response(400, text="invalid_client_id"), "400.*invalid_client_id", id="error"),
        pytest.param(httpx.Response(200, text="<p>dead end</p>"), "dead end", id="no-form"),
        pytest.param(httpx.Response(302, headers={"location": "/start"}), "still not there", id="circle"),
    ],
)
def test_a_browser_that_gets_nowhere_says_where_it_is(answer: httpx.Response, message: str) -> None:
    with pytest.raises(Lost, match=message):
        walked(lambda _: answer)
