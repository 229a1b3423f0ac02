"""The resources of the control API, /_simulator. `?org=` names an org; the default one otherwise."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from salesforce_simulator.config import MalformedConfig
from salesforce_simulator.control_api import lead_actions
from salesforce_simulator.control_api.seeding import MalformedRow, insert_rows, list_rows
from salesforce_simulator.errors import SalesforceError
from salesforce_simulator.faults import Fault
from salesforce_simulator.grants import Grant, new_refresh_token
from salesforce_simulator.hosts import host_of
from salesforce_simulator.http import Request, Response
from salesforce_simulator.oauth.tokens import token_response
from salesforce_simulator.org import Org
from salesforce_simulator.rules import validation
from salesforce_simulator.simulator import Simulator

Handler = Callable[[Simulator, Org, Request], Response]


class BadRequest(ValueError):
    """The control API cannot make sense of what was sent; the text says why."""


def handle(simulator: Simulator, request: Request) -> Response:
    """Answer a request under /_simulator; problems are a JSON object with `error`."""
    org = simulator.org_of(request.query.get("org"))
    if org is None:
        return _problem(404, "no such org")
    parts = request.path.strip("/").split("/")[1:]
    place = parts[0] if parts else ""
    handler = _ROUTES.get((request.method, "/".join(parts))) or _ROUTES.get((request.method, f"{place}/*"))
    if handler is None:
        return _problem(404, f"no such door: {request.method} {request.path}")
    try:
        answer = handler(simulator, org, request)
    except (BadRequest, MalformedConfig, MalformedRow, lead_actions.NoSuchRow) as error:
        return _problem(400, str(error))
    org.commit()
    return answer


def _problem(status: int, text: str) -> Response:
    return Response(status, {"error": text})


def body_of(request: Request) -> Any:
    """The JSON body, an empty object when there is none; raises BadRequest."""
    if not request.body.strip():
        return {}
    try:
        return json.loads(request.body)
    except ValueError as error:
        raise BadRequest(f"not JSON: {error}") from error


def _session(simulator: Simulator, org: Org, request: Request) -> Response:
    """A living session of `?user=` or the org's first user, apart from the approvals that users give."""
    app = simulator.apps[0]
    username = request.query.get("user")
    user_id = org.admin_id if username is None else org.user_ids().get(username.lower())
    if user_id is None:
        raise BadRequest(f"no such username: {username}")
    grant = org.grants.control_session(user_id)
    if grant is None:
        now = org.clock().timestamp()
        grant = Grant(user_id, app.client_id, "api refresh_token id", new_refresh_token(), now, is_door=True)
        org.grants.add(grant, at_most=org.config.approvals_per_user)
    token = (
        next(iter(grant.access_tokens), None)
        or token_response(org, grant, app, request.base_url)["access_token"]
    )
    body = {
        "instance_url": request.base_url,
        "login_url": request.base_url,
        "access_token": token,
        "refresh_token": grant.refresh_token,
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "org_id": org.id,
        "user_id": grant.user_id,
    }
    return Response(200, body)


def _orgs(simulator: Simulator, org: Org, request: Request) -> Response:
    orgs = [
        {
            "org_id": one.id,
            "name": one.name,
            "host": host_of(one),
            "is_sandbox": one.is_sandbox,
            "users": [user["Username"] for user in one.store.live("User")],
        }
        for one in simulator.orgs.values()
    ]
    return Response(200, {"orgs": orgs})


def _records(simulator: Simulator, org: Org, request: Request) -> Response:
    rows = list_rows(org, _last_part(request), request.query.get("id"))
    return Response(200, {"totalSize": len(rows), "records": rows})


def _seed(simulator: Simulator, org: Org, request: Request) -> Response:
    body = body_of(request)
    rows = body if isinstance(body, list) else body.get("records", [body])
    return Response(201, {"ids": insert_rows(org, _last_part(request), rows)})


def _last_part(request: Request) -> str:
    return request.path.rstrip("/").rpartition("/")[2]


def _calls(simulator: Simulator, org: Org, request: Request) -> Response:
    return Response(200, org.calls.summary())


def _reset_calls(simulator: Simulator, org: Org, request: Request) -> Response:
    org.calls.reset()
    return Response(200, org.calls.summary())


def _requests(simulator: Simulator, org: Org, request: Request) -> Response:
    return Response(200, {"requests": [each.shown() for each in simulator.default_org.calls.recent]})


