"""Advice: every error that a row, a group or a problem can carry has words and a next step."""

from string import Formatter

import pytest

from app.api.errors import Problem
from app.salesforce.error_codes import CLASSIFICATION_BY_CODE, ErrorClass, classify
from app.sync.errors.message_codes import BY_CAUSE, BY_CLASS, BY_CODE, BY_FIELD, advice_code_for
from app.user_messages.catalog import (
    ADVICE,
    CODE_BY_PROBLEM,
    GROUP_TITLES,
    MESSAGES,
    advice_on_problem,
    advise,
    codes_of,
)

# What only waiting cures, or what the caller's program must cure: nothing a person could do.
WITHOUT_ADVICE = {
    "RegistrationNotFound", "AttemptNotFound", "NotFound",
    "MethodNotAllowed", "ReturnToInvalid", "TokenInvalid", "NotConfigured", "BodyTooLarge",
    "MediaTypeUnsupported", "PayloadInvalid", "Unexpected", "DatabaseUnavailable",
    "PayloadUnusable", "SignatureInvalid", "SignatureStale", "BodyIncomplete", "HeadersTooLarge",
    "ServiceBusy", "KeysUnavailable",
}  # fmt: skip


@pytest.mark.parametrize("code", sorted(CLASSIFICATION_BY_CODE))
def test_every_code_that_salesforce_gives_has_advice(code: str) -> None:
    assert advice_code_for(classify(code, "", None).error_class, code) in ADVICE


@pytest.mark.parametrize("error_class", list(ErrorClass))
def test_unknown_code_gets_the_advice_of_its_class(error_class: ErrorClass) -> None:
    assert advice_code_for(error_class, "SOMETHING_NEW") == BY_CLASS[error_class]
    assert BY_CLASS[error_class] in ADVICE


def test_every_advice_code_of_the_engine_has_a_row() -> None:
    assert {*BY_CODE.values(), *BY_CLASS.values(), *BY_CAUSE.values(), *BY_FIELD.values()} <= ADVICE.keys()


@pytest.mark.parametrize(
    ("error_class", "code", "about", "expected"),
    [
        pytest.param("access", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", {"sobject": "CampaignMember"},
                     "marketing_user_missing", id="member-refused"),
        pytest.param("access", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                     {"message": "entity type cannot be inserted: CampaignMember"},
                     "marketing_user_missing", id="member-named-by-the-message"),
        pytest.param("access", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", {"sobject": "Lead"},
                     "create_not_allowed", id="lead-refused"),
        pytest.param("configuration", "REQUIRED_FIELD_MISSING",
                     {"sobject": "Case", "message": "Benötigte Felder fehlen: [SuppliedEmail]"},
                     "case_needs_address", id="an-auto-response-asks-for-an-address"),
        pytest.param("configuration", "REQUIRED_FIELD_MISSING",
                     {"sobject": "Case", "message": "Required fields are missing: [Product__c]"},
                     "required_field_missing", id="a-field-of-the-host"),
        pytest.param("data", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", {"sobject": "Lead"},
                     "automation_failed", id="trigger-failed"),
        pytest.param("transient", "APEX_ERROR", {}, "record_busy", id="lock-inside-a-trigger"),
        pytest.param("access", "INSUFFICIENT_ACCESS_OR_READONLY", {"sobject": "CampaignMember"},
                     "marketing_user_missing", id="campaign-not-writeable"),
        pytest.param("access", "INSUFFICIENT_ACCESS_OR_READONLY", {"sobject": "Event"},
                     "calendar_event_not_writeable", id="an-event-of-somebody-else"),
        pytest.param("access", "INSUFFICIENT_ACCESS_OR_READONLY", {"sobject": "Contact"},
                     "insufficient_access", id="contact-not-writeable"),
        pytest.param("duplicate", "DUPLICATES_DETECTED", {}, "duplicate_no_match", id="duplicate"),
        pytest.param("other", "SOMETHING_NEW", {}, "unknown_error", id="unknown"),
        pytest.param("nonsense", "SOMETHING_NEW", {}, "unknown_error", id="unknown-class"),
    ],
)  # fmt: skip
def test_one_code_with_several_causes(
    error_class: str, code: str, about: dict[str, str], expected: str
) -> None:
    assert advice_code_for(error_class, code, **about) == expected


def test_no_code_has_two_rows() -> None:
    codes = [row.code for row in MESSAGES if row.group != "finding"]
    assert sorted(codes) == sorted(set(codes))


def test_duplicate_advice_has_its_fixed_wording() -> None:
    steps = ADVICE["duplicate_no_match"].steps
    assert steps == ("Resolve the duplicate in Salesforce, then click Retry on the failed row.",)


@pytest.mark.parametrize("code", codes_of("data", "configuration", "access", "time", "broken_link"))
def test_advice_on_writes_needs_only_object_and_field_and_has_a_step(code: str) -> None:
    row = ADVICE[code]
    texts = (row.title, row.explanation, *row.steps)
    places = {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}
    assert places <= {"object", "field"}
    advice = advise(code, object="Lead", field="Phone")
    assert advice.steps
    assert "{" not in advice.model_dump_json().replace('{"code"', "", 1)


def test_titles_of_groups_name_the_object_alone() -> None:
    for title in GROUP_TITLES.values():
        assert [name for _, name, _, _ in Formatter().parse(title) if name] == ["object"]


def test_problem_that_a_person_can_cure_carries_advice() -> None:
    codes = {kind.__name__ for kind in Problem.__subclasses__()}
    assert codes - WITHOUT_ADVICE <= CODE_BY_PROBLEM.keys()
    for code in CODE_BY_PROBLEM:
        advice = advice_on_problem(code)
        assert advice is not None
        assert "{" not in advice.explanation
    assert "TokenInvalid" not in CODE_BY_PROBLEM
