"""Carries out the Dockerfile without a daemon, and starts each role of the image: `make image`.

The steps are read from the Dockerfile and done in a directory. The roles then run in it while nobody may
write there, as another user where we are root: migrate, API, worker and simulator, each judged by the image's
own HEALTHCHECK and ended by SIGTERM. In the end nothing in the directory may have changed.

It does not show the base images (Python, Node and system libraries are this machine's), layers and their
size, `useradd`, PID 1 and what a container's runtime does with signals, or a root that is mounted read-only.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import httpx

from devtools.local_stack.environment import service_environment
from devtools.local_stack.local_services import LocalServices, free_port
from devtools.local_stack.secrets import LocalSecrets
from tests.setup.dockerfile import Build, Image, Stage, StepFailed, context_of, read_ignored, read_stages

ROOT: Final = Path(__file__).parents[2]
PYTHONS: Final = ("python3.13", "python3.12", "python3.11", "python3")
FITS: Final = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"
HEALTH_SECONDS, COMMAND_SECONDS, STOP_SECONDS = 60.0, 60.0, 40.0
TOOLS: Final = ("token", "console", "webhook", "jobs count", "simulator")


class RoleFailed(Exception):
    """A role of the image did not do what it is for."""


@dataclass
class Containers:
    """Runs what an image says, as its user where we may choose one, with no other environment."""

    image: Image
    user: Mapping[str, Any]
    env: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The image's ENTRYPOINT with these words, until it ends."""
        return self._run([*self.image.instructions["ENTRYPOINT"], *words])

    @contextmanager
    def running(self, *words: str) -> Iterator[int]:
        """The same as a process that HEALTHCHECK finds well and SIGTERM ends. Raises RoleFailed."""
        with tempfile.TemporaryFile() as output:
            command = [*self.image.instructions["ENTRYPOINT"], *words]
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, **self._given())
            try:
                self._wait_until_healthy(process)
                yield process.pid
                process.send_signal(signal.SIGTERM)
                code = process.wait(STOP_SECONDS)
                if code not in (0, -signal.SIGTERM):
                    raise RoleFailed(f"SIGTERM ended it with {code}")
            except (RoleFailed, subprocess.TimeoutExpired, httpx.HTTPError) as fault:
                output.seek(0)
                tail = output.read().decode(errors="replace")[-3000:]
                raise RoleFailed(f"{' '.join(words)}: {fault}\n{tail}") from None
            finally:
                process.kill()
                process.wait()

    def _wait_until_healthy(self, process: "subprocess.Popen[bytes]") -> None:
        until = time.monotonic() + HEALTH_SECONDS
        while True:
            # In a container the role is process 1; here it is one of many.
            look = self._run([*self.image.instructions["HEALTHCHECK"], str(process.pid)])
            if look.returncode == 0 and process.poll() is None:
                return
            if process.poll() is not None or time.monotonic() > until:
                raise RoleFailed(f"not healthy: {look.stdout}{look.stderr}")
            time.sleep(0.2)

    def _run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS, **self._given()
        )

    def _given(self) -> dict[str, Any]:
        env = {**self.image.env, "HOME": "/nonexistent", **self.env}
        return {"cwd": self.image.at("."), "env": env, **self.user}


def main() -> int:
    """0 when every role works; what was left out is printed."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="image-") as scratch:
        home = Path(scratch)
        home.chmod(0o755)
        stages = read_stages((ROOT / "Dockerfile").read_text())
        try:
            user, python = user_and_python()
            build = Build(ROOT, context(), home / "root", path_of_bases(home, python))
            for stage in stages:
                build_and_look(build, stage, user, home)
        except (StepFailed, RoleFailed, httpx.HTTPError) as fault:
            sys.stderr.write(f"the image does not work: {fault}\n")
            return 1
    who = f"user {user['user']}" if user else "the user who builds"
    sys.stdout.write(f"the image's roles work, as {who}; {time.monotonic() - began:.0f} s\n")
    for each in build.left_out:
        sys.stdout.write(f"left out: {each}\n")
    return 0


def build_and_look(build: Build, stage: Stage, user: Mapping[str, Any], home: Path) -> None:
    """Carry out one stage and, where it is one that is shipped, start what it is for."""
    if stage.base.startswith("node") and not has_node():
        build.leave_out(stage)
        return
    image = build.stage(stage)
    look = LOOKS.get(stage.name)
    if look is not None:
        with nothing_written(image.root):
            look(Containers(image, user), home)
    build.put_away(stage.name, image)


def look_at_simulator(containers: Containers, _: Path) -> None:
    """The stage's own CMD, on a port that is free here."""
    port = free_port()
    with containers.running(*containers.image.instructions["CMD"], "--port", str(port)):
        session = httpx.get(f"http://127.0.0.1:{port}/_simulator/session", trust_env=False).json()
    if session["instance_url"] != "http://simulator:8100":
        raise RoleFailed(f"the simulator calls itself {session['instance_url']}")


