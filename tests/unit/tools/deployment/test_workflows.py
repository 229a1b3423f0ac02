"""A copy of .github with one thing broken is found out."""

import pytest

from tools.deployment.check import texts_of
from tools.deployment.processes import ROOT
from tools.deployment.workflows import Workflows

RELEASE, CI, BOT = "workflows/release.yml", "workflows/ci.yml", "dependabot.yml"
CHECKOUT = "11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2"
COPIES = (
    (CI, f"actions/checkout@{CHECKOUT}", "actions/checkout@v4", "is not a commit"),
    (CI, f"actions/checkout@{CHECKOUT}", "actions/checkout@11bd719 # v4.2.2", "is not a commit"),
    (CI, CHECKOUT, CHECKOUT.partition(" ")[0], "is not a commit with its release"),
    (CI, "runs-on: ubuntu-latest", "run-on: ubuntu-latest", "is not valid under any"),
    (CI, "  contents: read\n", "  contents: write\n", "its permissions are"),
    (CI, "    timeout-minutes: 20\n", "", "has no timeout-minutes"),
    (CI, "make smoke ORG=difficult", "make smokes ORG=difficult", "no make smokes"),
    (CI, "on:\n  push:", "on:\n  pushes:", "pushes"),
    (RELEASE, "tools.release notes", "tools.releases notes", "there is no module tools.releases"),
    (RELEASE, 'check "$GITHUB_REF_NAME"', "check ${{ github.ref_name }}", "into its shell"),
    (RELEASE, "needs: [python, image]", "needs: [python, images]", "waits for images"),
    (RELEASE, "needs: ready", "needs: ready\n    needs: ready", "needs twice"),
    (BOT, "directory: /web", "directory: /webs", "nothing of npm is in /webs"),
    (BOT, "package-ecosystem: docker\n", "package-ecosystem: dockers\n", "dockers"),
    (BOT, "package-ecosystem: github-actions", "package-ecosystem: pip", "nobody looks for github-actions"),
)


def faults_of(files: dict[str, str]) -> list[str]:
    return list(Workflows(files, (ROOT / "Makefile").read_text(), ROOT).faults())


def test_the_tree_itself_has_no_fault() -> None:
    assert faults_of(texts_of(ROOT / ".github")) == []


@pytest.mark.parametrize(("name", "before", "after", "words"), COPIES, ids=lambda each: str(each)[:40])
def test_broken_copies_are_found(name: str, before: str, after: str, words: str) -> None:
    files = texts_of(ROOT / ".github")
    assert before in files[name]
    faults = faults_of(files | {name: files[name].replace(before, after)})
    assert any(words in fault for fault in faults), faults
