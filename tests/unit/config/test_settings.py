"""Settings: one clear line for each fault, and no times that cannot work."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.config.settings import (
    ApiSettings,
    Settings,
    SettingsInvalid,
    Times,
    load_settings,
    read_settings,
)
from app.config.webhook_secret import WebhookSecret
from tests.factories import ENCRYPTION_KEY, WEBHOOK_SECRET

GOOD = {
    "DATABASE_URL": "postgresql://otter@127.0.0.1:5432/sync",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "PUBLIC_URL": "https://sync.eventship.example/",
    "DASHBOARD_URL": "https://app.eventship.example",
    "WEBHOOK_SECRETS": WEBHOOK_SECRET,
    "ENCRYPTION_KEYS": ENCRYPTION_KEY,
    "JWKS_URL": "https://platform.example/jwks.json",
}
OURS = ("DATABASE_", "REDIS_", "PUBLIC_", "DASHBOARD_", "WEBHOOK_", "ENCRYPTION_", "JWKS_", "JWT_")
ALSO_OURS = (
    "NOTIFY_",
    "SALESFORCE_",
    "TIMES_",
    "GUARDS_",
    "LOG_",
    "WORKER_",
    "BATCH_",
    "SUPPORT_",
    "PROBLEM_",
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The good environment and nothing else of ours."""
    for name in list(os.environ):
        if name.startswith((*OURS, *ALSO_OURS)):
            monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def faults() -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        read_settings(ApiSettings)
    return str(caught.value).splitlines()


def test_good_environment_is_taken() -> None:
    settings = load_settings()
    assert settings.database_url == "postgresql+asyncpg://otter@127.0.0.1:5432/sync"
    assert settings.redirect_uri == "https://sync.eventship.example/oauth/salesforce/callback"
    assert settings.salesforce_login_url == "https://login.salesforce.com"
    assert (settings.has_shared_app, settings.extra_hosts) == (False, frozenset())
    assert settings.jwt_algorithms == ("RS256", "ES256", "EdDSA")


@pytest.mark.parametrize(
    ("given", "namespace"), [("evs", "evs"), ("Eventship_App1", "Eventship_App1"), ("", "")]
)
def test_the_namespace_of_the_package(monkeypatch: pytest.MonkeyPatch, given: str, namespace: str) -> None:
    monkeypatch.setenv("SALESFORCE_PACKAGE_NAMESPACE", given)
    assert load_settings().salesforce_package_namespace == namespace


@pytest.mark.parametrize("given", ["evs__", "1evs", "e__s", "evs_", "evs-1", "a" * 16])
def test_what_can_be_no_namespace_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("SALESFORCE_PACKAGE_NAMESPACE", given)
    (fault,) = faults()
    assert fault.startswith("SALESFORCE_PACKAGE_NAMESPACE")


RECEIVER = "https://platform.example/hooks?tenant=otter"


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"NOTIFY_URL": RECEIVER, "NOTIFY_SECRETS": WEBHOOK_SECRET}, None),
        ({"NOTIFY_SECRETS": WEBHOOK_SECRET}, None),
        ({"NOTIFY_URL": RECEIVER}, "NOTIFY_SECRETS needs"),
        ({"NOTIFY_URL": RECEIVER, "NOTIFY_SECRETS": f"{WEBHOOK_SECRET}@2036-01-01"}, "without an end"),
        ({"NOTIFY_URL": RECEIVER, "NOTIFY_SECRETS": "hunter2"}, "whsec_"),
        ({"NOTIFY_URL": "platform.example/hooks"}, "NOTIFY_URL must look like"),
        ({"NOTIFY_URL": "file:///etc/passwd"}, "NOTIFY_URL must look like"),
        ({"NOTIFY_URL": "https://rita:otter@platform.example/"}, "NOTIFY_URL must have no user"),
        ({"NOTIFY_URL": "https://platform.example/#x"}, "NOTIFY_URL must have no user"),
        ({"NOTIFY_URL": "http://platform.example/hooks"}, "NOTIFY_URL must be https"),
        (
            {"NOTIFY_URL": "http://platform.example/hooks", "NOTIFY_PRIVATE": "true"},
            "NOTIFY_URL must be https",
        ),
        ({"NOTIFY_URL": "http://platform.internal/hooks"}, "NOTIFY_URL must be https"),
        ({"NOTIFY_URL": "http://localhost:1/", "NOTIFY_SECRETS": WEBHOOK_SECRET}, "NOTIFY_URL must be https"),
        (
            {
                "NOTIFY_URL": "http://platform.internal/hooks",
                "NOTIFY_PRIVATE": "true",
                "NOTIFY_SECRETS": WEBHOOK_SECRET,
            },
            None,
        ),
    ],
)
def test_the_receiver_of_notifications(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], fault: str | None
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    if fault is not None:
        [found] = faults()
        assert fault in found
        assert "rita" not in found
        return
    assert len(load_settings().live_notify_secrets) == 1
    assert load_settings().notify_url == given.get("NOTIFY_URL")