def _config(simulator: Simulator, org: Org, request: Request) -> Response:
    return Response(200, org.current_config().model_dump(mode="json"))


def _configure(simulator: Simulator, org: Org, request: Request) -> Response:
    body = body_of(request)
    if not isinstance(body, dict):
        raise BadRequest("an object is expected")
    before = org.current_config()
    after = org.configure(body)
    try:
        validation.verify(org)
    except SalesforceError as error:
        org.apply_config(before)
        raise BadRequest(f"validation_rules: {error.items[0].message.strip()}") from error
    return Response(200, after.model_dump(mode="json"))


def _faults(simulator: Simulator, org: Org, request: Request) -> Response:
    return Response(200, {"faults": simulator.faults.shown(), "late": len(simulator.late)})


def _add_fault(simulator: Simulator, org: Org, request: Request) -> Response:
    body = body_of(request)
    given = body if isinstance(body, list) else [body]
    try:
        faults = [Fault.model_validate(one) for one in given]
    except ValidationError as error:
        details = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise BadRequest("; ".join(details)) from error
    for fault in faults:
        simulator.faults.add(fault)
    return Response(201, {"faults": simulator.faults.shown()})


def _clear_faults(simulator: Simulator, org: Org, request: Request) -> Response:
    simulator.faults.clear()
    return Response(200, {"faults": []})


def _apply_late_writes(simulator: Simulator, org: Org, request: Request) -> Response:
    """Apply every write that is still late, now."""
    return Response(200, {"applied": simulator.apply_late_writes()})


def _empty_bin(simulator: Simulator, org: Org, request: Request) -> Response:
    """Forget deleted rows, as somebody who empties the recycle bin; reads of them find nothing."""
    return Response(200, {"emptied": org.store.empty_bin()})


def _reset(simulator: Simulator, org: Org, request: Request) -> Response:
    simulator.reset()
    return Response(200, {"orgs": list(simulator.orgs)})


def _expire_tokens(simulator: Simulator, org: Org, request: Request) -> Response:
    return Response(200, {"expired": org.grants.expire_all()})


def _revoke(simulator: Simulator, org: Org, request: Request) -> Response:
    """End grants as an administrator would: all, or those of `user_id` or `client_id`."""
    wanted = body_of(request)
    chosen = [
        grant
        for grant in org.grants
        if wanted.get("user_id") in {None, grant.user_id}
        and wanted.get("client_id") in {None, grant.client_id}
    ]
    for grant in chosen:
        org.grants.revoke(grant)
    return Response(200, {"revoked": len(chosen)})


def _rename(simulator: Simulator, org: Org, request: Request) -> Response:
    """Give the org another My Domain; its old name answers as `old_my_domain_answers` says."""
    wanted = body_of(request).get("my_domain")
    if wanted in {each.my_domain for each in simulator.orgs.values()}:
        raise BadRequest(f"my_domain: an org is called {wanted} already")
    org.rename(wanted)
    return Response(
        200, {"host": host_of(org), "old_hosts": [host_of(org, old) for old in org.old_my_domains]}
    )


def _convert(simulator: Simulator, org: Org, request: Request) -> Response:
    return Response(200, lead_actions.convert(org, body_of(request)))


def _merge(simulator: Simulator, org: Org, request: Request) -> Response:
    return Response(200, lead_actions.merge(org, body_of(request)))


def _undelete(simulator: Simulator, org: Org, request: Request) -> Response:
    return Response(200, lead_actions.undelete(org, body_of(request)))


_ROUTES: Mapping[tuple[str, str], Handler] = {
    ("GET", "session"): _session,
    ("GET", "orgs"): _orgs,
    ("GET", "records/*"): _records,
    ("POST", "records/*"): _seed,
    ("GET", "calls"): _calls,
    ("DELETE", "calls"): _reset_calls,
    ("POST", "calls/reset"): _reset_calls,
    ("GET", "requests"): _requests,
    ("GET", "config"): _config,
    ("PUT", "config"): _configure,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "settle"): _apply_late_writes,
    ("POST", "empty-bin"): _empty_bin,
    ("POST", "undelete"): _undelete,
    ("POST", "reset"): _reset,
    ("POST", "expire-tokens"): _expire_tokens,
    ("POST", "revoke"): _revoke,
    ("POST", "rename"): _rename,
    ("POST", "convert"): _convert,
    ("POST", "merge"): _merge,
}
