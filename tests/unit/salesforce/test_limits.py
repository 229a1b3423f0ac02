"""The org's allowance, as answers report it."""

import pytest

from app.salesforce.responses import ApiUsage, parse_limit_info


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
