"""The small volume of the chaos runs: it fills, makes room, and says why where there can be none."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chaos.volume import NoVolume, Volume

# In a process of its own: making a volume leaves the mount namespace of the parent.
TRIED = """
import sys
from pathlib import Path
from chaos.volume import NoVolume, Volume
try:
    volume = Volume(Path(sys.argv[1]))
except NoVolume as error:
    print(f"none: {error}")
    sys.exit()
cache = volume.path / "16384" / "pg_internal.init"
cache.parent.mkdir()
cache.touch()
size = volume.fill()
try:
    (volume.path / "more").write_bytes(b"otter" * 2000)
except OSError as error:
    print(size, cache.exists(), error.strerror)
volume.make_room()
(volume.path / "more").write_bytes(b"otter" * 2000)
volume.close()
print(list(volume.path.iterdir()))
"""


def test_it_fills_and_makes_room(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TRIED, str(tmp_path / "volume")]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    if output.startswith("none: "):
        pytest.skip(output)
    assert output.splitlines() == ["64 False No space left on device", "[]"]
    assert list((tmp_path / "volume").iterdir()) == []


def test_system_that_allows_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Volume, "_call", staticmethod(refused))
    with pytest.raises(NoVolume, match=r"lets us mount none .*Operation not permitted"):
        Volume(tmp_path / "volume")
