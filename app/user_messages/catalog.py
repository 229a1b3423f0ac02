"""What people are told: one table from a code to plain words and next steps, used wherever advice stands.

Rows are written for people who organise events, not for engineers. `{name}` places are filled by the caller.
"""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from app.user_messages.campaigns import CAMPAIGN_ROWS
from app.user_messages.connections import CONNECTION_ROWS
from app.user_messages.own_app import OWN_APP_ROWS
from app.user_messages.preflight import PREFLIGHT_ROWS
from app.user_messages.problems import ADVICE_BY_PROBLEM, PROBLEM_ROWS
from app.user_messages.row import AdviceRow
from app.user_messages.sync import SYNC_ROWS


class Advice(BaseModel):
    """The `advice` object of the API: on cards, findings, groups, rows and problems alike."""

    model_config = ConfigDict(frozen=True)

    code: str
    title: str
    explanation: str
    steps: tuple[str, ...] = ()
    link: str | None = None


def advise(code: str, **values: object) -> Advice:
    """The advice for `code` with its places filled. Raises KeyError for a code that has no row."""
    row = ADVICE[code]
    return row.model_copy(
        update={
            "title": row.title.format(**values),
            "explanation": row.explanation.format(**values),
            "steps": tuple(step.format(**values) for step in row.steps),
        }
    )


def advice_for_problem(code: str) -> Advice | None:
    """What to tell a person whom the API refused with this problem code, if there is anything to do."""
    advice_code = ADVICE_BY_PROBLEM.get(code)
    return None if advice_code is None else ADVICE[advice_code]


def _rows(rows: Iterable[AdviceRow]) -> dict[str, Advice]:
    return {
        code: Advice(code=code, title=title, explanation=explanation, steps=steps, link=link)
        for code, title, explanation, steps, link in rows
    }


ADVICE = _rows(
    (
        *PREFLIGHT_ROWS,  # a code that rows have, too, keeps the words that fit a row
        *SYNC_ROWS,
        *PROBLEM_ROWS,
        *CONNECTION_ROWS,
        *OWN_APP_ROWS,
        *CAMPAIGN_ROWS,
        (
            "environment_not_configured",
            "Salesforce integration is not configured on this environment.",
            "No Salesforce app is set up here, so nobody can connect yet.",
            ("Write to {support_email}.",),
            None,
        ),
        (
            "campaign_not_in_org",
            "Invalid Campaign Id",
            "The Id either isn't 15/18 characters starting with 701, or it doesn't exist in the Salesforce "
            "org you connected.",
            (
                "Copy the Id from the same org that you connected to Eventship.",
                "A Campaign Id from another org, such as a sandbox you also have access to, won't resolve.",
            ),
            None,
        ),
    )
)
