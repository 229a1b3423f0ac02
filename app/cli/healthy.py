"""The image's HEALTHCHECK: whether the process that a container runs does its work, whatever its role.

It runs every half minute beside each process, so it imports little: `python -m app.cli.healthy`.
The process is number 1 unless another number is given.
"""

import argparse
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

ANSWER_SECONDS: Final = 5.0
WORKER_CHECK: Final = "app.cli.worker_check"


def healthy(pid: int) -> int:
    """0 when the process `pid` does its work, 1 when not; one line says what was found."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    role = role_of(words)
    if role is None:
        return say_health(f"process {pid} has none of the roles {', '.join(CHECKS)}", is_well=False)
    return CHECKS[role](words)


def role_of(words: Sequence[str]) -> str | None:
    """The role by the words of a command line, with or without an init in front."""
    return next((ROLES[word] for word in words if word in ROLES), None)


def port_of(words: Sequence[str], default: int) -> int:
    """The `--port` among the words of a command line."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--port", type=int, default=default)
    port: int = parser.parse_known_args([word for word in words if word])[0].port
    return port


def _answers(path: str, port: int) -> int:
    url = f"http://127.0.0.1:{port}{path}"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=ANSWER_SECONDS) as answer:
            return say_health(f"{url} {answer.status}", is_well=True)
    except urllib.error.HTTPError as error:
        return say_health(f"{url} {error.code}", is_well=False)
    except OSError as error:
        return say_health(f"{url} does not answer ({error})", is_well=False)


def _worker(_: Sequence[str]) -> int:
    # What asks the database is imported for this role alone.
    return subprocess.run([sys.executable, "-m", WORKER_CHECK], check=False).returncode  # noqa: S603


def say_health(line: str, *, is_well: bool) -> int:
    sys.stdout.write(f"{line}\n")
    return 0 if is_well else 1


CHECKS: Final[Mapping[str, Callable[[Sequence[str]], int]]] = {
    "api": lambda words: _answers("/livez", port_of(words, int(os.environ.get("PORT", "8000")))),
    "worker": _worker,
    "migrate": lambda _: say_health("a migration is judged by its end", is_well=True),
}
ROLES: Final = {**{role: role for role in CHECKS}, "workers.main": "worker"}


if __name__ == "__main__":
    sys.exit(healthy(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