def look_at_service(containers: Containers, home: Path) -> None:
    """Each role of the service, on real engines, and the commands that have no place here."""
    for tool in TOOLS:
        refused = containers.run(*tool.split())
        if refused.returncode != 2 or len(refused.stderr.splitlines()) != 1:
            raise RoleFailed(f"{tool}: {refused.returncode}, not one line: {refused.stderr}")
    port, health_port, api_health_port = free_port(), free_port(), free_port()
    engines = LocalServices(home / "engines", is_durable=False)
    engines.home.mkdir(mode=0o755)
    try:
        engines.start()
        containers.env = environment(home, engines, port) | {"HEALTH_PORT": str(health_port)}
        migrated = containers.run("migrate")
        if migrated.returncode != 0:
            raise RoleFailed(f"migrate: {migrated.returncode}, {migrated.stderr}")
        # Each in a container of its own would have the same; here they share the machine.
        api = replace(containers, env={**containers.env, "HEALTH_PORT": str(api_health_port)})
        with (
            containers.running("worker"),
            api.running(*containers.image.instructions["CMD"], "--port", str(port)),
        ):
            sent = containers.run("webhook", "--port", str(port))
            ready = [
                httpx.get(f"http://127.0.0.1:{each}/readyz", trust_env=False)
                for each in (port, health_port, api_health_port)
            ]
        if sent.returncode != 0 or {each.status_code for each in ready} != {200}:
            instructions = [each.text for each in ready]
            raise RoleFailed(f"a webhook: {sent.stdout}{sent.stderr}; /readyz: {instructions}")
    finally:
        engines.stop()


def environment(home: Path, engines: LocalServices, port: int) -> dict[str, str]:
    """What a deployment sets, secrets in files."""
    secrets = LocalSecrets.of(home / "secrets")
    env = service_environment(
        {}, url=f"http://127.0.0.1:{port}", database_url=engines.database_url,
        redis_url=engines.redis_url, secrets=secrets,
    )  # fmt: skip
    for name in ("WEBHOOK_SECRETS", "ENCRYPTION_KEYS"):
        file = home / "secrets" / name
        file.write_text(env.pop(name))
        env[f"{name}_FILE"] = str(file)
    return env


@contextmanager
def nothing_written(root: Path) -> Iterator[None]:
    """Let nobody write below `root` meanwhile. Raises RoleFailed when something changed all the same."""
    paths = [root, *root.rglob("*")]
    modes = {path: path.lstat().st_mode for path in paths if not path.is_symlink()}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    before = listed(root)
    try:
        yield
        if changed := before ^ listed(root):
            raise RoleFailed(f"written in the image: {sorted(changed)[:5]}")
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def listed(root: Path) -> set[tuple[str, int, float]]:
    """Every path with its size and time of change."""
    return {(str(path), path.lstat().st_size, path.lstat().st_mtime) for path in root.rglob("*")}


def context() -> list[str]:
    """What a build is given of a fresh clone."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    ignored = read_ignored((ROOT / ".dockerignore").read_text())
    return context_of([file for file in files if (ROOT / file).is_file()], ignored)


def user_and_python() -> tuple[dict[str, Any], str]:
    """The image's user where we may be somebody else, and a Python that this user may run."""
    steps = [step for stage in read_stages((ROOT / "Dockerfile").read_text()) for step in stage.steps]
    uid = int(next(step.rest for step in steps if step.word == "USER"))
    user: dict[str, Any] = {"user": uid, "group": uid, "extra_groups": []} if os.geteuid() == 0 else {}
    for directory in (*os.get_exec_path(), "/usr/bin"):
        for name in PYTHONS:
            found = shutil.which(name, path=directory)
            if found and may_run(found, user):
                return user, found
    raise RoleFailed(f"no Python 3.11 or newer with venv and ensurepip is within reach of {user or 'us'}")


def may_run(python: str, user: Mapping[str, Any]) -> bool:
    """Whether this Python is one for the image, and within reach of the user."""
    try:
        return subprocess.run([python, "-c", FITS], check=False, **user).returncode == 0
    except PermissionError:
        return False


def has_node() -> bool:
    """Whether the console can be built here."""
    if shutil.which("npm") is None or (node := shutil.which("node")) is None:
        return False
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = map(int, version.strip().lstrip("v").split(".")[:2])
    return (major, minor) >= (20, 19)


def path_of_bases(home: Path, python: str) -> str:
    """PATH in the base images: `python`, which not every system has, and this machine's own directories."""
    directory = home / "base"
    directory.mkdir()
    start = directory / "python"
    start.write_text(f'#!/bin/sh\nexec {python} "$@"\n')
    start.chmod(0o755)
    node = shutil.which("npm")
    return ":".join([str(directory), *([str(Path(node).parent)] if node else []), "/usr/bin", "/bin"])


LOOKS: Final = {"simulator": look_at_simulator, "": look_at_service}
"""By stage; the last one has no name and is what `docker build` makes."""


if __name__ == "__main__":
    sys.exit(main())
