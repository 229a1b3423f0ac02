"""A copy of deploy/ with one thing broken is found out, for each thing that a rule is there for."""

import json
from functools import cache

import pytest

from tools.deployment.check import deployment_faults, texts_of
from tools.deployment.compose import Compose, secret_file_names
from tools.deployment.kubernetes import Manifests
from tools.deployment.processes import ROOT, Image
from tools.deployment.units import Units

Copy = tuple[str, str, str, str]
"""A file, what is taken out of it, what is put in its place, and words of the fault that must be found."""

PDB = "kind: PodDisruptionBudget"
KUBERNETES: tuple[Copy, ...] = (
    ("api.yaml", "replicas: 2", 'replicas: "2"', "spec.replicas"),
    ("api.yaml", "replicas: 2", "replicas: 1", "1 replicas"),
    ("api.yaml", "readinessProbe:", "readynessProbe:", "readynessProbe"),
    ("api.yaml", "path: /readyz", "path: /ready", "readinessProbe is not /readyz"),
    ("worker.yaml", "path: /livez", "path: /metrics", "livenessProbe is not /livez"),
    ("api.yaml", "name: health, containerPort: 9090", "name: health, containerPort: 9091", "listens at 9090"),
    ("api.yaml", 'name: PORT, value: "8000"', 'name: PORT, value: "8080"', "listens at 8080"),
    ("api.yaml", "targetPort: http", "targetPort: health", "leads to port health"),
    ("api.yaml", "runAsUser: 10001", "runAsUser: 1000", "runAsUser is 1000"),
    ("worker.yaml", "RootFilesystem: true", "RootFilesystem: false", "readOnlyRootFilesystem"),
    ("worker.yaml", "drop: [ALL]", "drop: [NET_RAW]", "capabilities.drop"),
    ("migrate.yaml", "AccountToken: false", "AccountToken: true", "automount"),
    ("worker.yaml", "GracePeriodSeconds: 40", "GracePeriodSeconds: 30", "30 s to stop, it takes up to 35"),
    ("config.yaml", 'TIMES_DRAIN: "10"', 'TIMES_DRAIN: "60"', "45 s to stop, it takes up to 75"),
    ("config.yaml", "DASHBOARD_URL", "DASHBORD_URL", "DASHBORD_URL is no setting"),
    ("config.yaml", "JWKS_URL:", "SUPPORT_EMAIL:", "SUPPORT_EMAIL twice"),
    ("config.yaml", "https://salesforce.", "http://salesforce.", "PUBLIC_URL must be https"),
    ("config.yaml", "HEALTH_PORT:", "WORKER_DRAINS:", "WORKER_DRAINS"),
    ("worker.yaml", "name: REDIS_URL_FILE, value", "name: REDIS_URL, value", "REDIS_URL is a secret"),
    ("worker.yaml", "eventship/redis_url", "eventship/redis", "REDIS_URL_FILE names "),
    ("secrets.example.yaml", '  redis_url: ""', '  valkey_url: ""', "has no redis_url"),
    ("secrets.example.yaml", 'webhook_secrets: ""', 'webhook_secrets: "x"', "webhook_secrets has a value"),
    ("migrate.yaml", "eventship-salesforce-owner", "owner", "secret owner is not there"),
    ("api.yaml", "configMapRef: { name: eventship-salesforce }", "configMapRef: { name: x }", "config map x"),
    ("worker.yaml", "limits: { memory: 384Mi }", "limits: { memory: 128Mi }", "128 were measured"),
    ("disruption.yaml", "component: worker", "component: workers", "selects no pod"),
    ("disruption.yaml", "maxUnavailable: 1", "minAvailable: 2", "budgets"),
    ("network.yaml", "policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]", "shuts everything"),
    ("network.yaml", "- { port: 9090 }", "- { port: 9090 }\n        - { port: 8000 }", "too many"),
    ("network.yaml", "{ kubernetes.io/metadata.name: monitoring }", "{}", "too many"),
    ("ingress.example.yaml", "/webhooks/eventship", "/webhooks/eventships", "no /webhooks/eventships"),
    ("ingress.example.yaml", "name: http", "name: health", "which is not there"),
    ("ingress.example.yaml", 'access-log: "false"', 'access-log: "true"', "out of the log"),
    ("autoscaling.example.yaml", "name: eventship-salesforce-api }", "name: api }", "scales nothing"),
    ("autoscaling.example.yaml", "sync_oldest_due", "sync_oldest_ready", "not all of them"),
    ("adapter-rules.example.yaml", "as: sync_oldest_due", "as: oldest_due", "not all of them"),
    ("monitoring.example.yaml", "port: health", "port: http", "the monitor reads /metrics at http"),
    ("monitoring.example.yaml", "jobLabel: app.kubernetes.io/component", "jobLabel: app", "job from app"),
    ("monitoring.example.yaml", "[api, worker]", "[api]", "does not read eventship-salesforce-worker"),
    ("kustomization.yaml", "  - network.yaml\n", "", "network.yaml is missing"),
    ("network.yaml", "namespace: eventship-salesforce", "namespace: default", "is in namespace default"),
    ("autoscaling.example.yaml", "autoscaling/v2", "autoscaling/v3", "no schema is stored"),
)  # fmt: skip
COMPOSE: tuple[Copy, ...] = (
    ("compose.yaml", "stop_grace_period: 40s\n  mem", "stop_grace_time: 40s\n  mem", "stop_grace_time"),
    ("compose.yaml", "stop_grace_period: 40s\n  mem", "stop_grace_period: 20s\n  mem", "20 s to stop"),
    ("compose.yaml", 'user: "10001"\n  pids', 'user: "1000"\n  pids', "the image's user is 10001"),
    ("compose.yaml", "read_only: true", "read_only: false", "may write its root"),
    ("compose.yaml", "mem_limit: 384m", "mem_limit: 128m", "192 MiB"),
    ("compose.yaml", "    mem_limit: 64m\n", "", "pgbouncer has no mem_limit"),
    ("compose.yaml", "  HEALTH_PORT:", "  HEALTHPORT:", "HEALTHPORT is no setting"),
    ("compose.yaml", 'SIMULATOR_HTTP: "true"', 'SIMULATOR_HTTP: "false"', "SIMULATOR_URL must be https"),
    ("compose.yaml", "    - webhook_secrets\n", "", "WEBHOOK_SECRETS_FILE names "),
    ("compose.yaml", "./secrets/userlist", "./secrets/users", "does not make"),
    ("compose.yaml", "  worker-2: *worker\n", "", "1 of worker, two are needed"),
    ("compose.yaml", '"127.0.0.1:8100:8100"', '"8100:8100"', "open to every network"),
    ("compose.yaml", "service_completed_successfully", "service_started", "waits for migrate"),
    ("compose.yaml", "./compose/nginx.sed", "./compose/nginx.set", "which is not there"),
    ("compose.yaml", "prometheus.yml:ro", "prometheus.yml", "may write"),
    ("compose.yaml", "  init: true", "  init: true\n  init: true", "init twice"),
    ("compose/prometheus.yml", ", worker-2:9090", "", "worker-2:9090 is not asked"),
    ("compose/prometheus.yml", "job_name: worker", "job_name: workers", "worker at worker-1:9090"),
    ("compose/nginx.sed", "api-2:8000", "api-2:8001", "does not lead to api-1:8000, api-2:8000"),
    ("compose/postgres-init.sql", "ROLE eventship_backup", "ROLE backup", "make eventship_backup"),
    ("nginx.conf", "/var/log/nginx/eventship.log", "/var/log/eventship.log", "is not in nginx.conf"),
)  # fmt: skip
UNITS: tuple[Copy, ...] = (
    ("eventship-salesforce-api@.service", "TimeoutStopSec=40s", "TimeoutStopSec=15s", "it takes up to 20"),
    ("eventship-salesforce-worker@.service", "HEALTH_PORT=%i", "HEALTHPORT=%i", "HEALTHPORT is no setting"),
    ("eventship-salesforce-worker@.service", "LoadCredential=redis_url:", "LoadCredential=redis:", "redis"),
    ("eventship-salesforce-worker@.service", "ProtectSystem=strict", "ProtectSystem=no", "ProtectSystem"),
    ("eventship-salesforce-api@.service", "MemoryMax=384M", "MemoryMax=128M", "MemoryMax is"),
    ("eventship-salesforce-migrate.service", "-salesforce migrate", "-salesforce migrations", "no role"),
    ("environment.example", "JWKS_URL=", "JWKS=", "JWKS is no setting"),
)  # fmt: skip


