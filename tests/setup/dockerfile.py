"""Carries out a Dockerfile's steps without a daemon: each stage in a directory that is its `/`.

It knows what ours uses: ARG, FROM … AS, COPY [--from=], RUN, ENV, WORKDIR, and what an image starts.
A base image is stood for by this machine, and `useradd` is left out, since it needs root and a real `/etc`.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Final

SYSTEM: Final = "bin|dev|etc|lib|lib64|proc|run|sbin|sys|tmp|usr|var"
"""What RUN finds there is this machine's; every other absolute path is one of the stage."""
ABSOLUTE: Final = re.compile(rf"(?<![\w./-])/(?!(?:{SYSTEM})\b)(?=\w)")
VARIABLE: Final = re.compile(r"\$\{?(\w+)\}?")
LEFT_OUT: Final = ("useradd",)


class StepFailed(Exception):
    """A step of the Dockerfile could not be done; the message names it."""


@dataclass(frozen=True)
class Step:
    """One instruction: its word in capitals, and the rest of its line."""

    word: str
    rest: str


@dataclass(frozen=True)
class Stage:
    """What a FROM begins."""

    name: str
    base: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Image:
    """A stage that was built: where its `/` is, and what a container of it is given."""

    root: Path
    env: Mapping[str, str]
    workdir: str = "/"
    instructions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """ENTRYPOINT, CMD, HEALTHCHECK and USER, as words."""

    def at(self, path: str) -> Path:
        """The directory or file of a path of the stage."""
        return self.root / PurePosixPath(self.workdir, path).relative_to("/")


def read_stages(text: str) -> list[Stage]:
    """The stages of a Dockerfile, with the values of its ARGs in place, those within a stage too."""
    steps = [_step(line) for line in _lines(text)]
    arguments = dict(step.rest.split("=", 1) for step in steps if step.word == "ARG")
    stages: list[Stage] = []
    for step in steps:
        if step.word == "FROM":
            base, *name = re.split(r"\s+AS\s+", VARIABLE.sub(lambda m: arguments[m[1]], step.rest))
            stages.append(Stage(name[0] if name else "", base, ()))
        elif stages and step.word != "ARG":
            rest = VARIABLE.sub(lambda m: arguments.get(m[1], m[0]), step.rest)
            stages[-1] = replace(stages[-1], steps=(*stages[-1].steps, replace(step, rest=rest)))
    return stages


def read_ignored(text: str) -> list[tuple[re.Pattern[str], bool]]:
    """The patterns of a .dockerignore, and whether each lets in what it matches."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(_pattern(line.removeprefix("!")), line.startswith("!")) for line in lines]


def context_of(files: Iterable[str], ignored: Sequence[tuple[re.Pattern[str], bool]]) -> list[str]:
    """The files that a build is given: for each the last pattern that matches decides."""

    def is_in(file: str) -> bool:
        return next((lets_in for pattern, lets_in in reversed(ignored) if pattern.fullmatch(file)), True)

    return [file for file in files if is_in(file)]


@dataclass
class Build:
    """Builds stages one after another, each in `current`, so that paths written into files stay right."""

    source: Path
    context: Sequence[str]
    current: Path
    path: str
    """PATH of the base images: where their Python and Node are."""
    left_out: list[str] = field(default_factory=list)
    _images: dict[str, Image] = field(default_factory=dict)

    def leave_out(self, stage: Stage) -> None:
        """Go on without a stage, and without what others would copy from it."""
        self.left_out.append(f"stage {stage.name} ({stage.base})")

    def stage(self, stage: Stage) -> Image:
        """Carry out a stage's steps; the tree stays in `current` until `put_away`. Raises StepFailed."""
        base = self._images.get(stage.base)
        if base is None:
            self.current.mkdir()
            image = Image(self.current, {"PATH": f"{self.current}/usr/local/bin:{self.path}"})
        else:
            shutil.copytree(base.root, self.current, symlinks=True, copy_function=os.link)
            image = replace(base, root=self.current)
        for step in stage.steps:
            image = self._do(step, image)
        return image

    def put_away(self, name: str, image: Image) -> None:
        """Keep a built stage for those that copy from it."""
        kept = self.current.with_name(f"stage-{name}")
        self.current.rename(kept)
        self._images[name] = replace(image, root=kept)

    def _do(self, step: Step, image: Image) -> Image:
        match step.word:
            case "RUN":
                self._run(step, image)
            case "COPY":
                self._copy(step, image)
            case "ENV":
                return replace(image, env={**image.env, **_variables(step.rest, image)})
            case "WORKDIR":
                image.at(step.rest).mkdir(parents=True, exist_ok=True)
                return replace(image, workdir=str(PurePosixPath(image.workdir, step.rest)))
            case "ENTRYPOINT" | "CMD" | "HEALTHCHECK" | "USER":
                return replace(image, instructions={**image.instructions, step.word: _words(step.rest)})
            case "EXPOSE" | "STOPSIGNAL" | "LABEL":
                pass
            case _:
                raise StepFailed(f"{step.word} is not known here")
        return image

    def _run(self, step: Step, image: Image) -> None:
        if step.rest.startswith(LEFT_OUT):
            self.left_out.append(f"RUN {step.rest}")
            return
        kept = {
            name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")
        }
        command = _placed(step.rest, image)
        done = subprocess.run(
            ["sh", "-c", command], cwd=image.at("."), env=kept | dict(image.env), check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        if done.returncode:
            raise StepFailed(f"RUN {step.rest}\n{done.stdout[-3000:]}")

    def _copy(self, step: Step, image: Image) -> None:
        *words, target = shlex.split(step.rest)
        if words[0].startswith("--from="):
            giver = self._images.get(words.pop(0).removeprefix("--from="))
            for source in words if giver else ():
                assert giver is not None
                shutil.copytree(
                    giver.root / source.lstrip("/"), image.at(target), symlinks=True, copy_function=os.link
                )
            return
        for source in words:
            is_into = target.endswith("/") or len(words) > 1 or image.at(target).is_dir()
            self._copy_source(source, image.at(target), is_into=is_into)

    def _copy_source(self, source: str, target: Path, *, is_into: bool) -> None:
        found = [file for file in self.context if file == source or file.startswith(f"{source}/")]
        if not found:
            raise StepFailed(f"COPY {source}: not in the context, see .dockerignore")
        for file in found:
            inner = file.removeprefix(source).lstrip("/") or (Path(source).name if is_into else "")
            (target / inner).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.source / file, target / inner)


def _lines(text: str) -> list[str]:
    kept = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return re.sub(r"\\\n\s*", "", "\n".join(kept)).splitlines()


def _step(line: str) -> Step:
    word, _, rest = line.strip().partition(" ")
    return Step(word.upper(), rest.strip())


def _words(rest: str) -> Sequence[str]:
    """The words of the JSON form, after options such as `--interval=30s CMD`."""
    start = rest.find("[")
    return [str(word) for word in json.loads(rest[start:])] if start >= 0 else rest.split()


def _variables(rest: str, image: Image) -> dict[str, str]:
    pairs = [word.split("=", 1) for word in shlex.split(rest)]
    values = {name: _placed(value, image) for name, value in pairs}
    return {name: VARIABLE.sub(lambda m: image.env.get(m[1], ""), value) for name, value in values.items()}


def _placed(text: str, image: Image) -> str:
    return ABSOLUTE.sub(f"{image.root}/", text)


def _pattern(text: str) -> re.Pattern[str]:
    parts = [
        {"**/": "(?:.*/)?", "*": "[^/]*"}.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*)", text)
    ]
    return re.compile(f"{''.join(parts)}(?:/.*)?")