def test_any_number_of_origins_of_the_dashboard_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHBOARD_ORIGINS", "https://Preview.example/, https://next.example:8443")
    assert load_settings().browser_origins[1:3] == ("https://preview.example", "https://next.example:8443")


def test_partitions_are_switched_on_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESFORCE_PARTITIONS", "mil, cn")
    assert load_settings().extra_hosts == {"*.my.salesforce.mil", "*.my.sfcrmproducts.cn"}
    monkeypatch.setenv("SALESFORCE_PARTITIONS", "mars")
    [fault] = faults()
    assert "SALESFORCE_PARTITIONS" in fault


@pytest.mark.parametrize("name", [name for name in GOOD if not name.startswith("JWKS")])
def test_missing_variable_is_one_line_that_names_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    [fault] = faults()
    assert fault.startswith(f"{name} is not set")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        pytest.param("DATABASE_URL", "mysql://host/db", "postgresql://", id="other database"),
        pytest.param("DATABASE_URL", "postgresql://host", "database", id="no database"),
        pytest.param("DATABASE_URL", "", "postgresql://", id="empty database"),
        pytest.param("REDIS_URL", "http://host", "redis://", id="other queue"),
        pytest.param("PUBLIC_URL", "sync.example.com", "https://", id="no scheme"),
        pytest.param("PUBLIC_URL", "http://sync.example.com", "https", id="plain http"),
        pytest.param("DASHBOARD_URL", "javascript:alert(1)", "https://", id="script"),
        pytest.param("DASHBOARD_ORIGINS", "https://*.preview.example", "wildcard", id="wildcard"),
        pytest.param(
            "DASHBOARD_ORIGINS", "https://a.example/admin", "without a path", id="origin with a path"
        ),
        pytest.param("WEBHOOK_SECRETS", "", "WEBHOOK_SECRETS", id="no secret"),
        pytest.param("WEBHOOK_SECRETS", "secret", "whsec_", id="bare secret"),
        pytest.param("WEBHOOK_SECRETS", "whsec_!!", "base64", id="odd secret"),
        pytest.param("WEBHOOK_SECRETS", "whsec_AAAA", "24 to 64", id="short secret"),
        pytest.param("ENCRYPTION_KEYS", "", "keys new", id="no key"),
        pytest.param("ENCRYPTION_KEYS", "hunter2", "ENCRYPTION_KEYS", id="bare key"),
        pytest.param("ENCRYPTION_KEYS", "k1:AAAA", "32 bytes", id="short key"),
        pytest.param("ENCRYPTION_KEYS", f"{ENCRYPTION_KEY},{ENCRYPTION_KEY}", "twice", id="same key id"),
        pytest.param("JWKS_FILE", "/etc/jwks.json", "exactly one", id="two key sets"),
        pytest.param("SALESFORCE_LOGIN_URL", "https://evil.example", "SALESFORCE_LOGIN_URL", id="login host"),
        pytest.param("SALESFORCE_API_VERSION", "62", "SALESFORCE_API_VERSION", id="version"),
        pytest.param("DATABASE_POOL", "1", "DATABASE_POOL", id="pool"),
        pytest.param("LOG_LEVEL", "LOUD", "LOG_LEVEL", id="log level"),
        pytest.param("GUARDS_OFF", "quiet", "SALESFORCE_SIMULATOR_URL", id="guards off"),
        pytest.param("TIMES_IN_DOUBT", "719", "TIMES_IN_DOUBT", id="in doubt too short"),
        pytest.param("TIMES_QUIET", "719", "TIMES_IN_DOUBT", id="its old name"),
        pytest.param("TIMES_HEARTBEAT", "7", "TIMES_LEASE", id="heartbeat too slow"),
        pytest.param("TIMES_DRAIN_BUDGET", "30", "TIMES_STOP", id="drain outlives the stop"),
        pytest.param("TIMES_REFRESH_STALE", "20", "TIMES_REFRESH_STALE", id="marker stale in flight"),
        pytest.param("TIMES_KEEP_ALIVE_DAYS", "8", "KEEP_ALIVE_DAYS", id="keep-alive too rare"),
        pytest.param("TIMES_LEASE", "-1", "LEASE", id="negative"),
    ],
)
def test_fault_is_one_line_that_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    [line] = faults()
    assert says in line
    assert "hunter2" not in line


