"""Hosts: only Salesforce's own API hosts ever see a token."""

from collections.abc import Callable

import pytest

from app.salesforce.allowed_hosts import (
    HostNotAllowed,
    check_instance_url,
    check_login_host,
    is_login_host,
    lightning_url,
    my_domain_of,
    names_here,
    record_url,
)

SIMULATOR = frozenset({"http://127.0.0.1:8100"})


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com/", "https://acme.my.salesforce.com"),
        ("https://ACME.My.Salesforce.com:443/", "https://acme.my.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com", "https://acme--uat.sandbox.my.salesforce.com"),
        ("https://x-dev-ed.develop.my.salesforce.com", "https://x-dev-ed.develop.my.salesforce.com"),
        ("https://x.scratch.my.salesforce.com", "https://x.scratch.my.salesforce.com"),
    ],
)
def test_my_domain_hosts_are_allowed_and_normalised(url: str, origin: str) -> None:
    assert check_instance_url(url) == origin


HOSTILE = [
    pytest.param("", id="empty"),
    pytest.param("acme.my.salesforce.com", id="no-scheme"),
    pytest.param("http://acme.my.salesforce.com", id="plain-http"),
    pytest.param("ftp://acme.my.salesforce.com", id="ftp"),
    pytest.param("https://evil.example", id="another-host"),
    pytest.param("https://my.salesforce.com", id="no-domain"),
    pytest.param("https://.my.salesforce.com", id="empty-label"),
    pytest.param("https://a..my.salesforce.com", id="double-dot"),
    pytest.param("https://-a.my.salesforce.com", id="leading-hyphen"),
    pytest.param("https://acme.my.salesforce.com.evil.example", id="suffix"),
    pytest.param("https://evil.example/acme.my.salesforce.com", id="in-path"),
    pytest.param("https://acmemy.salesforce.com", id="glued-label"),
    pytest.param("https://acme.my.salesforce.com@evil.example", id="user-info"),
    pytest.param("https://evil.example#acme.my.salesforce.com", id="fragment"),
    pytest.param("https://evil.example?acme.my.salesforce.com", id="query"),
    pytest.param("https://evil.example\\.my.salesforce.com", id="backslash"),
    pytest.param("https://acme.my.salesforce.com\\@evil.example", id="backslash-user-info"),
    pytest.param("https://acme.my.salesforce.com/path", id="path"),
    pytest.param("https://acme.my.salesforce.com:8443", id="port"),
    pytest.param("https://acme.my.salesforce.com:443:80", id="two-ports"),
    pytest.param("https://acme.my.salesforce.com\n.evil.example", id="newline"),
    pytest.param("https://acme.my.salesforce.com\n", id="trailing-newline"),
    pytest.param(" https://acme.my.salesforce.com", id="space"),
    pytest.param("https://acme.my.salesforce。com", id="ideographic-dot"),
    pytest.param("https://аcme.my.salesforce.com", id="cyrillic-a"),
    pytest.param("https://\N{KELVIN SIGN}.my.salesforce.com", id="kelvin-sign-lowers-to-k"),
    pytest.param("https://acme.my.salesforce.com%2eevil.example", id="percent"),
    pytest.param("https://169.254.169.254", id="metadata-address"),
    pytest.param("https://[::1]", id="ipv6"),
    pytest.param("https://acme.lightning.force.com", id="lightning"),
    pytest.param("https://acme.my.site.com", id="site"),
    pytest.param("https://acme.force.com", id="force"),
    pytest.param("https://na139.salesforce.com", id="legacy-instance"),
    pytest.param("https://login.salesforce.com", id="login-is-no-instance"),
    pytest.param("https://a.b.c.d.my.salesforce.com", id="too-deep"),
    pytest.param("https://" + "a" * 64 + ".my.salesforce.com", id="long-label"),
    pytest.param("http://127.0.0.1:8100", id="loopback-unless-configured"),
]


@pytest.mark.parametrize("url", HOSTILE)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(HostNotAllowed):
        check_instance_url(url)


FINE_AS_LOGIN_HOST = ("no-scheme", "login-is-no-instance")


HERE = names_here("http://localhost:8100")
ORGS_HERE = ("http://acme.my.localhost:8100", "http://acme--dev.sandbox.my.localhost:8100")


@pytest.mark.parametrize("url", ORGS_HERE)
def test_simulator_at_localhost_has_orgs_under_names_of_their_own(url: str) -> None:
    assert check_instance_url(f"{url}/", extra=HERE) == url
    assert check_login_host(url, extra=HERE) == url
    for extra in (
        frozenset(),
        SIMULATOR,
        names_here("http://localhost:8101"),
        names_here("http://localhost"),
    ):
        with pytest.raises(HostNotAllowed):
            check_instance_url(url, extra=extra)


@pytest.mark.parametrize("name", ["login.localhost", "test.localhost", "localhost"])
def test_simulator_at_localhost_has_login_hosts(name: str) -> None:
    assert check_login_host(f"http://{name}:8100", extra=HERE) == f"http://{name}:8100"


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.my.localhost:8100",
        "http://acme.my.localhost",
        "http://acme.my.localhost:81000",
        "http://acme.localhost:8100",
        "http://my.localhost:8100",
        "http://*.my.localhost:8100",
        "http://a.b.c.d.my.localhost:8100",
        "http://acme.my.localhost:8100.evil.example",
        "http://acme.my.localhost:8100@evil.example",
        "http://acme.my.localhost.evil.example:8100",
        "http://evil.example/.my.localhost:8100",
        "http://acme.my.localhost:8100/path",
        "http://acme.my.localhost:8100\n",
    ],
)
def test_nothing_else_is_of_the_simulator_at_localhost(url: str) -> None:
    for check in (check_instance_url, check_login_host):
        with pytest.raises(HostNotAllowed):
            check(url, extra=HERE)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8100", "http://simulator:8100", "https://sim.example"])
