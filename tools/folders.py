"""No folder of the service imports another in a circle, and few modules are loose."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
LOOSE_MAX: Final = 5


def folder_faults(root: Path = ROOT / "app") -> list[str]:
    """What is wrong with the folders below `root`, a line for each."""
    loose = [path.name for path in root.glob("*.py") if path.name != "__init__.py"]
    many = f"{len(loose)} modules are loose in {root.name}/, {LOOSE_MAX} may be"
    faults = [many] if len(loose) > LOOSE_MAX else []
    try:
        TopologicalSorter(_imports_between_folders(root)).prepare()
    except CycleError as error:
        faults.append(f"folders import each other in a circle: {' -> '.join(error.args[1])}")
    return faults


def _imports_between_folders(root: Path) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in root.rglob("*.py"):
        folder = _folder(path, root)
        targets = {_folder_of_module(name, root) for name in _imported(path)}
        found.setdefault(folder, set()).update(each for each in targets if each not in (None, folder))
    return found


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def _folder(path: Path, root: Path) -> str:
    """The folder of a module; one that is loose in `root` stands for itself."""
    named = path if path.parent == root else path.parent
    return ".".join(named.relative_to(root.parent).with_suffix("").parts)


def _folder_of_module(name: str, root: Path) -> str | None:
    if name.split(".", maxsplit=1)[0] != root.name:
        return None
    path = root.parent.joinpath(*name.split("."))
    return name if path.is_dir() or path.parent == root else name.rpartition(".")[0]
