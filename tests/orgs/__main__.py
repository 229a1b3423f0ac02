"""`python -m tests.orgs`: is docs/orgs.md the table of the tests; `--write` makes it so."""

import sys
from pathlib import Path

from tests.orgs.table import LINES, SECTIONS, Line

ROOT = Path(__file__).parents[2]
ORGS = ROOT / "docs" / "orgs.md"
HEAD = """# Orgs as they are

Salesforce out of the box is English, permissive and unhurried; an org at work is not. Each line is a setting
or a habit of real orgs, what it did to registrations before, what happens now, and the test that plays it.
Where before is –, nobody had tried.

<!-- Made of tests/orgs/lines.txt: `python -m tests.orgs --write`. -->
"""


def document() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(_section(name) for name in SECTIONS)])


def _section(name: str) -> str:
    rows = [_row(line) for line in LINES if line.section == name]
    head = ("| setting of the org | before | now | test |", "|---|---|---|---|")
    return "\n".join([f"## {name}", "", *head, *rows, ""])


def _row(line: Line) -> str:
    return f"| {line.setting} | {line.before} | {line.now} | [`{line.test}`](../{line.path}) |"


def main(arguments: list[str]) -> int:
    if "--write" in arguments:
        ORGS.write_text(document())
        return 0
    if ORGS.read_text() == document():
        return 0
    sys.stderr.write("docs/orgs.md is behind the tests: run `python -m tests.orgs --write`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
