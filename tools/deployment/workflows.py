"""The workflows and the update bot of .github: against their schemas, the Makefile and the tree."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import yaml

from tools.deployment.documents import Json, documents, schema_faults

BOT: Final = "dependabot.yml"
PINNED: Final = re.compile(r"[\w./-]+@[0-9a-f]{40}")
USES: Final = re.compile(r"uses: (\S+)(.*)")
TAGGED: Final = re.compile(r" # v\d+\.\d+\.\d+")
TARGET: Final = re.compile(r"(?:^|&& |\n)make ([a-z][\w-]*)")
MODULE: Final = re.compile(r"python -m ([\w.]+)")
INJECTED: Final = re.compile(r"\$\{\{\s*(?:github\.event|github\.head_ref|github\.ref_name|inputs)")
"""What somebody outside can write, put into a shell: it has to come by the environment."""
MANIFESTS: Final = {
    "pip": ("pyproject.toml",),
    "npm": ("package.json",),
    "docker": ("Dockerfile", "pgbouncer.Dockerfile"),
    "docker-compose": ("compose.yaml",),
    "github-actions": (".github/workflows/ci.yml",),
}


@dataclass(frozen=True)
class Workflows:
    """The files of .github by their path in it, and what they speak of."""

    files: Mapping[str, str]
    makefile: str
    root: Path

    def faults(self) -> Iterator[str]:
        """What is wrong, a line for each."""
        unread = []
        for name, text in self.files.items():
            try:
                [document] = documents(text)
            except (yaml.YAMLError, ValueError) as error:
                unread.append(f"{name}: {' '.join(str(error).split())}")
                continue
            kind = "dependabot" if name == BOT else "github-workflow"
            unread += [f"{name}: {fault}" for fault in schema_faults(kind, document)]
        yield from unread or (fault for rule in RULES for fault in rule(self))

    @cached_property
    def workflows(self) -> dict[str, Json]:
        return {name: documents(text)[0] for name, text in self.files.items() if name != BOT}

    @property
    def jobs(self) -> Iterator[tuple[str, Json]]:
        """Each job of each workflow."""
        for name, workflow in self.workflows.items():
            yield from ((f"{name}: {job}", about) for job, about in workflow["jobs"].items())

    @property
    def steps(self) -> Iterator[tuple[str, Json]]:
        for name, about in self.jobs:
            yield from ((name, step) for step in about["steps"])


def actions_are_pinned(all_: Workflows) -> Iterator[str]:
    """By commit, with the release behind it: so the bot can move both."""
    for name, text in all_.files.items():
        for action, rest in USES.findall(text):
            if not PINNED.fullmatch(action) or not TAGGED.fullmatch(rest):
                yield f"{name}: {action}{rest} is not a commit with its release behind it"


def rights_are_few(all_: Workflows) -> Iterator[str]:
    """A workflow may read, and each job asks for what it writes."""
    for name, workflow in all_.workflows.items():
        if workflow.get("permissions") != {"contents": "read"}:
            yield f"{name}: its permissions are {workflow.get('permissions')}"
    yield from (f"{name} has no timeout-minutes" for name, job in all_.jobs if "timeout-minutes" not in job)


def commands_are_there(all_: Workflows) -> Iterator[str]:
    targets = set(re.findall(r"(?m)^([a-z0-9-]+):", all_.makefile))
    for name, step in all_.steps:
        said = str(step.get("run", ""))
        yield from (f"{name}: no make {each}" for each in TARGET.findall(said) if each not in targets)
        for module in MODULE.findall(said):
            path = all_.root.joinpath(*module.split("."))
            if not path.with_suffix(".py").exists() and not (path / "__main__.py").exists():
                yield f"{name}: there is no module {module}"


def strangers_write_no_commands(all_: Workflows) -> Iterator[str]:
    for name, step in all_.steps:
        if INJECTED.search(str(step.get("run", ""))):
            yield f"{name}: a step puts what others may write into its shell"


def jobs_that_are_waited_for_are_there(all_: Workflows) -> Iterator[str]:
    for name, workflow in all_.workflows.items():
        for job, about in workflow["jobs"].items():
            needs: Any = about.get("needs", [])
            missing = {needs} if isinstance(needs, str) else set(needs)
            yield from (f"{name}: {job} waits for {each}" for each in sorted(missing - set(workflow["jobs"])))


def bot_finds_what_it_looks_for(all_: Workflows) -> Iterator[str]:
    [bot] = documents(all_.files[BOT])
    for update in bot["updates"]:
        kind, place = update["package-ecosystem"], all_.root / update["directory"].lstrip("/")
        if not any((place / name).exists() for name in MANIFESTS.get(kind, ())):
            yield f"{BOT}: nothing of {kind} is in {update['directory']}"
    looked_at = {(update["package-ecosystem"], update["directory"]) for update in bot["updates"]}
    for kind in sorted(set(MANIFESTS) - {kind for kind, _ in looked_at}):
        yield f"{BOT}: nobody looks for {kind}"


RULES: Final[tuple[Callable[[Workflows], Iterator[str]], ...]] = (
    actions_are_pinned,
    rights_are_few,
    commands_are_there,
    strangers_write_no_commands,
    jobs_that_are_waited_for_are_there,
    bot_finds_what_it_looks_for,
)
