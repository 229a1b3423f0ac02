"""Client of the fork server: starts API and worker processes by name and reports their exit codes."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from devtools.local_stack.local_services import die_with_parent

ANSWER_SECONDS = 60.0
POLL_SECONDS = 0.02
KILLED = -signal.SIGKILL


class NotForked(Exception):
    """The fork server did not answer; its log says why."""


@dataclass(eq=False)
class ForkedProcess:
    """One process of the service. `code` is its exit code once it has ended."""

    name: str
    pid: int
    started_at: float
    code: int | None = None
    ended_at: float | None = None

    @property
    def is_alive(self) -> bool:
        return self.code is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.is_alive:
            os.kill(self.pid, number)

    def ended_within(self, seconds: float) -> bool:
        """Wait for the end."""
        deadline = time.monotonic() + seconds
        while self.is_alive and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return not self.is_alive


@dataclass
class ForkClient:
    """The fork server and all processes that it forked, by pid."""

    logs: Path
    processes: dict[int, ForkedProcess] = field(default_factory=dict)
    _process: "subprocess.Popen[str] | None" = None
    _pids: "queue.Queue[int]" = field(default_factory=queue.Queue)

    def __enter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / "fork-server.log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "chaos.fork_server"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in list(self.processes.values()):
            process.signal(signal.SIGKILL)
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def fork(self, name: str, what: str, *, env: Mapping[str, str], **order: Any) -> ForkedProcess:
        """A new process of the service. Raises NotForked."""
        assert self._process is not None
        assert self._process.stdin is not None
        log = str(self.logs / f"{name}.log")
        self._process.stdin.write(json.dumps({"what": what, "env": dict(env), "log": log, **order}) + "\n")
        self._process.stdin.flush()
        process = self.processes[self._pid()]
        process.name = name
        return process

    def _pid(self) -> int:
        assert self._process is not None
        deadline = time.monotonic() + ANSWER_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                return self._pids.get(timeout=1)
        raise NotForked(f"the fork server: {(self.logs / 'fork-server.log').read_text()[-800:]}")

    def _listen(self, news: IO[str]) -> None:
        for line in news:
            report = json.loads(line)
            if "pid" in report:
                self.processes[report["pid"]] = ForkedProcess("", report["pid"], time.monotonic())
                self._pids.put(report["pid"])
            else:
                process = self.processes[report["ended"]]
                process.ended_at, process.code = time.monotonic(), report["code"]