@cache
def image() -> Image:
    return Image.of((ROOT / "Dockerfile").read_text())


def broken(files: dict[str, str], copy: Copy) -> dict[str, str]:
    name, before, after, _ = copy
    assert before in files[name]
    return files | {name: files[name].replace(before, after)}


def named(copy: Copy) -> str:
    return f"{copy[0]}: {copy[2] or f'no {copy[1]}'}".replace("\n", " ")


def test_the_tree_itself_has_no_fault() -> None:
    assert list(deployment_faults(ROOT)) == []


@pytest.mark.parametrize("copy", KUBERNETES, ids=named)
def test_broken_manifests_are_found(copy: Copy) -> None:
    files = broken(texts_of(ROOT / "deploy/kubernetes"), copy)
    paths = frozenset(json.loads((ROOT / "openapi/openapi.json").read_text())["paths"])
    faults = list(Manifests(files, image(), paths).faults())
    assert any(copy[3] in fault for fault in faults), faults


@pytest.mark.parametrize("copy", COMPOSE, ids=named)
def test_broken_compose_files_are_found(copy: Copy) -> None:
    faults = list(Compose(broken(texts_of(ROOT / "deploy"), copy), image(), secret_file_names()).faults())
    assert any(copy[3] in fault for fault in faults), faults


@pytest.mark.parametrize("copy", UNITS, ids=named)
def test_broken_units_are_found(copy: Copy) -> None:
    faults = list(Units(broken(texts_of(ROOT / "deploy/systemd"), copy)).faults())
    assert any(copy[3] in fault for fault in faults), faults


def test_another_user_in_the_image_is_found() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text().replace("USER 10001", "USER 10002")
    paths = frozenset(json.loads((ROOT / "openapi/openapi.json").read_text())["paths"])
    files = texts_of(ROOT / "deploy/kubernetes")
    assert any("runAsUser" in fault for fault in Manifests(files, Image.of(dockerfile), paths).faults())
