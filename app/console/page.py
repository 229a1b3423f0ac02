"""The console's page and the elements' script: built files, closed off from everything else."""

import os
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.console.built import BUILT, is_built

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types lit-html"
)
HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY,
    # The sign-in's window must be able to tell its opener how it went.
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
NOT_BUILT: Final = (
    "The console is not built: install Node 20.19 or newer and run `make web`. The API runs without it.\n"
)


class ConsoleFiles(StaticFiles):
    """The built files, each answer with the policy."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        answer = super().file_response(full_path, stat_result, scope, status_code)
        answer.headers.update(HEADERS)
        return answer


def install_console(app: FastAPI, built: Path = BUILT) -> None:
    """Serve `/console/`; where nothing is built, say how to get it."""
    if not is_built(built):
        app.add_api_route("/console{_:path}", _not_built, include_in_schema=False)
        return
    app.add_api_route("/console", _with_slash, include_in_schema=False)
    app.mount("/console", ConsoleFiles(directory=built, html=True))


async def _with_slash() -> Response:
    return RedirectResponse("/console/", 308)


async def _not_built() -> Response:
    return PlainTextResponse(NOT_BUILT, 503, headers=HEADERS)
