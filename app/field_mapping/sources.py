"""Where values may come from: what every registration has, and the questions that were answered lately."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.field_mapping.response_schemas import Sources, SourceShown
from app.field_mapping.source_catalog import EXAMPLES, is_valid_source, source_label
from app.hosts.rows import require_event
from app.models import Registration
from app.sync.field_values.sources import ANSWERS
from app.user_messages.catalog import say

SAMPLE: Final = 500
"""The latest registrations that are looked at for questions."""

QUESTIONS_MAX: Final = 200
OPTIONS_MAX: Final = 50
OPTION_LENGTH: Final = 255
ALIKE: Final = 2
"""Attendees who must have given the same answer before it is shown: nobody's own words stand in a picker."""

Answers = Iterable[Mapping[str, Any]]


async def read_sources(session: AsyncSession, host_id: str, event_id: str | None = None) -> Sources:
    """Every source of a host's registrations, or of one event's. Raises EventNotFound."""
    if event_id is not None:
        await require_event(session, host_id, event_id)
    query = select(Registration.answers).where(
        Registration.host_id == host_id, Registration.erased_at.is_(None)
    )
    if event_id is not None:
        query = query.where(Registration.event_id == event_id)
    latest = await session.scalars(query.order_by(Registration.change_no.desc()).limit(SAMPLE))
    return Sources(items=[*_fixed(), *questions_in(latest)])


def questions_in(registrations: Iterable[Answers]) -> list[SourceShown]:
    """The questions of these registrations by label, with the options that several attendees took."""
    labels: dict[str, str] = {}
    options: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for answers in registrations:
        for answer in answers:
            key = str(answer.get("key") or "")
            if is_valid_source(ANSWERS + key):
                labels.setdefault(key, str(answer.get("label") or key))
                options[key].update(_options(answer.get("value")))
    shown = sorted(labels.items(), key=lambda each: (each[1].casefold(), each[0]))
    return [_question(key, label, options[key]) for key, label in shown[:QUESTIONS_MAX]]


def _question(key: str, label: str, options: Counter[str]) -> SourceShown:
    common = [option for option, count in options.most_common(OPTIONS_MAX) if count >= ALIKE]
    return SourceShown(
        path=ANSWERS + key,
        label=say("source.answer", label=label),
        example=next(iter(common), None),
        options=sorted(common),
        is_answer=True,
    )


def _options(value: Any) -> set[str]:
    """An answer's options as a mapping names them."""
    if isinstance(value, bool):
        return {json.dumps(value)}
    given = value if isinstance(value, list) else [value]
    return {each for each in given if isinstance(each, str) and 0 < len(each) <= OPTION_LENGTH}


def _fixed() -> list[SourceShown]:
    return [
        SourceShown(path=path, label=source_label(path), example=example, options=[], is_answer=False)
        for path, example in EXAMPLES.items()
    ]
