"""URLs of Postgres and Valkey: which options are used, and which are refused by name in one line."""

from pathlib import Path

import pytest

from app.config.postgres_url import checked_postgres_url, connect_arguments
from app.config.redis_url import checked_redis_url, redis_settings


def arguments(url: str) -> dict[str, object]:
    return connect_arguments(checked_postgres_url(url), application_name="es")


def test_plain_address_is_passed_on_with_our_name() -> None:
    assert arguments("postgres://u:p%40ss%25%2Fw%3Ard@db:5432/sync") == {
        "dsn": "postgresql://u:p%40ss%25%2Fw%3Ard@db:5432/sync",
        "server_settings": {"application_name": "es", "timezone": "UTC"},
    }


def test_several_hosts_need_one_that_can_be_written_to() -> None:
    given = arguments("postgresql://u@a:5432,[::1]:5433,c/sync?application_name=blue&sslmode=require")
    assert given["dsn"] == "postgresql://u@a:5432,[::1]:5433,c/sync?sslmode=require"
    assert given["target_session_attrs"] == "read-write"
    assert given["server_settings"] == {"application_name": "blue", "timezone": "UTC"}
    assert (
        arguments("postgresql://a,b/sync?target_session_attrs=primary")["target_session_attrs"] == "primary"
    )


def test_socket_is_named_as_a_host() -> None:
    assert arguments("postgresql://u@/sync?host=/cloudsql/a:b:c")["dsn"] == (
        "postgresql://u@/sync?host=%2Fcloudsql%2Fa%3Ab%3Ac"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("channel_binding=require", "has the option channel_binding, which is not known: known are sslmode"),
        ("pgbouncer=true", "has the option pgbouncer, which is not known"),
        ("ssl=require", "has the option ssl, which is not known"),
        ("sslmode=on", "sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full"),
        ("sslmode=verify-full", "has verify-full without sslrootcert"),
        ("sslmode=require&sslrootcert=/nowhere", "sslrootcert cannot be read: /nowhere: No such file"),
        ("target_session_attrs=standby", "target_session_attrs must be one of any, primary, read-write"),
        ("application_name=", "application_name needs a value"),
        ("port=0", "port must be 1 to 65535"),
    ],
)
def test_option_that_cannot_be_kept_is_refused_by_name(options: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked_postgres_url(f"postgresql://u@db/sync?{options}")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://db/sync", "must look like postgresql://"),
        ("postgresql://db", "must name a host and a database"),
        ("postgresql:///sync", "must name a host and a database"),
        ("postgresql://u:p@ss@db/sync", "write it as %40"),
        ("postgresql://db:port/sync", "names hosts that cannot be read"),
        ("postgresql://a,/sync", "names hosts that cannot be read"),
    ],
)
def test_address_that_cannot_be_read_is_refused(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked_postgres_url(url)


def test_valkey_with_tls_is_checked_by_certificate_and_name(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("")
    url = checked_redis_url(f"rediss://u:p%40ss@cache:6380/2?ssl_ca_certs={tmp_path / 'ca'}")
    read = redis_settings(url)
    assert (read.host, read.port, read.database, read.username) == ("cache", 6380, 2, "u")
    assert read.password == "p@ss"
    assert (read.ssl, read.ssl_cert_reqs, read.ssl_check_hostname) == (True, "required", True)
    assert read.ssl_ca_certs == str(tmp_path / "ca")


def test_valkey_is_unchecked_only_when_the_address_says_so() -> None:
    unchecked = redis_settings("rediss://cache?ssl_cert_reqs=none")
    assert (unchecked.ssl_cert_reqs, unchecked.ssl_check_hostname) == ("none", False)
    assert redis_settings("rediss://cache?ssl_check_hostname=false").ssl_check_hostname is False
    assert redis_settings("unix:///run/valkey.sock?db=3").database == 3


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://cache", "must look like redis://"),
        ("redis://cache?ssl_cert_reqs=none", "write rediss:// for redis://"),
        ("rediss://cache?ssl_cert_reqs=maybe", "ssl_cert_reqs must be required or none"),
        ("rediss://cache?ssl_check_hostname=perhaps", "ssl_check_hostname must be true or false"),
        ("rediss://cache?ssl_ca_certs=/nowhere", "ssl_ca_certs cannot be read: /nowhere: No such file"),
        ("redis://cache?timeout=3", "has the option timeout, which is not known: known are db"),
        ("redis://cache/first", "must end with the number of a database"),
    ],
)
def test_valkey_address_that_cannot_be_kept_is_refused(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked_redis_url(url)
