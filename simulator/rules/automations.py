"""Apex triggers and flows that fail: what other people's code in an org does to a write."""

from simulator.config import Automation
from simulator.errors import save_refusal
from simulator.org import Org
from simulator.soql.conditions import holds
from simulator.store import Row

_APEX = (
    "{sobject}Trigger: execution of After{event}\n\ncaused by: System.DmlException: {text}\n\n"
    "Trigger.{sobject}Trigger: line 1, column 1"
)
_CODES = {"apex": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "flow": "CANNOT_EXECUTE_FLOW_TRIGGER"}


def check(org: Org, name: str, row: Row, *, event: str) -> None:
    """Raise what the first failing trigger or flow says; `event` is insert or update."""
    for automation in org.config.automations:
        if automation.is_active and automation.sobject == name and _fails(org, automation, row):
            form = _APEX if automation.kind == "apex" else org.config.flow_message
            text = automation.message or "Something went wrong."
            raise save_refusal(
                _CODES[automation.kind], form.format(sobject=name, event=event.capitalize(), text=text)
            )


def _fails(org: Org, automation: Automation, row: Row) -> bool:
    return not automation.when or holds(org, automation.sobject, automation.when, row)
