"""`python -m tests.capabilities`: is the README's table the one that is tested; `--write` makes it so."""

import re
import sys
from pathlib import Path

from tests.capabilities.table import CAPABILITIES

README = Path(__file__).parents[2] / "README.md"
MARKED = re.compile(r"(?s)(<!-- capabilities -->\n).*?(<!-- end of capabilities -->)")


def with_capabilities(text: str) -> str:
    """The README's text with the table between its two marks rewritten."""
    return MARKED.sub(lambda found: f"{found[1]}{table()}{found[2]}", text)


def table() -> str:
    """A Markdown table: what, known from which systems, chosen how."""
    rows = [f"| {each.what} | {', '.join(each.known_from)} | {each.chosen_by} |" for each in CAPABILITIES]
    return "\n".join(("| what | as in | chosen by |", "|---|---|---|", *rows)) + "\n"


def main(arguments: list[str]) -> int:
    text = README.read_text()
    if "--write" in arguments:
        README.write_text(with_capabilities(text))
        return 0
    if with_capabilities(text) == text:
        return 0
    sys.stderr.write("README.md is behind the capabilities: run `python -m tests.capabilities --write`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
