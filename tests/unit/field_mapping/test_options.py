"""Options that attendees took, held against the rules for their question."""

from typing import Any

import pytest

from app.field_mapping.options import answers_of, check_options
from app.salesforce.describe import Field
from app.sync.model.mapping_rules import MappingRules
from tests.unit.sync.builders import described, field, rule

SIZES = {"answers.size": ("L", "M", "S", "XL")}
NUMBER = field("Size__c", "double", precision=4)
NEEDED = field("Size__c", "double", precision=4, is_nillable=False)
LIST = field("Size__c", "picklist", length=9, picklist_values=("S", "M"), is_restricted_picklist=True)
LOOSE = field("Size__c", "picklist", length=9, picklist_values=("S", "M"))


@pytest.mark.parametrize(
    ("target", "how", "found"),
    [
        pytest.param(NUMBER, {}, [("answer_unfit", "warning")], id="sizes are no numbers"),
        pytest.param(NEEDED, {}, [("answer_unfit", "error")], id="and the field is required"),
        pytest.param(NEEDED, {"fallback": "1"}, [("answer_unfit", "warning")], id="with a fallback"),
        pytest.param(LIST, {}, [("answer_not_in_picklist", "error")], id="two are not listed"),
        pytest.param(LOOSE, {}, [], id="an open list takes all"),
        pytest.param(field("Size__c", length=9), {}, [], id="text takes all"),
        pytest.param(
            NUMBER,
            {"values": {"s": "1", " M ": "2"}},
            [("answer_not_mapped", "error")],
            id="two of four",
        ),
        pytest.param(NUMBER, {"values": {"s": "1"}, "otherwise": "0"}, [], id="others have a value"),
        pytest.param(
            NUMBER, {"values": dict.fromkeys(("S", "M", "L", "XL"), "1")}, [], id="all are translated"
        ),
        pytest.param(field("Other__c"), {}, [], id="a field that is not there is found elsewhere"),
    ],
)
def test_options_that_nothing_is_chosen_for(
    target: Field, how: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    chosen = MappingRules.of({"fields": [rule("Size__c", "answers.size", **how)]})
    findings = list(check_options(chosen, {"Lead": described(target)}, SIZES))
    assert [(each.code, each.severity) for each in findings] == found


def test_finding_names_the_options() -> None:
    chosen = MappingRules.of({"fields": [rule("Size__c", "answers.size")]})
    [finding] = check_options(chosen, {"Lead": described(LIST)}, SIZES)
    assert finding.message.startswith("Size__c does not have “L”, “XL”:")
    many = {"answers.size": tuple(f"o{number}" for number in range(9))}
    [finding] = check_options(chosen, {"Lead": described(LIST)}, many)
    assert "“o4”, 4 more" in finding.message


def test_a_place_that_the_org_does_not_list_is_left_out() -> None:
    codes = field("CountryCode", "picklist", picklist_values=("DE",), picklist_labels=("Germany",))
    chosen = MappingRules.of({"fields": [rule("Country", "answers.land")]})
    taken = {"answers.land": ("Deutschland", "Atlantis")}
    [finding] = check_options(chosen, {"Lead": described(field("Country"), codes)}, taken)
    assert (finding.code, finding.severity) == ("answer_unfit", "warning")
    assert finding.message == "“Atlantis” does not fit Country: it is left out."


def test_answers_of_rules() -> None:
    chosen = MappingRules.of({"fields": [rule("A__c", "answers.size"), rule("B__c", "utm.source")]})
    assert answers_of(chosen) == {"answers.size"}
