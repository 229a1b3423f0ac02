"""Where the console's built files are, and whether they are there."""

from pathlib import Path
from typing import Final

BUILT: Final = Path(__file__).parents[2] / "web" / "dist"


def is_built(built: Path = BUILT) -> bool:
    """Whether the console was built: `make web` does it, with Node."""
    return (built / "index.html").is_file()
