"""Postgres' own programs for backups, of the release of the server that the tests run on."""

import os
import subprocess
from pathlib import Path

from devtools.local_stack.extras import local_package
from devtools.local_stack.local_services import POSTGRES_PACKAGE


def program(name: str) -> Path:
    """One that comes with the embedded server: an older one refuses to dump it."""
    return local_package(POSTGRES_PACKAGE) / "pginstall" / "bin" / name


def run(name: str, *arguments: str) -> str:
    """What it says; nothing that it complains about is passed over."""
    done = subprocess.run(
        [program(name), *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, "LC_ALL": "C"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout
