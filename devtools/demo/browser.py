"""A browser that fills in plain forms: keeps cookies, follows redirects, presses the first button."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self
from urllib.parse import urljoin

import httpx

MOST_PAGES = 12


class Lost(Exception):
    """A page led nowhere: an error, or no form to fill in."""


@dataclass
class Form:
    """The first form of a page with the values it would send when its first button is pressed."""

    action: str = ""
    method: str = "get"
    values: dict[str, str] = field(default_factory=dict)


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.form: Form | None = None
        self._is_open = False
        self._has_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.form is None:
            self.form = Form(given.get("action", ""), given.get("method", "get").lower())
            self._is_open = True
        elif self._is_open and self.form is not None and "name" in given:
            self._take(tag, given, self.form)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_open = False

    def _take(self, tag: str, given: dict[str, str], form: Form) -> None:
        is_choice = given.get("type") in ("radio", "checkbox")
        if tag == "input" and (not is_choice or "checked" in given):
            form.values[given["name"]] = given.get("value", "")
        elif tag == "button" and not self._has_button:
            self._has_button = True
            form.values[given["name"]] = given.get("value", "")


def first_form(html: str) -> Form | None:
    """The first form of a page, if it has one."""
    reader = _FormReader()
    reader.feed(html)
    return reader.form


class _Here(httpx.BaseTransport):
    """Takes names under `localhost` as this machine, as browsers do whatever the resolver says (RFC 6761)."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host.endswith(".localhost"):
            request = httpx.Request(
                request.method,
                request.url.copy_with(host="localhost"),
                headers=request.headers,
                stream=request.stream,
                extensions=request.extensions,
            )
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


class Browser:
    """One browser with its own cookies."""

    def __init__(self, transport: httpx.BaseTransport | None = None) -> None:
        here = _Here(transport or httpx.HTTPTransport(trust_env=False))
        self._http = httpx.Client(transport=here, trust_env=False, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def walk(self, url: str, *, until: str) -> str:
        """From `url` through redirects and forms to the first address that contains `until`. Raises Lost."""
        request = self._http.build_request("GET", url)
        for _ in range(MOST_PAGES):
            if until in str(request.url):
                return str(request.url)
            answer = self._http.send(request)
            request = self._next(answer)
        raise Lost(f"still not there after {MOST_PAGES} pages: {request.url.host}{request.url.path}")

    def _next(self, answer: httpx.Response) -> httpx.Request:
        if answer.has_redirect_location:
            return self._http.build_request("GET", urljoin(str(answer.url), answer.headers["location"]))
        form = first_form(answer.text) if answer.is_success else None
        if form is None:
            raise Lost(f"{answer.status_code} at {answer.url.host}{answer.url.path}: {answer.text[:200]}")
        target = urljoin(str(answer.url), form.action)
        if form.method == "post":
            return self._http.build_request("POST", target, data=form.values)
        return self._http.build_request("GET", target, params=form.values)
