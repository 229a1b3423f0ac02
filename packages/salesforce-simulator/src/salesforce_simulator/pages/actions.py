"""What the buttons of the pages do; every one leads back to a page."""

from collections.abc import Callable, Mapping
from html import escape

from pydantic import ValidationError

from salesforce_simulator.config import MalformedConfig
from salesforce_simulator.faults import Fault
from salesforce_simulator.http import HTML, Request, Response, redirect
from salesforce_simulator.pages.layout import document
from salesforce_simulator.simulator import Simulator

_MATCHED = ("sobject", "path")


def handle_action(simulator: Simulator, request: Request) -> Response:
    """Do what a button says; 403 for a form that another site sent, 400 for what cannot be."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return _problem(403, "This form comes from another site.")
    action = _ACTIONS.get(request.path.rpartition("/")[2])
    if action is None:
        return _problem(404, "Not found")
    try:
        place = action(simulator, request.form)
    except ValidationError as error:
        return _problem(400, f"No such fault: {error.errors()[0]['msg']}")
    except MalformedConfig as error:
        return _problem(400, str(error))
    return redirect(place)


def _problem(status: int, text: str) -> Response:
    return Response(status, document(text, f"<h1>{escape(text)}</h1>"), content_type=HTML)


def _add_fault(simulator: Simulator, form: Mapping[str, str]) -> str:
    given = {name: value for name, value in form.items() if value}
    match = {name: given.pop(name) for name in _MATCHED if name in given}
    simulator.faults.add(Fault.model_validate({**given, "match": match}))
    return "/faults"


def _clear_faults(simulator: Simulator, form: Mapping[str, str]) -> str:
    simulator.faults.clear()
    return "/faults"


def _apply_late_writes(simulator: Simulator, form: Mapping[str, str]) -> str:
    simulator.apply_late_writes()
    return "/faults"


def _expire(simulator: Simulator, form: Mapping[str, str]) -> str:
    for org in simulator.orgs.values():
        org.grants.expire_all()
        org.commit()
    return "/faults"


def _reset(simulator: Simulator, form: Mapping[str, str]) -> str:
    simulator.reset()
    return "/"


def _install_package(simulator: Simulator, form: Mapping[str, str]) -> str:
    """The package, or another namespace and link of the one that is there."""
    given = {name: form.get(name, "") for name in ("namespace", "registration_link")}
    return _with_package(simulator, form, given)


def _uninstall_package(simulator: Simulator, form: Mapping[str, str]) -> str:
    return _with_package(simulator, form, None)


def _with_package(simulator: Simulator, form: Mapping[str, str], package: dict[str, str] | None) -> str:
    org = simulator.org_of(form.get("org"))
    if org is None:
        raise MalformedConfig("There is no such org.")
    org.configure({"package": package})
    return f"/packages?org={org.id}"


_ACTIONS: Mapping[str, Callable[[Simulator, Mapping[str, str]], str]] = {
    "arm": _add_fault,
    "clear-faults": _clear_faults,
    "settle": _apply_late_writes,
    "expire-sessions": _expire,
    "reset": _reset,
    "install-package": _install_package,
    "uninstall-package": _uninstall_package,
}
