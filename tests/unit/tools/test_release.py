"""What a tag needs, in which order a changelog stands, and what a wheel must hold."""

import zipfile
from pathlib import Path

import pytest

from app.version import VERSION
from tools import licences, release
from tools.check import check_release
from tools.release import changelog_faults, notes, tag_faults, version_faults, wheel_faults

NEWEST = f"## {VERSION} - 2026-11-29\n\n### Added\n\n- Otters.\n"
ROOT = Path(release.__file__).parents[1]


def test_the_tree_is_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert check_release() == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (NEWEST.replace("2026-11-29", "2026-02-30"), "no day that there is"),
        (NEWEST.replace(" - 2026-11-29", ""), "is not `1.2.3"),
        (NEWEST + "## 99.0.0 - 2026-11-01\n", "do not fall"),
        (NEWEST + NEWEST, "do not fall"),
        (NEWEST.replace("### Added", "### Otters"), "has a section Otters"),
        ("## 0.0.1 - 2026-11-29\n", f"the newest version is not {VERSION}"),
        ("## Unreleased\n", f"the newest version is not {VERSION}"),
    ],
)
def test_changelogs_out_of_order(text: str, words: str) -> None:
    assert any(words in fault for fault in changelog_faults(text))
    assert list(changelog_faults(f"# Changelog\n\n## Unreleased\n\n{NEWEST}")) == []


def test_a_tag_is_the_version_and_leaves_nothing_unreleased() -> None:
    assert list(tag_faults(f"## Unreleased\n\n{NEWEST}", f"v{VERSION}")) == []
    assert list(tag_faults(NEWEST, "v99.0.0")) == [f"the tag is v99.0.0, app/version.py has {VERSION}"]
    [fault] = tag_faults(f"## Unreleased\n\n- An otter.\n\n{NEWEST}", f"v{VERSION}")
    assert "is not empty" in fault


def test_notes_are_of_that_version_alone() -> None:
    assert notes(
        f"## Unreleased\n\n- Later.\n\n{NEWEST}## 0.0.1 - 2026-01-01\n\n- Before.\n", f"v{VERSION}"
    ) == ("### Added\n\n- Otters.\n")


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        pytest.param("v99.0.0", "99.0.0", id="another"),
        pytest.param(VERSION, None, id="as no image is published"),
    ],
)
def test_another_version_in_a_copy_is_found(tmp_path: Path, tag: str, found: str | None) -> None:
    for name in ("web/package.json", "web/package-lock.json", "openapi/openapi.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    kustomization = tmp_path / "deploy/kubernetes/kustomization.yaml"
    kustomization.parent.mkdir(parents=True)
    kustomization.write_text(f"newTag: {tag}")
    assert list(version_faults(tmp_path)) == [
        f"deploy/kubernetes/kustomization.yaml has {found}, app/version.py has {VERSION}"
    ]


def test_a_wheel_without_a_migration_is_found(tmp_path: Path) -> None:
    """As all were: `migrate` of an installed wheel found none."""
    wheel = tmp_path / f"eventship_salesforce-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("app/version.py", "")
    faults = list(wheel_faults(wheel))
    assert f"{wheel.name} lacks migrations/versions/0100_initial.py" in faults
    assert f"{wheel.name} lacks app/version.py" not in faults


def test_packages_of_the_service_are_permissive(capsys: pytest.CaptureFixture[str]) -> None:
    assert licences.main() == 0, capsys.readouterr().err
    assert not licences.is_fine("otter 1", "GPL-3.0-only")
