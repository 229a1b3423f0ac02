"""The files that are made of the tables: rules, board, and the list of runbooks."""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Final

from tools.generated_docs.markdown import table
from tools.monitoring import board, rules
from tools.monitoring.board import board_text
from tools.monitoring.metrics import faults_of
from tools.monitoring.rules import ALERTS, OBJECTIVES, Severity, rules_text

ROOT: Final = Path(__file__).parents[2]
RUNBOOKS: Final = ROOT / "docs" / "runbooks"
INDEX: Final = RUNBOOKS / "README.md"
MARKS: Final = ("<!-- alerts -->\n", "<!-- end of alerts -->")
SEVERITIES: Final[tuple[Severity, ...]] = ("page", "ticket")


def made() -> Mapping[Path, str]:
    """Every file as it should be."""
    return {
        ROOT / "deploy" / "prometheus" / "rules.yml": rules_text(),
        ROOT / "deploy" / "grafana" / "eventship.json": board_text(),
        INDEX: _with_list(INDEX.read_text()),
    }


def behind() -> list[str]:
    """What is not as the tables say: files, runbooks, and metrics that are named but do not exist."""
    faults = [
        str(path.relative_to(ROOT))
        for path, text in made().items()
        if not path.exists() or path.read_text() != text
    ]
    wanted = {alert.name for alert in ALERTS}
    found = {path.stem for path in RUNBOOKS.glob("*.md")} - {INDEX.stem}
    faults += [f"docs/runbooks/{name}.md" for name in sorted(wanted ^ found)]
    return [*faults, *faults_of(chain(rules.expressions(), board.expressions()))]


def write() -> None:
    """Bring the files up to date."""
    for path, text in made().items():
        path.write_text(text)


def _with_list(text: str) -> str:
    before, _, rest = text.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    return f"{before}{MARKS[0]}{_list()}{MARKS[1]}{after}"


def _list() -> str:
    alerts = [
        (f"[{one.name}]({one.name}.md)", severity, one.wait, _plain(one.summary))
        for severity in SEVERITIES
        for one in ALERTS
        if one.severity == severity
    ]
    objectives = [(one.text, f"`{one.ratio('1h')}`") for one in OBJECTIVES]
    return (
        table(("alert", "severity", "after", "what"), alerts)
        + "\n"
        + table(("objective, of 30 days", "the share that misses it, recorded"), objectives)
    )


def _plain(summary: str) -> str:
    """A summary with dots in place of what Prometheus fills in."""
    parts = summary.split("{{")
    return parts[0] + "".join("…" + part.partition("}}")[2] for part in parts[1:])
