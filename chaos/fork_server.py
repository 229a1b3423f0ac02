"""A process that has imported the service once and forks API and worker processes from that.

Orders come as JSON lines on stdin, pids and exit codes go out as JSON lines on stdout. The forked processes
are the service's own entry points under their own environment, and they die with this process.
"""

import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from app.cli.main import main as command_line
from chaos import notification_sender
from devtools.local_stack.local_services import die_with_parent
from workers import main as worker

POLL_SECONDS = 0.02

Order = Mapping[str, Any]

MAINS: Mapping[str, Callable[[Order], int]] = {
    "api": lambda order: command_line(["api", "--bind", "127.0.0.1", "--port", str(order["port"])]),
    "worker": lambda order: worker.main(),
    "notifier": lambda order: notification_sender.main(),
}


def main() -> int:
    """Fork what is ordered until stdin ends."""
    while True:
        ready, _, _ = select.select([sys.stdin], [], [], POLL_SECONDS)
        if ready:
            line = sys.stdin.readline()
            if not line:
                return 0
            _tell(pid=_fork(json.loads(line)))
        _bury()


def _fork(order: Order) -> int:
    pid = os.fork()
    if pid == 0:
        _become(order)
    return pid


def _become(order: Order) -> None:
    code = 1
    try:
        os.setsid()
        die_with_parent(signal.SIGKILL)()
        _redirect(order["log"])
        os.environ.clear()
        os.environ.update(order["env"])
        if ahead := order.get("ahead"):
            _set_clock(ahead)
        code = MAINS[order["what"]](order)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _set_clock(ahead: float) -> None:
    """Let this process alone think that it is so many seconds later."""
    true_time = time.time
    time.time = lambda: true_time() + ahead


def _redirect(log: str) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)


def _bury() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _tell(ended=pid, code=os.waitstatus_to_exitcode(status))


def _tell(**news: int) -> None:
    sys.stdout.write(json.dumps(news) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
