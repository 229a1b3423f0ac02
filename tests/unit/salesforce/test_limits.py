"""The org's allowance, as answers report it."""

import pytest

from app.salesforce.limits import ApiUsage, OrgLimit, parse_limit_info, parse_limits


@pytest.mark.parametrize(
    ("header", "usage"),
    [
        pytest.param("api-usage=10018/100000", ApiUsage(10018, 100000), id="plain"),
        pytest.param(
            "api-usage=25/5000; per-app-api-usage=17/250(appName=sample-app)",
            ApiUsage(25, 5000),
            id="per-app",
        ),
        pytest.param(
            "per-app-api-usage=17/250(appName=x); api-usage=25/5000", ApiUsage(25, 5000), id="other-order"
        ),
        pytest.param("per-app-api-usage=17/250(appName=x)", None, id="per-app-only"),
        pytest.param("api-usage=-1/5000", None, id="negative"),
        pytest.param("api-usage=1/" + "9" * 5000, None, id="absurd"),
        pytest.param("nonsense", None, id="nonsense"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="absent"),
    ],
)
def test_limit_info_is_read_or_left_out(header: str | None, usage: ApiUsage | None) -> None:
    assert parse_limit_info(header) == usage


def test_limits_keep_the_entries_that_are_allowances() -> None:
    body = {
        "DailyApiRequests": {
            "Max": 15000,
            "Remaining": 14988,
            "Ant Migration Tool": {"Max": 0, "Remaining": 0},
        },
        "Odd": {"Max": True, "Remaining": 1},
        "Text": "x",
        "Half": {"Max": 1},
    }
    assert parse_limits(body) == {"DailyApiRequests": OrgLimit(15000, 14988)}


def test_limits_of_another_shape_are_none() -> None:
    assert parse_limits([]) == {}
