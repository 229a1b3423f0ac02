"""Folders that import each other in a circle are found, and modules that lie loose."""

from pathlib import Path

from tools.folders import LOOSE_MAX, folder_faults


def house(root: Path, modules: dict[str, str]) -> Path:
    for name, text in modules.items():
        path = root / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root / "app"


def test_folders_without_a_circle_have_no_fault(tmp_path: Path) -> None:
    app = house(
        tmp_path, {"a/x.py": "from app.b.y import Y\n", "b/y.py": "import json\nfrom app.b import z\n"}
    )
    assert folder_faults(app) == []


def test_a_circle_is_named(tmp_path: Path) -> None:
    app = house(tmp_path, {"a/x.py": "from app.b.y import Y\n", "b/y.py": "def f():\n    import app.a.x\n"})
    assert folder_faults(app) == ["folders import each other in a circle: app.b -> app.a -> app.b"]


def test_too_many_loose_modules_are_counted(tmp_path: Path) -> None:
    app = house(tmp_path, {f"m{number}.py": "" for number in range(LOOSE_MAX + 1)})
    assert folder_faults(app) == ["6 modules are loose in app/, 5 may be"]