NOT_FOR_WORKERS = ("PUBLIC_URL", "DASHBOARD_URL", "WEBHOOK_SECRETS", "JWKS_URL")


def test_worker_and_commands_need_nothing_of_browsers_and_webhooks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NOT_FOR_WORKERS:
        monkeypatch.delenv(name)
    assert load_settings().webhook_secrets == ()
    assert [line.split()[0] for line in faults()] == ["PUBLIC_URL", "DASHBOARD_URL", "WEBHOOK_SECRETS"]


def test_login_that_owns_everything_is_not_needed_beside_both_own_logins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("DATABASE_APP_URL", "postgresql://es_app@db/sync")
    assert faults() == ["DATABASE_URL is not set: postgresql://user:password@host:5432/database"]
    monkeypatch.setenv("DATABASE_SYSTEM_URL", "postgresql://es_system@db/sync")
    assert read_settings(ApiSettings).database_url == ""
    monkeypatch.setenv("DATABASE_SYSTEM_URL", "mysql://es_system@db/sync")
    assert [line.split()[0] for line in faults()] == ["DATABASE_SYSTEM_URL"]


def test_several_faults_are_several_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("REDIS_URL", "nonsense")
    assert [line.split()[0] for line in faults()] == ["DATABASE_URL", "REDIS_URL"]


def test_key_set_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JWKS_URL")
    assert faults() == ["set exactly one of JWKS_URL and JWKS_FILE"]


@pytest.mark.parametrize(
    "url", ["http://simulator:8100", "http://sim.staging.svc:8100", "http://10.2.3.4", "http://sim.internal"]
)
def test_a_simulator_on_a_private_name_may_be_reached_by_http_where_that_is_allowed(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    for name in ("SALESFORCE_SIMULATOR_URL", "SALESFORCE_LOGIN_URL", "SALESFORCE_SANDBOX_LOGIN_URL"):
        monkeypatch.setenv(name, url)
    [line] = faults()
    assert "SALESFORCE_SIMULATOR_HTTP=true" in line
    monkeypatch.setenv("SALESFORCE_SIMULATOR_HTTP", "true")
    assert load_settings().extra_hosts == {url}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        pytest.param(
            {"SALESFORCE_SIMULATOR_URL": "http://sim.example.com"}, "must be https", id="public-name"
        ),
        pytest.param({"SALESFORCE_SIMULATOR_URL": "http://8.8.8.8"}, "be https", id="public-address"),
        pytest.param({"SALESFORCE_SIMULATOR_URL": "http://134744072"}, "be https", id="address-as-number"),
        pytest.param(
            {"SALESFORCE_SIMULATOR_URL": "http://[::ffff:8.8.8.8]"}, "be https", id="mapped-address"
        ),
        pytest.param({"SALESFORCE_SIMULATOR_URL": "http://169.254.169.254"}, "be https", id="metadata"),
        pytest.param({"SALESFORCE_LOGIN_URL": "http://another:8100"}, "another", id="another-login"),
        pytest.param({"PUBLIC_URL": "http://api:8000"}, "PUBLIC_URL must be https", id="not-the-simulator"),
    ],
)
def test_http_is_for_the_simulator_alone(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], line: str
) -> None:
    monkeypatch.setenv("SALESFORCE_SIMULATOR_HTTP", "true")
    monkeypatch.setenv("SALESFORCE_SIMULATOR_URL", "http://simulator:8100")
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    assert any(line in fault for fault in faults())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GUARDS_OFF", "quiet,fence"),
        ("TIMES_IN_DOUBT", "4"),
        ("SALESFORCE_LOGIN_URL", "http://127.0.0.1:8100"),
    ],
)
def test_what_only_suits_the_simulator_is_taken_with_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("SALESFORCE_SIMULATOR_URL", "http://127.0.0.1:8100")
    monkeypatch.setenv(name, value)
    assert load_settings().extra_hosts == {"http://127.0.0.1:8100"}


