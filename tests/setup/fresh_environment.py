"""Makes `.venv` as a new machine with an old pip does, while newer releases than the locks are on offer.

Run with a bare Python, before anything is installed: `python3 tests/setup/fresh_environment.py`. It takes the
pip that Python 3.11 brings, puts a made-up newer release of everything that a lock pins into a local index,
and runs `make setup`. Then it shows that this index is a trap: an install that resolves, as `make setup` once
did, has to fail on it. Exit code 0 when both went as they must.
"""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

OLDEST_PIP = "23.2.1"
NEWER = "9999.0"
PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)
TRAP_WORKS = "must have their versions pinned with =="
ROOT = Path(__file__).parents[2]


def main() -> int:
    """0 when `make setup` passes and an install that resolves fails."""
    with tempfile.TemporaryDirectory() as scratch:
        home, index = Path(scratch, "home"), Path(scratch, "index")
        home.mkdir()
        for lock in ROOT.glob("requirements*.lock"):
            publish_newer(PIN.findall(lock.read_text()), index)
        links = " ".join(filter(None, (str(index), os.environ.get("PIP_FIND_LINKS"))))
        environment = {**os.environ, "HOME": str(home), "PIP_FIND_LINKS": links, "PIP_NO_CACHE_DIR": "1"}
        environment.pop("PYTHONPATH", None)
        make_environment(environment)
        if subprocess.run(["make", "setup"], cwd=ROOT, env=environment, check=False).returncode:
            sys.stderr.write("make setup failed as it would on a new machine\n")
            return 1
        return show_the_trap(environment)


def publish_newer(names: list[str], index: Path) -> None:
    """Put an empty wheel of each name into `index`, newer than any real release."""
    index.mkdir(exist_ok=True)
    for name in names:
        stem = f"{re.sub('[-_.]+', '_', name)}-{NEWER}"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {NEWER}\n"
        files = {f"{stem}.dist-info/METADATA": metadata + EXTRAS, f"{stem}.dist-info/WHEEL": WHEEL}
        record = "".join(f"{path},{_digest(text)},{len(text)}\n" for path, text in files.items())
        with zipfile.ZipFile(index / f"{stem}-py3-none-any.whl", "w") as wheel:
            for path, text in files.items():
                wheel.writestr(path, text)
            wheel.writestr(f"{stem}.dist-info/RECORD", f"{record}{stem}.dist-info/RECORD,,\n")


EXTRAS = "Provides-Extra: toml\nProvides-Extra: hiredis\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def _digest(text: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def make_environment(environment: dict[str, str]) -> None:
    """A new `.venv` with the oldest pip that has to work."""
    shutil.rmtree(ROOT / ".venv", ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(ROOT / ".venv")], env=environment, check=True)
    pip = [str(ROOT / ".venv/bin/python"), "-m", "pip", "install", "--quiet", f"pip=={OLDEST_PIP}"]
    subprocess.run(pip, env=environment, check=True)


def show_the_trap(environment: dict[str, str]) -> int:
    """Install a lock in the way that resolves; 0 when pip refuses it: else nothing was tested."""
    with tempfile.TemporaryDirectory() as scratch:
        install = [str(ROOT / ".venv/bin/python"), "-m", "pip", "install", "--quiet", "--no-input"]
        install += ["--dry-run", "--ignore-installed", "--require-hashes", "--target", scratch]
        install += ["-r", str(ROOT / "requirements-dev.lock")]
        tried = subprocess.run(install, env=environment, capture_output=True, text=True, check=False)
    if tried.returncode and TRAP_WORKS in tried.stderr:
        sys.stdout.write(f"set up by pip {OLDEST_PIP} beside releases {NEWER}; resolving would have failed\n")
        return 0
    sys.stderr.write(f"an install that resolves passed, so nothing was tested:\n{tried.stderr[-2000:]}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
