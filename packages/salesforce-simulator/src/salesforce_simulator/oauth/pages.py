"""The login and approval pages: plain forms, no script."""

from collections.abc import Mapping
from html import escape

from salesforce_simulator.http import HTML, Response
from salesforce_simulator.pages.layout import document


def login(parameters: Mapping[str, str], users: list[tuple[str, str, str]], app_name: str) -> Response:
    """A form to log in as one of `users`, given as (username, name, org)."""
    choices = "".join(
        f'<label class="choice"><input type="radio" name="username" value="{escape(username)}"'
        f"{' checked' if index == 0 else ''}> <strong>{escape(name)}</strong> "
        f'<span class="dim">{escape(username)} · {escape(org)}</span></label>'
        for index, (username, name, org) in enumerate(users)
    )
    body = (
        f"<h1>Log in</h1><p>to continue to <strong>{escape(app_name)}</strong></p>"
        '<form method="post" action="/services/oauth2/authorize">'
        f"{_hidden(_without_user(parameters))}{choices}"
        '<p><button type="submit">Log in</button></p></form>'
    )
    return Response(200, document("Login", body, is_narrow=True), content_type=HTML)


def approve(parameters: Mapping[str, str], *, username: str, org_name: str, app_name: str) -> Response:
    """A form that allows or denies the app."""
    scopes = parameters.get("scope") or "full"
    wanted = "".join(f"<li>{escape(scope)}</li>" for scope in scopes.split())
    body = (
        f"<h1>Allow access?</h1><p><strong>{escape(app_name)}</strong> is asking to act in "
        f"<strong>{escape(org_name)}</strong> as {escape(username)}:</p><ul>{wanted}</ul>"
        '<form method="post" action="/services/oauth2/authorize">'
        f"{_hidden({**parameters, 'username': username})}"
        '<p><button name="decision" value="allow">Allow</button> '
        '<button class="quiet" name="decision" value="deny">Deny</button></p></form>'
    )
    return Response(200, document("Allow access?", body, is_narrow=True), content_type=HTML)


def problem(error: str, description: str, *, content_type: str = HTML) -> Response:
    """An error that never returns to the app: the browser stays here. Both texts are ours and trusted."""
    text = f"error={error}&error_description={description}"
    if content_type != HTML:
        return Response(400, text, content_type=content_type)
    return Response(400, document("OAuth error", f"<p>{text}</p>", is_narrow=True), content_type=HTML)


def _without_user(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if name not in {"username", "login_hint"}}


def _hidden(parameters: Mapping[str, str]) -> str:
    kept = {name: value for name, value in parameters.items() if name != "decision"}
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in kept.items()
    )
