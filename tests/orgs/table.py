"""Orgs as they are, from lines.txt: a setting, what it did before, what happens now, and the test of it.

In the text `# …` begins a section; a line of the table has four lines of its own, and a blank one behind it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

TEXT: Final = Path(__file__).with_name("lines.txt")


@dataclass(frozen=True)
class Line:
    """One setting of an org. `test` is the name of a test in the file `path`."""

    section: str
    setting: str
    before: str
    now: str
    path: str
    test: str


def read(text: str) -> list[Line]:
    """The table's lines in their order. Raises ValueError for one that is not whole."""
    lines, section = [], ""
    for block in text.strip().split("\n\n"):
        if block.startswith("# "):
            section = block[2:]
            continue
        setting, before, now, place = block.split("\n")
        path, _, test = place.partition("::")
        lines.append(Line(section, setting, before, now, path, test))
    return lines


LINES: Final = read(TEXT.read_text())
SECTIONS: Final = tuple(dict.fromkeys(each.section for each in LINES))
