"""The README's table of settings, made of the settings themselves."""

import re
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from app.secret_files import NAMES
from app.settings import Settings, Times

README = Path(__file__).parents[2] / "README.md"
MARKED = re.compile(r"(?s)(<!-- settings -->\n).*?(<!-- end of settings -->)")


def with_settings(text: str) -> str:
    """The README's text with the table between its two marks made anew."""
    return MARKED.sub(lambda found: f"{found[1]}{settings_table()}{found[2]}", text)


def settings_table() -> str:
    """A Markdown table: variable, default, meaning; required ones first. † may stand in a file."""
    fields = {name.upper(): field for name, field in Settings.model_fields.items() if name != "times"}
    times = {f"TIMES_{name.upper()}": field for name, field in Times.model_fields.items()}
    required = {name: field for name, field in fields.items() if field.is_required()}
    lines = [_line(name, field) for name, field in (required | fields | times).items()]
    return "\n".join(("| variable | default | what |", "|---|---|---|", *lines)) + "\n"


def _line(name: str, field: FieldInfo) -> str:
    what = (field.description or "").replace("|", "\\|") + (" †" if name in NAMES else "")
    return f"| `{name}` | {_default(field)} | {what} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None or value is PydanticUndefined or value in ((), frozenset()):
        return "–"
    shown = ",".join(value) if isinstance(value, tuple) else str(value)
    return f"`{shown}`"
