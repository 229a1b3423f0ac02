"""What `make smoke` says of choices that there are not: one line, at once."""

import pytest

from devtools.demo.command import main


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--org", "easy"], "smoke: ORG=easy is none of difficult, blocked\n"),
        (["--fault", "moth"], "smoke: FAULT=moth is none of kill-worker, flush-valkey, reset-after-write\n"),
        (
            ["--org", "blocked", "--fault", "kill-worker"],
            "smoke: FAULT needs an org that takes registrations at once, not ORG=blocked\n",
        ),
    ],
)
def test_an_unknown_choice_is_one_line(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["smoke", *arguments], {}) == 2
    assert capsys.readouterr().err == line
