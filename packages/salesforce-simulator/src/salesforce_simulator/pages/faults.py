"""The page of faults: what is armed, a form to arm more, and buttons for what a test would do at the door."""

from html import escape
from typing import Any, get_args

from salesforce_simulator.faults import Kind
from salesforce_simulator.org import Org
from salesforce_simulator.pages.layout import table
from salesforce_simulator.simulator import Simulator

# Form field, label and example.
_FIELDS = (
    ("count", "times", "1"),
    ("status", "status", "503"),
    ("error_code", "code", "SERVER_UNAVAILABLE"),
    ("message", "message", "Server Unavailable"),
    ("seconds", "seconds", "1"),
    ("sobject", "object", ""),
    ("path", "path", ""),
)
_BUTTONS = (
    ("clear-faults", "Disarm all"),
    ("settle", "Land late writes"),
    ("expire-sessions", "End every session"),
    ("reset", "Reset all orgs"),
)


def faults(simulator: Simulator, org: Org, rest: str) -> str:
    """The whole page."""
    rows = [_row(rule) for rule in simulator.faults.shown()]
    options = "".join(f"<option>{kind}</option>" for kind in get_args(Kind))
    inputs = "".join(
        f'<label>{label} <input name="{name}" value="{escape(example)}"></label> '
        for name, label, example in _FIELDS
    )
    return (
        f"<h1>Faults</h1>{table(['Kind', 'Meets', 'Answers', 'Fired'], rows)}"
        f'<h2>Arm one</h2><form method="post" action="/actions/arm"><p>'
        f'<label>kind <select name="kind">{options}</select></label> {inputs}</p>'
        f"<p><button>Arm</button></p></form><h2>At once</h2>{buttons(*_BUTTONS)}"
    )


def buttons(*actions: tuple[str, str]) -> str:
    """One form with one button for each `(action, label)`."""
    return "".join(
        f'<form method="post" action="/actions/{action}" class="inline">'
        f'<button class="quiet">{escape(label)}</button></form> '
        for action, label in actions
    )


def _row(rule: dict[str, Any]) -> list[str]:
    meets = ", ".join(f"{name} {value}" for name, value in rule["match"].items() if value is not None)
    answers = f"{rule['status']} {rule['error_code']}"
    times = f"{rule['fired']} of {rule['count'] or '∞'}"
    return [escape(str(cell)) for cell in (rule["kind"], meets or "everything", answers, times)]
