"""The image's HEALTHCHECK: whether the simulator that a container runs answers.

The process is number 1 unless another number is given: `python -m salesforce_simulator.healthy`.
"""

import argparse
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ANSWER_SECONDS = 5.0
DEFAULT_PORT = 8100


def healthy(pid: int) -> int:
    """0 when the simulator that runs as process `pid` answers, 1 when not; one line says what was found."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    url = f"http://127.0.0.1:{port_of(words)}/services/data/"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=ANSWER_SECONDS) as answer:
            sys.stdout.write(f"{url} {answer.status}\n")
            return 0
    except OSError as error:
        sys.stdout.write(f"{url} does not answer ({error})\n")
        return 1


def port_of(words: Sequence[str]) -> int:
    """The `--port` among the words of a command line."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    port: int = parser.parse_known_args([word for word in words if word])[0].port
    return port


if __name__ == "__main__":
    sys.exit(healthy(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
