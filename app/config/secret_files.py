"""Settings in files, as container platforms provide secrets: `<NAME>_FILE` names the file."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

NAMES: Final = (
    "DATABASE_URL",
    "DATABASE_APP_URL",
    "DATABASE_SYSTEM_URL",
    "REDIS_URL",
    "WEBHOOK_SECRETS",
    "NOTIFY_URL",
    "NOTIFY_SECRETS",
    "ENCRYPTION_KEYS",
    "PEPPER",
    "SALESFORCE_CLIENT_ID",
    "SALESFORCE_CLIENT_SECRET",
)
"""What may stand in a file instead of in the environment."""

SUFFIX: Final = "_FILE"


@dataclass
class SecretFiles:
    """What was read, by the setting's name, and what kept others from being read, one line each."""

    values: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def read_secret_files(environment: Mapping[str, str], names: Collection[str] = NAMES) -> SecretFiles:
    """Read every file that `environment` names for one of `names`; an empty variable counts as not set.

    White space around the text is left out. A fault names variable and file, and never what stands in it.
    """
    found = SecretFiles()
    for name in names:
        path = environment.get(name + SUFFIX)
        if not path:
            continue
        if environment.get(name):
            found.faults[name] = f"{name} and {name}{SUFFIX} are both set: keep one of them"
            continue
        try:
            found.values[name] = _text_of(path)
        except (OSError, ValueError) as error:
            found.faults[name] = f"{name}{SUFFIX} cannot be read: {path}: {_reason(error)}"
    return found


def _text_of(path: str) -> str:
    text = Path(path).read_text(encoding="utf-8").strip()
    if not text:
        raise ValueError("the file is empty")
    return text


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not a text"
    return (isinstance(error, OSError) and error.strerror) or str(error)
