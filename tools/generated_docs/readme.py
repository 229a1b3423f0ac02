"""The README's table of settings, made of the settings themselves."""

import re
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from app.config.secret_files import NAMES
from app.config.settings import ApiSettings, Settings, Times

README = Path(__file__).parents[2] / "README.md"
MARKED = re.compile(r"(?s)(<!-- settings -->\n).*?(<!-- end of settings -->)")


def with_settings(text: str) -> str:
    """The README's text with the table between its two marks made anew."""
    return MARKED.sub(lambda found: f"{found[1]}{settings_table()}{found[2]}", text)


def settings_table() -> str:
    """A Markdown table: variable, default, meaning; required ones first. † may stand in a file."""
    fields = {name.upper(): field for name, field in Settings.model_fields.items() if name != "times"}
    times = {f"TIMES_{name.upper()}": field for name, field in Times.model_fields.items()}
    required = {name: field for name, field in fields.items() if _required(name, field)}
    lines = [_line(name, field) for name, field in (required | fields | times).items()]
    return "\n".join(("| variable | default | what |", "|---|---|---|", *lines)) + "\n"


def _line(name: str, field: FieldInfo) -> str:
    what = (field.description or "").replace("|", "\\|") + (" †" if name in NAMES else "")
    return f"| `{name}` | {_default(name, field)} | {what} |"


def _required(name: str, field: FieldInfo) -> str | None:
    if field.is_required() or name == "DATABASE_URL":
        return "required"
    of_api = ApiSettings.model_fields.get(name.lower())
    return "required by `api`" if of_api is not None and of_api.is_required() else None


def _default(name: str, field: FieldInfo) -> str:
    required = _required(name, field)
    if required is not None:
        return required
    value = field.default
    if value is None or value is PydanticUndefined or value in ((), frozenset()):
        return "–"
    shown = ",".join(value) if isinstance(value, tuple) else str(value)
    return f"`{shown}`"
