"""The simulator as a process on a real port."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx


@contextmanager
def running(state: Path | None = None) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """A client signed in to a new process; its state is kept in the file, if one is given."""
    kept = [] if state is None else ["--state", str(state)]
    command = [sys.executable, "-m", "salesforce_simulator", "--port", "0", *kept]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            with httpx.Client(base_url=line.split(" at ")[1].split(" ")[0], timeout=10) as client:
                token = client.get("/_simulator/session").json()["access_token"]
                client.headers["Authorization"] = f"Bearer {token}"
                yield client, process
        finally:
            process.kill()
