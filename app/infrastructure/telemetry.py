"""Logs as JSON lines without personal data or secrets."""

import json
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from app.infrastructure.log_context import log_context

STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}
SECRET_NAMES = re.compile(
    r"authorization|cookie|token|secret|verifier|^code$|^state$|signature|assertion", re.I
)
SECRET_SHAPES = re.compile(
    r"00D[A-Za-z0-9]{12,15}![A-Za-z0-9._-]+"  # Salesforce access tokens
    r"|5Aep[A-Za-z0-9._-]{20,}"  # Salesforce refresh tokens
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"  # JWTs
    r"|whsec_[A-Za-z0-9+/=]+"
    r"|(?<=[?&])(?:code|state|ticket|token)=[^&\s\"']+"
    r"|\b(?:access_token|refresh_token|client_secret|code_verifier)=[^&\s\"']+"
    r"|[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"  # e-mail addresses
)
LIBRARIES: Final[Mapping[str, int]] = {
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "authlib": logging.WARNING,
    "asyncio": logging.WARNING,
    # Each try to reach a collector that is away is a warning, with the address; that all failed is an error.
    "opentelemetry": logging.ERROR,
    "urllib3": logging.WARNING,
    # What a wake-up runs logs its own failures; arq repeats them as text, with times and counts.
    "arq": logging.CRITICAL,
    # SQLAlchemy's pool, which logs each connection that it gives up under the name of our own subclass.
    "app.infrastructure.connection_pool.ShrinkingPool": logging.WARNING,
}
"""From which level on each is heard."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ts, level, event, ids of its request or drain, `extra`; with secrets masked."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": mask(record.getMessage()),
            **{name: mask(value) for name, value in log_context.get().items()},
        }
        for name, value in vars(record).items():
            if name not in STANDARD_ATTRIBUTES:
                line[name] = "***" if SECRET_NAMES.search(name) else mask(value)
        if record.exc_info:
            line["exception"] = mask(self.formatException(record.exc_info))
        return json.dumps(line, default=str)


def mask(value: Any) -> Any:
    """The value with everything that looks like a secret or an e-mail address taken out."""
    if isinstance(value, str):
        return SECRET_SHAPES.sub("***", value)
    if isinstance(value, int | float | bool) or value is None:
        return value
    return SECRET_SHAPES.sub("***", str(value))


def configure_logging(level: str) -> None:
    """JSON lines on standard error for the whole process; libraries only from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, heard_from in LIBRARIES.items():
        logging.getLogger(name).setLevel(heard_from)
    logging.getLogger("uvicorn.error").addFilter(is_said_once)


def is_said_once(record: logging.LogRecord) -> bool:
    """Leave out what `app.api.errors` logs already: uvicorn gets an unexpected error a second time."""
    return not record.getMessage().startswith("Exception in ASGI application")