def test_guard_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESFORCE_SIMULATOR_URL", "http://127.0.0.1:8100")
    monkeypatch.setenv("GUARDS_OFF", "quiet,gravity")
    [fault] = faults()
    assert fault.startswith("GUARDS_OFF")


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESFORCE_CLIENT_SECRET", "hunter2")
    shown = repr(load_settings())
    assert not any(secret in shown for secret in ("hunter2", WEBHOOK_SECRET, ENCRYPTION_KEY))


def test_several_webhook_secrets_live_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_SECRETS", f"{WEBHOOK_SECRET}, {WEBHOOK_SECRET}@2026-11-21T10:00:00Z")
    [newest, oldest] = load_settings().live_webhook_secrets
    before, after = datetime(2026, 11, 21, 9, 59, tzinfo=UTC), datetime(2026, 11, 21, 10, 1, tzinfo=UTC)
    assert [newest.is_live(after), oldest.is_live(before), oldest.is_live(after)] == [True, True, False]


def test_expiry_without_a_zone_is_utc() -> None:
    secret = WebhookSecret.parse(f"{WEBHOOK_SECRET}@2026-11-21T10:00:00")
    assert secret.expires_at == datetime(2026, 11, 21, 10, tzinfo=UTC)


def test_key_set_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JWKS_URL")
    monkeypatch.setenv("JWKS_FILE", "keys/jwks.json")
    assert Settings().jwks_file == Path("keys/jwks.json")


@pytest.mark.parametrize("pepper", ["", "xyz", "ab" * 31, "AB" * 32], ids=["none", "words", "short", "upper"])
def test_pepper_that_is_no_key_is_refused(monkeypatch: pytest.MonkeyPatch, pepper: str) -> None:
    monkeypatch.setenv("PEPPER", pepper)
    with pytest.raises(SettingsInvalid, match="PEPPER"):
        load_settings()


def test_the_doubt_about_a_lost_write_is_read_under_its_old_name_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMES_QUIET", "900")
    assert Times().in_doubt == 900
    monkeypatch.setenv("TIMES_IN_DOUBT", "901")
    assert Times().in_doubt == 901


def test_the_first_of_several_addresses_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUBLIC_URL")
    monkeypatch.setenv("PUBLIC_URLS", "https://Sync.Eventship.example/, https://sync.ACME.example")
    settings = read_settings(ApiSettings)
    assert settings.public_url == "https://sync.eventship.example"
    assert settings.addresses == ("https://sync.eventship.example", "https://sync.acme.example")
    assert settings.address_of("https://sync.acme.example") == "https://sync.acme.example"
    assert settings.address_of("https://old.acme.example") == settings.address_of(None) == settings.public_url
    with_console = settings.model_copy(update={"console_enabled": True})
    assert set(settings.addresses) <= set(with_console.browser_origins)


def test_one_address_is_the_only_one() -> None:
    assert load_settings().addresses == ("https://sync.eventship.example",)


@pytest.mark.parametrize(
    ("urls", "fault"),
    [
        pytest.param("https://sync.acme.example", "must be the first of PUBLIC_URLS", id="another-default"),
        pytest.param("https://sync.eventship.example,http://sync.acme.example", "https", id="plain-http"),
        pytest.param("sync.acme.example", "https://", id="no-scheme"),
    ],
)
def test_addresses_that_cannot_be_used_are_refused(
    monkeypatch: pytest.MonkeyPatch, urls: str, fault: str
) -> None:
    monkeypatch.setenv("PUBLIC_URLS", urls)
    assert fault in "\n".join(faults())
