"""What a browser sees while connecting: redirects and two small pages, closed off from everything else."""

import html
import json
import secrets
from dataclasses import dataclass, field
from typing import Final

from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.states import AttemptState, SignInPurpose

POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body><main><h1>{title}</h1><p>{text}</p></main>{script}</body>
</html>
"""
START: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body><main>
<h1>{title}</h1>
<p><strong><bdi>{person}</bdi></strong> {began} the host
<strong><bdi>{host}</bdi></strong> (<code>{host_id}</code>) on Eventship.</p>
<p>{consequence} Go on only if you are this person and mean this host.</p>
<form method="post" action="{action}"><button>Continue to Salesforce</button></form>
<p>Did somebody send you this link? Then close this page.</p>
</main></body>
</html>
"""
START_TITLES: Final = {
    SignInPurpose.HOST: "Connect Salesforce",
    SignInPurpose.USER: "Connect your Salesforce user",
}
BEGAN: Final = {
    SignInPurpose.HOST: "began to connect Salesforce to",
    SignInPurpose.USER: "began to say who they are in the Salesforce org of",
}
CONSEQUENCES: Final = {
    SignInPurpose.HOST: (
        "Whoever manages this host will see people of the Salesforce org that you sign in to, and its "
        "registrations will be written there."
    ),
    SignInPurpose.USER: (
        "Your Salesforce user is kept with your Eventship account, so that what your events write can belong "
        "to you; whoever manages this host sees its name and e-mail. Eventship can neither read nor "
        "change anything with this sign-in."
    ),
}
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
    text = {"person": person, "host": host_name, "host_id": host_id, "action": action}
    why = SignInPurpose(purpose)
    escaped = {name: html.escape(value) for name, value in text.items()}
    about = {"title": START_TITLES[why], "began": BEGAN[why], "consequence": CONSEQUENCES[why]}
    # A form's target is judged through every redirect, and those lead on to an org's own sign-in.
    targets = f"'self' https: {login_url}"
    headers = HEADERS | {
        "Content-Security-Policy": POLICY.replace("form-action 'none'", f"form-action {targets}"),
        "Referrer-Policy": "same-origin",  # without one the browser would not say where the form comes from
    }
    return HTMLResponse(START.format(**about, **escaped), headers=headers)


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
    return HTMLResponse(_page(TITLES[back.outcome], "You can close this window.", script), headers=headers)


TITLES: Final = {
    "confirm": "Going back to Eventship",
    AttemptState.CONNECTED: "Salesforce is connected",
    AttemptState.FAILED: "Salesforce is not connected",
}


def _page(title: str, text: str, script: str = "") -> str:
    return PAGE.format(title=html.escape(title), text=html.escape(text), script=script)


def _embedded(value: object) -> str:
    """JSON that is safe inside a script element."""
    return json.dumps(value).replace("<", "\\u003c").replace("\u2028", "\\u2028")
