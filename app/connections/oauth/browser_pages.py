"""What a browser sees while connecting: redirects and two small pages, closed off from everything else."""

import html
import json
import secrets
from dataclasses import dataclass, field
from typing import Final

from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.states import SignInPurpose
from app.user_messages.catalog import say
from app.user_messages.language import current_language

POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
PAGE: Final = """<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><title>{title}</title></head>
<body><main><h1>{title}</h1><p>{text}</p></main>{script}</body>
</html>
"""
START: Final = """<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body><main>
<h1>{title}</h1>
<p>{begun}</p>
<p>{consequence} {go_on_only}</p>
<form method="post" action="{action}"><button>{go_on}</button></form>
<p>{sent_by_somebody}</p>
</main></body>
</html>
"""
PERSON: Final = "<strong><bdi>{person}</bdi></strong>"
HOST: Final = "<strong><bdi>{host}</bdi></strong> (<code>{host_id}</code>)"
TELL_OPENER: Final = """<script nonce="{nonce}">
(() => {{
  const message = {message};
  const origin = {origin};
  const goBack = () => location.replace({back});
  if (!window.opener) return goBack();
  const timer = setTimeout(goBack, {patience});
  addEventListener("message", ({{ origin: from, source, data }}) => {{
    if (from !== origin || source !== window.opener) return;
    if (data?.type !== {acknowledged} || data.attempt_id !== message.attempt_id) return;
    clearTimeout(timer);
    window.close();
  }});
  window.opener.postMessage(message, origin);
}})();
</script>"""
PATIENCE_MS: Final = 2_000
MESSAGE: Final = "eventship.salesforce"
ACKNOWLEDGED: Final = "eventship.salesforce.received"


def send_to(url: str) -> Response:
    """Redirect with 303 and without a Referer."""
    return RedirectResponse(url, 303, headers=HEADERS)


def plain_page(title: str, text: str, *, status: int = 400) -> HTMLResponse:
    """Render a page that says what happened and where to go on."""
    return HTMLResponse(_page(title, text), status, headers=HEADERS)


def start_page(
    host_id: str, *, host_name: str, person: str, action: str, login_url: str, purpose: str
) -> HTMLResponse:
    """Render the page that names host and user and requires a click, since programs open links too."""
    given = {"person": person, "host": host_name, "host_id": host_id}
    escaped = {name: html.escape(value) for name, value in given.items()}
    why = SignInPurpose(purpose)
    page = START.format(
        language=current_language(),
        title=say(f"page.start_{why}"),
        begun=say(f"page.begun_{why}", person=PERSON.format(**escaped), host=HOST.format(**escaped)),
        consequence=say(f"page.consequence_{why}"),
        go_on_only=say("page.go_on_only"),
        go_on=say("page.continue"),
        sent_by_somebody=say("page.sent_by_somebody"),
        action=html.escape(action),
    )
    # A form's target is judged through every redirect, and those lead on to an org's own sign-in.
    targets = f"'self' https: {login_url}"
    headers = HEADERS | {
        "Content-Security-Policy": POLICY.replace("form-action 'none'", f"form-action {targets}"),
        "Referrer-Policy": "same-origin",  # without one the browser would not say where the form comes from
    }
    return HTMLResponse(page, headers=headers)


@dataclass(frozen=True)
class Return:
    """The result that the browser carries back to the dashboard; `url` is for a window without an opener."""

    origin: str
    url: str
    attempt_id: str
    outcome: str
    code: str | None = field(default=None, repr=False)


def popup_page(back: Return) -> HTMLResponse:
    """Render the page that posts the result to the dashboard and closes once it is acknowledged."""
    nonce = secrets.token_urlsafe(16)
    message = {
        "type": MESSAGE,
        "attempt_id": back.attempt_id,
        "outcome": back.outcome,
        "code": back.code,
    }
    script = TELL_OPENER.format(
        nonce=nonce,
        message=_embedded(message),
        origin=_embedded(back.origin),
        back=_embedded(back.url),
        patience=PATIENCE_MS,
        acknowledged=_embedded(ACKNOWLEDGED),
    )
    headers = HEADERS | {"Content-Security-Policy": f"{POLICY}; script-src 'nonce-{nonce}'"}
    return HTMLResponse(_page(say(f"page.{back.outcome}"), say("page.close"), script), headers=headers)


def _page(title: str, text: str, script: str = "") -> str:
    return PAGE.format(
        language=current_language(), title=html.escape(title), text=html.escape(text), script=script
    )


def _embedded(value: object) -> str:
    """JSON that is safe inside a script element."""
    return json.dumps(value).replace("<", "\\u003c").replace("\u2028", "\\u2028")
