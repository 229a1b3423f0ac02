"""Apex triggers and flows that fail: what other people's code in an org does to a write."""

from salesforce_simulator.config_parts import Automation
from salesforce_simulator.errors import save_refusal
from salesforce_simulator.org import Org
from salesforce_simulator.soql.predicates import holds
from salesforce_simulator.store import Row
from salesforce_simulator.write_context import WriteContext

_APEX = (
    "{sobject}Trigger: execution of After{event}\n\ncaused by: System.DmlException: {text}\n\n"
    "Trigger.{sobject}Trigger: line 1, column 1"
)
_LIMIT = "{sobject}Trigger: System.LimitException: {text}"
_CODES = {"apex": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "flow": "CANNOT_EXECUTE_FLOW_TRIGGER"}


def check(org: Org, name: str, row: Row, *, event: str, write: WriteContext) -> None:
    """Raise what the first failing trigger or flow says; `event` is insert or update."""
    for automation in org.config.automations:
        if automation.is_active and automation.sobject == name and _fails(org, automation, row, write):
            words = {"sobject": name, "event": event.capitalize(), "text": _text(org, automation)}
            raise save_refusal(_CODES[automation.kind], _form(org, automation).format(**words))


def _fails(org: Org, automation: Automation, row: Row, write: WriteContext) -> bool:
    if automation.max_rows is not None:
        return write.rows.get(automation.sobject, 1) > automation.max_rows
    return not automation.when or holds(org, automation.sobject, automation.when, row)


def _form(org: Org, automation: Automation) -> str:
    if automation.kind == "flow":
        return org.config.flow_message
    return _APEX if automation.max_rows is None else _LIMIT


def _text(org: Org, automation: Automation) -> str:
    is_limit = automation.max_rows is not None
    return automation.message or (org.config.limit_message if is_limit else "Something went wrong.")
