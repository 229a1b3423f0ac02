"""Carrying out a Dockerfile in a directory: what a build sees, keeps and refuses."""

from pathlib import Path

import pytest

from tests.setup.dockerfile import Build, Image, StepFailed, context_of, read_ignored, read_stages

ROOT = Path(__file__).parents[3]
IGNORED = "*\n!app\n!docs/*.md\n!web\nweb/dist\n**/__pycache__\napp/demo\n"


@pytest.fixture
def build(tmp_path: Path) -> Build:
    for name in ("app/a.py", "app/sub/b.py", "LICENSE"):
        file = tmp_path / "source" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    names = ["app/a.py", "app/sub/b.py", "LICENSE"]
    return Build(tmp_path / "source", names, tmp_path / "root", path="/usr/bin:/bin")


def built(build: Build, text: str) -> Image:
    for stage in read_stages(text):
        image = build.stage(stage)
        build.put_away(stage.name, image)
    return build._images[stage.name]


def tree(image: Image) -> list[str]:
    return sorted(str(path.relative_to(image.root)) for path in image.root.rglob("*") if path.is_file())


def test_copies_go_where_docker_puts_them(build: Build) -> None:
    image = built(build, "FROM x\nWORKDIR /srv\nCOPY app app\nCOPY LICENSE .\nCOPY LICENSE /usr/local/bin/\n")
    assert tree(image) == ["srv/LICENSE", "srv/app/a.py", "srv/app/sub/b.py", "usr/local/bin/LICENSE"]


def test_a_stage_has_only_what_it_copies_and_what_its_base_has(build: Build) -> None:
    text = """
        FROM x AS first
        RUN mkdir -p /opt/venv && echo one > /opt/venv/f \\
            && echo two > /hidden
        FROM x AS second
        COPY --from=first /opt/venv /opt/venv
        FROM second
        RUN cat /opt/venv/f > /seen
    """
    assert tree(built(build, text)) == ["opt/venv/f", "seen"]


def test_an_argument_within_a_stage_has_its_default(build: Build) -> None:
    """As REVISION has, since the metrics tell it: `make image` did not know what to do with it."""
    image = built(build, "FROM x\nARG REVISION=unknown\nENV BUILD_REVISION=$REVISION PLACE=$PATH\n")
    assert (image.env["BUILD_REVISION"], image.env["PLACE"]) == ("unknown", image.env["PATH"])


def test_our_own_has_no_word_that_is_not_known(build: Build) -> None:
    words = {step.word for stage in read_stages((ROOT / "Dockerfile").read_text()) for step in stage.steps}
    known = {
        "RUN",
        "COPY",
        "ENV",
        "WORKDIR",
        "ENTRYPOINT",
        "CMD",
        "HEALTHCHECK",
        "USER",
        "EXPOSE",
        "STOPSIGNAL",
    }
    assert words <= known


def test_variables_and_words_are_read(build: Build) -> None:
    text = (
        'ARG BASE=python:3\nFROM ${BASE} AS one\nENV PATH=/opt/bin:$PATH PORT=8000\nCMD ["api", "--x"]\n'
        'HEALTHCHECK --interval=3s CMD ["python", "-m", "app"]\nUSER 10001\n'
    )
    assert read_stages(text)[0].base == "python:3"
    image = built(build, text)
    assert image.env["PATH"].startswith(f"{build.current}/opt/bin:{build.current}/usr/local/bin:")
    assert image.env["PORT"] == "8000"
    assert image.instructions == {
        "CMD": ["api", "--x"],
        "HEALTHCHECK": ["python", "-m", "app"],
        "USER": ["10001"],
    }


@pytest.mark.parametrize(
    ("step", "instructions"),
    [
        ("COPY docs docs", "COPY docs: not in the context"),
        ("RUN echo otter; false", "otter"),
        ("SHELL [x]", "SHELL is not known"),
    ],
)
def test_what_cannot_be_done_ends_the_build(build: Build, step: str, instructions: str) -> None:
    with pytest.raises(StepFailed, match=instructions.replace("[", r"\[")):
        built(build, f"FROM x\n{step}\n")


def test_useradd_is_left_out_and_named(build: Build) -> None:
    built(build, "FROM x\nRUN useradd --uid 10001 eventship\n")
    assert build.left_out == ["RUN useradd --uid 10001 eventship"]


def test_the_last_pattern_that_matches_decides_what_a_build_is_given() -> None:
    files = [
        "README.md", "app/a.py", "devtools/demo/x.py", "app/sub/__pycache__/a.pyc", "docs/a.md",
        "docs/deep/b.md", "web/src/a.ts", "web/dist/index.html",
    ]  # fmt: skip
    assert context_of(files, read_ignored(IGNORED)) == ["app/a.py", "docs/a.md", "web/src/a.ts"]
