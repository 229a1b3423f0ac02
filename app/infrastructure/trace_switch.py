"""Switches traces on where the standard variables of OpenTelemetry ask for them: only then is it imported."""

import importlib
import logging
import os
from collections.abc import Mapping
from typing import Final

from app import tracing

log = logging.getLogger(__name__)

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
EXPORTERS: Final = frozenset({"otlp", "console"})
PROTOCOL: Final = "http/protobuf"


def configure_tracing(role: str, environment: Mapping[str, str] = os.environ) -> None:
    """Collect the spans of this process from now on, if the environment says so; a fault of it is logged."""
    if not is_asked_for(environment):
        return
    if (fault := fault_of(environment)) is not None:
        log.warning("traces_off", extra={"reason": fault})
        return
    sdk = importlib.import_module("app.infrastructure.open_telemetry")
    tracing.use(sdk.collected_from(environment, role=role))
    log.info("traces_on", extra={"exporter": environment.get("OTEL_TRACES_EXPORTER", "otlp")})


def is_asked_for(environment: Mapping[str, str]) -> bool:
    """Whether an exporter or an endpoint is named, and neither `none` nor OTEL_SDK_DISABLED ends it."""
    exporter = environment.get("OTEL_TRACES_EXPORTER", "")
    is_disabled = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    is_named = bool(exporter) or any(environment.get(name) for name in ENDPOINTS)
    return is_named and exporter != "none" and not is_disabled


def fault_of(environment: Mapping[str, str]) -> str | None:
    """Why what is asked for cannot be done; None where it can."""
    exporter = environment.get("OTEL_TRACES_EXPORTER") or "otlp"
    if exporter not in EXPORTERS:
        return "OTEL_TRACES_EXPORTER must be otlp, console or none"
    protocol = next((environment[name] for name in PROTOCOLS if environment.get(name)), PROTOCOL)
    if exporter == "otlp" and protocol != PROTOCOL:
        return "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf"
    return None
