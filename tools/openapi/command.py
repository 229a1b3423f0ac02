"""The API's description: printed, written to its file, or compared with it."""

import base64
import json
import sys
from pathlib import Path
from typing import Any

from app.config.settings import Settings
from app.main import create_app
from tools.openapi.document import completed

DOCUMENT = Path(__file__).parents[2] / "openapi" / "openapi.json"
NOWHERE = "http://127.0.0.1"
PLACEHOLDER = base64.b64encode(bytes(32)).decode()


def openapi(*, is_check: bool, is_write: bool) -> int:
    """Exit code 1 when `--check` finds the file behind the code."""
    text = json.dumps(describe_api(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    if is_write:
        DOCUMENT.parent.mkdir(exist_ok=True)
        DOCUMENT.write_text(text)
    elif not is_check:
        sys.stdout.write(text)
    elif not DOCUMENT.exists():
        sys.stderr.write(f"{DOCUMENT} is not here: --check needs the whole source tree\n")
        return 1
    elif DOCUMENT.read_text() != text:
        sys.stderr.write("openapi/openapi.json is behind the code: run `make openapi` and commit it\n")
        return 1
    return 0


def describe_api() -> dict[str, Any]:
    """The OpenAPI document; no setting and no service has a say in it."""
    return completed(create_app(_settings_of_nothing()).openapi())


def _settings_of_nothing() -> Settings:
    return Settings(
        database_url="postgresql://nobody@127.0.0.1/none",
        redis_url="redis://127.0.0.1/0",
        public_url=NOWHERE,
        dashboard_url=NOWHERE,
        webhook_secrets=f"whsec_{PLACEHOLDER}",
        encryption_keys=f"none:{PLACEHOLDER}",
        jwks_file=Path("none"),
        jwks_url=None,
    )
