"""What a browser sees while connecting: redirects and two small pages, closed off from everything else."""

import html
import json
import secrets
from typing import Final

from fastapi.responses import HTMLResponse, RedirectResponse, Response

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
TELL_OPENER: Final = """<script nonce="{nonce}">
(() => {{
  const told = {message};
  if (window.opener) window.opener.postMessage(told, {origin});
  window.close();
}})();
</script>"""


def send_to(url: str) -> Response:
    """303, without telling the next page where the browser came from."""
    return RedirectResponse(url, 303, headers=HEADERS)


def plain_page(title: str, text: str, *, status: int = 400) -> HTMLResponse:
    """A page that says what happened and where to go on."""
    return HTMLResponse(_page(title, text), status, headers=HEADERS)


def popup_page(dashboard_url: str, *, outcome: str, attempt_id: str) -> HTMLResponse:
    """Tells the dashboard that opened this window how it went, and closes the window."""
    nonce = secrets.token_urlsafe(16)
    message = {"type": "eventship.salesforce", "attempt_id": attempt_id, "outcome": outcome}
    script = TELL_OPENER.format(nonce=nonce, message=_embedded(message), origin=_embedded(dashboard_url))
    title = "Salesforce is connected" if outcome == "connected" else "Salesforce is not connected"
    headers = HEADERS | {"Content-Security-Policy": f"{POLICY}; script-src 'nonce-{nonce}'"}
    return HTMLResponse(_page(title, "You can close this window.", script), headers=headers)


def _page(title: str, text: str, script: str = "") -> str:
    return PAGE.format(title=html.escape(title), text=html.escape(text), script=script)


def _embedded(value: object) -> str:
    """JSON that is safe inside a script element."""
    return json.dumps(value).replace("<", "\\u003c").replace("\u2028", "\\u2028")
