"""Traces: off unless the standard variables ask for them, and nothing is imported while they are."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from app import tracing
from app.infrastructure import open_telemetry
from app.infrastructure.trace_switch import configure_tracing, fault_of, is_asked_for

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
IMPORTED = """
import sys
import app.main, workers.main, app.cli.serve
from app import tracing
from app.infrastructure.trace_switch import configure_tracing
configure_tracing("api", {environment})
sdk = [name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))]
print(tracing.is_on(), bool(sdk), "requests" in sys.modules)
"""


def printed(environment: Mapping[str, str]) -> list[str]:
    text = IMPORTED.replace("{environment}", repr(dict(environment)))
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_nothing_is_imported_while_nobody_asks_for_traces() -> None:
    assert printed({"OTEL_SERVICE_NAME": "otters"}) == ["False", "False", "False"]


def test_an_endpoint_is_enough() -> None:
    assert printed(ENDPOINT) == ["True", "True", "True"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "otters", "OTEL_TRACES_SAMPLER": "always_on"}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "True"}, False),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "false"}, True),
    ],
)
def test_standard_variables_switch(environment: dict[str, str], expected: bool) -> None:
    assert is_asked_for(environment) is expected


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER"),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL"),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"}, "OTEL_EXPORTER_OTLP_PROTOCOL"),
    ],
)
def test_what_cannot_be_done_is_logged_and_leaves_traces_off(
    environment: dict[str, str], named: str, caplog: pytest.LogCaptureFixture
) -> None:
    configure_tracing("api", environment)
    [record] = [each for each in caplog.records if each.message == "traces_off"]
    assert named in vars(record)["reason"]
    assert not tracing.is_on()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, "eventship-salesforce-worker"), ({"OTEL_SERVICE_NAME": "otters"}, "otters")],
)
def test_service_is_named(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    monkeypatch.setattr(open_telemetry, "OpenTelemetrySpans", made.append)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    open_telemetry.collected_from(environment | {"OTEL_TRACES_EXPORTER": "console"}, role="worker")
    [provider] = made
    assert provider.resource.attributes["service.name"] == expected
    provider.shutdown()


def test_protocols_that_are_known_have_no_fault() -> None:
    assert fault_of(ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}) is None
    assert fault_of({"OTEL_TRACES_EXPORTER": "console", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}) is None
