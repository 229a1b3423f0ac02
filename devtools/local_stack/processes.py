"""Child processes that never outlive us: own groups, own logs, asked politely before they are killed."""

import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devtools.local_stack.local_services import die_with_parent

TAIL_CHARACTERS = 1_500


class ChildDied(Exception):
    """A process that should go on ended by itself; the message ends with the tail of its log."""


class PortTaken(Exception):
    """Something else listens on the port; the message says which variable chooses another."""


@dataclass
class Child:
    """One child process and its log file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, name: str, command: Sequence[str], *, env: Mapping[str, str], logs: Path) -> "Child":
        """Start `command` with exactly `env`; it gets SIGTERM when we die, however we die (on Linux)."""
        logs.mkdir(parents=True, exist_ok=True)
        log = logs / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 -- our own command line
                list(command),
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        return cls(name, process, log)

    def check(self) -> None:
        """Raises ChildDied when the process has ended."""
        code = self.process.poll()
        if code is not None:
            raise ChildDied(f"{self.name} ended with code {code}; the end of {self.log}:\n{self.tail()}")

    def tail(self) -> str:
        """The end of the log."""
        return self.log.read_text(errors="replace")[-TAIL_CHARACTERS:].strip()

    def last_line(self) -> str:
        """Where a process says why it ended."""
        return self.tail().rpartition("\n")[2]

    def stop(self, within: float) -> int:
        """SIGTERM to the whole group, SIGKILL after `within` seconds; the exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """SIGKILL to the whole group: nothing is tidied up."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()


def listening_socket(host: str, port: int, *, variable: str = "PORT") -> socket.socket:
    """A socket bound to the address. Raises PortTaken naming the `variable` that chooses another."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise PortTaken(f"cannot listen on {host}:{port} ({reason}): set {variable} to a free port") from None
    return listener