def test_simulator_elsewhere_has_one_name(url: str) -> None:
    assert names_here(url) == {url}


@pytest.mark.parametrize("url", [case for case in HOSTILE if case.id not in FINE_AS_LOGIN_HOST])
def test_anything_else_is_no_login_host_either(url: str) -> None:
    with pytest.raises(HostNotAllowed):
        check_login_host(url)


def test_the_simulator_is_allowed_by_its_exact_origin_only() -> None:
    assert check_instance_url("http://127.0.0.1:8100/", extra=SIMULATOR) == "http://127.0.0.1:8100"
    assert check_login_host("http://127.0.0.1:8100", extra=SIMULATOR) == "http://127.0.0.1:8100"
    for url in ("http://127.0.0.1:8101", "https://127.0.0.1:8100", "http://127.0.0.1:8100@evil.example"):
        with pytest.raises(HostNotAllowed):
            check_instance_url(url, extra=SIMULATOR)
        with pytest.raises(HostNotAllowed):
            check_login_host(url, extra=SIMULATOR)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("login.salesforce.com", "https://login.salesforce.com"),
        ("test.salesforce.com", "https://test.salesforce.com"),
        ("https://login.salesforce.com/", "https://login.salesforce.com"),
        ("acme--uat.sandbox.my.salesforce.com", "https://acme--uat.sandbox.my.salesforce.com"),
    ],
)
def test_login_hosts_are_login_test_and_my_domains(host: str, origin: str) -> None:
    assert check_login_host(host) == origin


MIL = frozenset({"*.my.salesforce.mil"})
PARTITIONED = ("https://acme.my.salesforce.mil", "https://acme--uat.sandbox.my.sfcrmproducts.cn")


@pytest.mark.parametrize("url", PARTITIONED)
@pytest.mark.parametrize("check", [check_instance_url, check_login_host])
def test_partitions_are_refused_as_salesforces_own_until_they_are_switched_on(
    check: Callable[..., str], url: str
) -> None:
    with pytest.raises(HostNotAllowed) as refused:
        check(url)
    assert refused.value.is_partition


def test_a_partition_that_is_switched_on_is_allowed_and_the_other_is_not() -> None:
    assert check_instance_url(PARTITIONED[0], extra=MIL) == PARTITIONED[0]
    assert check_login_host("acme.my.salesforce.mil", extra=MIL) == PARTITIONED[0]
    with pytest.raises(HostNotAllowed):
        check_instance_url(PARTITIONED[1], extra=MIL)


@pytest.mark.parametrize(
    "url",
    [
        "https://my.salesforce.mil",
        "https://acme.my.salesforce.mil.evil.example",
        "https://acme.my.salesforce.mil@evil.example",
        "https://acme.lightning.crmforce.mil",
        "https://*.my.salesforce.mil",
        "*.my.salesforce.mil",
        "https://acmemy.salesforce.mil",
    ],
)
@pytest.mark.parametrize("check", [check_instance_url, check_login_host])
def test_nothing_but_my_domains_of_a_partition_is_allowed(check: Callable[..., str], url: str) -> None:
    with pytest.raises(HostNotAllowed) as refused:
        check(url, extra=MIL)
    assert not refused.value.is_partition


def test_my_domain_stands_beside_lightning() -> None:
    assert my_domain_of("acme--uat.sandbox.lightning.force.com") == "acme--uat.sandbox.my.salesforce.com"
    assert my_domain_of("acme.lightning.crmforce.mil") == "acme.my.salesforce.mil"
    assert my_domain_of("acme.my.salesforce.com") == "acme.my.salesforce.com"


def test_only_the_two_shared_hosts_are_login_hosts() -> None:
    assert is_login_host("Login.salesforce.com")
    assert not is_login_host("acme.my.salesforce.com")
    assert not is_login_host("login.salesforce.com.evil.example")


def test_a_refusal_keeps_a_bounded_text() -> None:
    assert len(HostNotAllowed("x" * 5000).host) == 200


@pytest.mark.parametrize(
    ("instance_url", "lightning"),
    [
        ("https://acme.my.salesforce.com", "https://acme.lightning.force.com"),
        ("https://acme--uat.sandbox.my.salesforce.com", "https://acme--uat.sandbox.lightning.force.com"),
        ("https://x-dev-ed.develop.my.salesforce.com", "https://x-dev-ed.develop.lightning.force.com"),
        ("https://acme.my.salesforce.mil", "https://acme.lightning.crmforce.mil"),
        ("https://acme.my.sfcrmproducts.cn", "https://acme.lightning.sfcrmapps.cn"),
        ("https://na139.salesforce.com", None),
        ("http://127.0.0.1:8100", None),
    ],
)
def test_lightning_host_is_derived_from_the_my_domain(instance_url: str, lightning: str | None) -> None:
    assert lightning_url(instance_url) == lightning


def test_records_open_in_lightning_or_at_the_instance() -> None:
    lead = "00Q5g00000AbCdEEAV"
    assert (
        record_url("https://acme.my.salesforce.com", "Lead", lead)
        == f"https://acme.lightning.force.com/lightning/r/Lead/{lead}/view"
    )
    assert record_url("http://127.0.0.1:8100/", "Lead", lead) == f"http://127.0.0.1:8100/{lead}"
