"""Node programs from the registry, installed once into a folder that git ignores."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).with_name("node")
# Written by npm after a complete installation.
_INSTALLED = FOLDER / "node_modules" / ".package-lock.json"


def output_of(program: str, given: Any) -> Any:
    """What a program prints as JSON when it is given a JSON value; skips the test where it cannot run."""
    reason = _missing()
    if reason:
        pytest.skip(reason)
    command = ["node", str(FOLDER / program)]
    text = json.dumps(given)
    ended = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@cache
def _missing() -> str:
    """Why Node programs cannot run here; empty when they can."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "Node.js is not installed"
    lock = FOLDER / "package-lock.json"
    if _INSTALLED.exists() and _INSTALLED.stat().st_mtime >= lock.stat().st_mtime:
        return ""
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    ended = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=300, check=False)
    return "" if ended.returncode == 0 else f"npm ci failed: {ended.stderr.strip()[-300:]}"
