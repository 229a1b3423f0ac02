"""Which language answers a request: `lang=` where a browser can set no header, else `Accept-Language`."""

from typing import Final

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.user_messages.catalog import LANGUAGES
from app.user_messages.language import best_language, in_language

PARAMETER: Final = "lang"
FOR_PEOPLE: Final = ("/v1/", "/ops/", "/oauth/")
"""What answers with words; documents, scripts and the platform's webhooks are the same for everybody."""
WORDED: Final = ("json", "text/html", "text/csv", "text/event-stream")
HEADER: Final = "Content-Language"


def language_of(scope: Scope) -> str:
    """The language that the request prefers, of those that we speak."""
    named = QueryParams(scope.get("query_string", b"")).get(PARAMETER)
    return best_language(named or Headers(scope=scope).get("accept-language", ""), LANGUAGES)


def note_language(headers: MutableHeaders, language: str) -> None:
    """Say what the answer is worded in, and that another request may be answered otherwise."""
    headers.setdefault(HEADER, language)
    headers.add_vary_header("Accept-Language")


class AnswerLanguage:
    """ASGI middleware around everything that has words for people."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(FOR_PEOPLE):
            await self._app(scope, receive, send)
            return
        language = language_of(scope)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if any(kind in headers.get("content-type", "") for kind in WORDED):
                    note_language(headers, language)
            await send(message)

        with in_language(language):
            await self._app(scope, receive, noting)
