"""docs/connecting.md: what people look for is in it."""

import pytest

from app.connections.oauth.error_mapping import ADVICE_BY_ERROR
from app.console.documents import guide_path
from app.user_messages.catalog import ADVICE, FINDINGS
from tools.generated_docs.connecting import TABLES

CONNECTING = guide_path("connecting")


@pytest.mark.parametrize("row", ADVICE_BY_ERROR, ids=lambda row: f"{row[0]}-{row[1] or 'any'}")
def test_every_oauth_error_is_in_the_guide(row: tuple[str, str, str]) -> None:
    text = CONNECTING.read_text()
    assert f"`{row[0]}`" in text
    assert ADVICE[row[2]].title in text


@pytest.mark.parametrize("code", FINDINGS)
def test_every_finding_is_in_the_guide(code: str) -> None:
    assert f"`{code}`" in CONNECTING.read_text()


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_table_has_its_place(name: str) -> None:
    assert f"<!-- table: {name} -->" in CONNECTING.read_text()


@pytest.mark.parametrize(
    "words",
    [
        "Setup → Company Information → Organization Edition", "API_DISABLED_FOR_ORG",
        "All users may self-authorize", "New External Client App", "Connected App", "up to ten minutes",
        "Starter Suite", "API add-on", "Download AppExchange Packages", "External Client App OAuth Usage",
        "Installed Packages", "redirect_uri_mismatch", "popup",
    ],
)  # fmt: skip
def test_guide_names_what_people_look_for(words: str) -> None:
    assert words in CONNECTING.read_text()
