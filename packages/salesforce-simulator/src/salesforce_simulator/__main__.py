"""Start the simulator: `salesforce-simulator --port 8100 --state .local/simulator.sqlite`."""

import argparse
import errno
import gc
import socket
import sqlite3
import sys
from pathlib import Path

import uvicorn

from salesforce_simulator.app import SimulatorApp, create_app

KEEP_ALIVE_SECONDS = 75
"""Of an idle connection: longer than clients keep theirs, so that none meets a closed one."""
GC_THRESHOLD = 100_000
"""Objects; with the usual 700 a tenth of a write's time goes into looking for garbage among rows."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; 2 and one clear line when the port or the state file cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        listener = _listen(options.host, options.port)
    except OSError as error:
        print(_cannot_listen(options.host, options.port, error), file=sys.stderr)  # noqa: T201
        return 2
    base_url = options.base_url or f"http://{_shown(options.host)}:{listener.getsockname()[1]}"
    try:
        app = create_app(options.state, base_url=base_url, orgs_at_least=options.orgs)
    except (sqlite3.Error, OSError) as error:
        print(f"Cannot use the state file {options.state} ({error}): see --state.", file=sys.stderr)  # noqa: T201
        return 2
    if not options.quiet:
        print(f"Salesforce simulator at {base_url} (people and campaigns at {base_url}/)", flush=True)  # noqa: T201
    server = uvicorn.Server(config_of(app))
    collect_seldom()
    server.run(sockets=[listener])
    return 0


def collect_seldom() -> None:
    """What stands now stays for the life of the process, and so do most of the rows that come."""
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, *gc.get_threshold()[1:])


def config_of(app: SimulatorApp) -> uvicorn.Config:
    """How it is served."""
    return uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="salesforce-simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8100, help="port, 0 for any free one (default: %(default)s)"
    )
    parser.add_argument(
        "--state", type=Path, default=None, help="SQLite file that keeps the orgs (default: memory)"
    )
    parser.add_argument(
        "--base-url", default=None, help="instance and login URL, when a proxy stands in front"
    )
    parser.add_argument("--orgs", type=int, default=0, help="at least so many orgs (default: three)")
    parser.add_argument("--quiet", action="store_true", help="print nothing at start")
    return parser


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken. Choose another with --port."
    return f"Cannot listen on {host}:{port}: {error.strerror or error}. Choose with --host and --port."


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104


if __name__ == "__main__":
    sys.exit(main())
