"""The manifests of deploy/kubernetes: against Kubernetes' schemas, each other and the code."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import yaml

from tools.deployment.documents import Json, documents, kubernetes_faults
from tools.deployment.processes import (
    HEALTH_PATHS,
    MEASURED_MEBIBYTES,
    Image,
    Process,
    mebibytes,
)

NAMESPACE: Final = "eventship-salesforce"
OURS: Final = "eventship-salesforce"
KUSTOMIZATION: Final = "kustomization.yaml"
NO_MANIFESTS: Final = {KUSTOMIZATION, "adapter-rules.example.yaml", "monitoring.example.yaml"}
"""Files of programs that no Kubernetes schema knows."""
AGE_METRIC: Final = "sync_oldest_due_age_seconds"
ROLE_LABEL: Final = "app.kubernetes.io/component"
ACCESS_LOG: Final = "nginx.ingress.kubernetes.io/enable-access-log"
SIGN_INS: Final = "/oauth/"
BY_REGEX: Final = "nginx.ingress.kubernetes.io/use-regex"
POD_SECURITY: Final = {
    "securityContext.runAsNonRoot": True,
    "automountServiceAccountToken": False,
    "securityContext.seccompProfile.type": "RuntimeDefault",
}
CONTAINER_SECURITY: Final = {
    "securityContext.readOnlyRootFilesystem": True,
    "securityContext.allowPrivilegeEscalation": False,
    "securityContext.capabilities.drop": ["ALL"],
}
PROBES: Final = {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}


@dataclass(frozen=True)
class Manifests:
    """All of deploy/kubernetes, by file name, with what the rest of the tree says."""

    files: Mapping[str, str]
    image: Image
    api_paths: frozenset[str]
    read: dict[str, list[Json]] = field(default_factory=dict)

    def faults(self) -> Iterator[str]:
        """What is wrong, a line for each."""
        for name, text in self.files.items():
            try:
                self.read[name] = documents(text)
            except yaml.YAMLError as error:
                yield f"{name}: {' '.join(str(error).split())}"
        unfit = [f"{name}: {fault}" for name, found in self.manifests for fault in kubernetes_faults(found)]
        yield from unfit
        if not unfit and set(self.read) == set(self.files):
            yield from (fault for rule in RULES for fault in rule(self))

    @property
    def manifests(self) -> Iterator[tuple[str, Json]]:
        """Each document with the name of its file."""
        for name, found in self.read.items():
            if name not in NO_MANIFESTS:
                yield from ((name, document) for document in found)

    def of_kind(self, kind: str) -> list[Json]:
        return [document for _, document in self.manifests if document["kind"] == kind]

    @cached_property
    def pods(self) -> list[tuple[str, Json]]:
        """What makes pods, by name, with the pod's template."""
        makers = [*self.of_kind("Deployment"), *self.of_kind("Job")]
        return [(each["metadata"]["name"], each["spec"]["template"]) for each in makers]

    @cached_property
    def secrets(self) -> dict[str, set[str]]:
        """The keys of each secret."""
        return {each["metadata"]["name"]: set(each["stringData"]) for each in self.of_kind("Secret")}

    @cached_property
    def config(self) -> dict[str, dict[str, str]]:
        return {each["metadata"]["name"]: each["data"] for each in self.of_kind("ConfigMap")}


def of_one_namespace(all_: Manifests) -> Iterator[str]:
    for name, document in all_.manifests:
        about = document["metadata"]
        if about.get("namespace", about["name"]) != NAMESPACE:
            yield f"{name}: {document['kind']} {about['name']} is in namespace {about.get('namespace')}"
    listed = set(all_.read[KUSTOMIZATION][0]["resources"])
    there = {name for name in all_.files if ".example." not in name} - {KUSTOMIZATION}
    yield from (f"{KUSTOMIZATION}: {name} is missing or not there" for name in sorted(listed ^ there))


def secrets_without_values(all_: Manifests) -> Iterator[str]:
    for secret in all_.of_kind("Secret"):
        filled = [key for key, value in (secret["stringData"] | secret.get("data", {})).items() if value]
        yield from (f"secret {secret['metadata']['name']}: {key} has a value" for key in filled)


def processes_as_the_code_wants_them(all_: Manifests) -> Iterator[str]:
    for name, template in all_.pods:
        pod = template["spec"]
        for container in pod["containers"]:
            env, missing = _environment(all_, container)
            yield from (f"{name}: config map {each} is not there" for each in missing)
            files, lost = _secret_files(all_, pod, container)
            yield from (f"{name}: {each}" for each in lost)
            yield from Process(
                name, " ".join(container["args"]), dict(all_.image.env) | env,
                float(pod["terminationGracePeriodSeconds"]) - _sleep_before_stop(container), files,
            ).faults()  # fmt: skip
            yield from (f"{name}: {fault}" for fault in _port_faults(container, dict(all_.image.env) | env))


def _environment(all_: Manifests, container: Json) -> tuple[dict[str, str], list[str]]:
    maps = [each["configMapRef"]["name"] for each in container.get("envFrom", [])]
    env = {key: value for name in maps for key, value in all_.config.get(name, {}).items()}
    return env | {each["name"]: each["value"] for each in container.get("env", [])}, [
        name for name in maps if name not in all_.config
    ]


def _secret_files(all_: Manifests, pod: Json, container: Json) -> tuple[set[str], list[str]]:
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    files, lost = set(), []
    for volume in pod["volumes"]:
        if "secret" not in volume:
            continue
        secret = volume["secret"]
        keys = all_.secrets.get(secret["secretName"])
        if keys is None:
            lost.append(f"secret {secret['secretName']} is not there")
            continue
        items = secret.get("items", [{"key": key, "path": key} for key in keys])
        lost += [
            f"secret {secret['secretName']} has no {each['key']}" for each in items if each["key"] not in keys
        ]
        files |= {f"{mounts[volume['name']]}/{each['path']}" for each in items}
    return files, lost


def _sleep_before_stop(container: Json) -> float:
    """What a preStop hook takes of the grace."""
    return float(_at(container, "lifecycle.preStop.sleep.seconds") or 0)


def _port_faults(container: Json, env: Mapping[str, str]) -> Iterator[str]:
    ports = {each["name"]: each["containerPort"] for each in container.get("ports", [])}
    wanted = {"http": env.get("PORT")} if container["args"] == ["api"] else {}
    wanted |= {} if container["args"] == ["migrate"] else {"health": env.get("HEALTH_PORT")}
    for name in sorted({*ports, *wanted}):
        if str(ports.get(name)) != str(wanted.get(name)):
            yield f"port {name} is {ports.get(name)}, the process listens at {wanted.get(name)}"
    for probe, path in PROBES.items() if wanted else ():
        asked = _at(container, f"{probe}.httpGet")
        if asked is None or (asked["path"], asked["port"]) != (path, "health"):
            yield f"{probe} is not {path} at the health port"


def pods_are_locked_up(all_: Manifests) -> Iterator[str]:
    for name, template in all_.pods:
        pod = template["spec"]
        yield from _lacks(name, pod, POD_SECURITY | {"securityContext.runAsUser": all_.image.user})
        for container in pod["containers"]:
            yield from _lacks(name, container, CONTAINER_SECURITY)


def _lacks(name: str, found: Json, wanted: Mapping[str, Any]) -> Iterator[str]:
    for path, value in wanted.items():
        if _at(found, path) != value:
            yield f"{name}: {path} is {_at(found, path)}, not {value}"


def memory_fits_what_was_measured(all_: Manifests) -> Iterator[str]:
    for name, template in all_.pods:
        for container in template["spec"]["containers"]:
            needed = MEASURED_MEBIBYTES.get(" ".join(container["args"]), 0)
            request = mebibytes(_at(container, "resources.requests.memory"))
            limit = mebibytes(_at(container, "resources.limits.memory"))
            if not needed <= request <= limit or limit < 1.5 * needed:
                yield f"{name}: memory {request:g} to {limit:g} MiB, {needed} were measured"


def selectors_find_something(all_: Manifests) -> Iterator[str]:
    labels = [template["metadata"]["labels"] for _, template in all_.pods]
    for name, document in all_.manifests:
        for selector in _selectors(document):
            if not any(_selects(selector, each) for each in labels):
                yield f"{name}: {document['metadata']['name']} selects no pod"
    deployments = {each["metadata"]["name"]: each for each in all_.of_kind("Deployment")}
    for each in deployments.values():
        if not _selects(each["spec"]["selector"], each["spec"]["template"]["metadata"]["labels"]):
            yield f"{each['metadata']['name']}: its selector is not that of its own pods"
    for scaler in all_.of_kind("HorizontalPodAutoscaler"):
        if scaler["spec"]["scaleTargetRef"]["name"] not in deployments:
            yield f"{scaler['metadata']['name']} scales nothing that is there"


def _selectors(document: Json) -> Iterator[Json]:
    spec = document.get("spec", {})
    if document["kind"] == "Service":
        yield {"matchLabels": spec["selector"]}
    elif document["kind"] == "PodDisruptionBudget":
        yield spec["selector"]
    elif document["kind"] == "NetworkPolicy":
        yield spec["podSelector"]


def _selects(selector: Json, labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels", {})
    choices = [(each["key"], each["values"]) for each in selector.get("matchExpressions", [])]
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        labels.get(key) in values for key, values in choices
    )


def one_may_be_gone(all_: Manifests) -> Iterator[str]:
    """Two of each Deployment, and a budget that lets a node be emptied."""
    budgets = all_.of_kind("PodDisruptionBudget")
    for each in all_.of_kind("Deployment"):
        labels = each["spec"]["template"]["metadata"]["labels"]
        fitting = [budget for budget in budgets if _selects(budget["spec"]["selector"], labels)]
        if each["spec"]["replicas"] < 2 or len(fitting) != 1 or "maxUnavailable" not in fitting[0]["spec"]:
            yield f"{each['metadata']['name']}: {each['spec']['replicas']} replicas, {len(fitting)} budgets"


def health_port_stays_inside(all_: Manifests) -> Iterator[str]:
    """Only where a policy says who may; neither Service nor Ingress leads to it."""
    policies = all_.of_kind("NetworkPolicy")
    shut = [each for each in policies if each["spec"]["podSelector"] == {} and not _rules(each)]
    if not any({"Ingress", "Egress"} <= set(each["spec"]["policyTypes"]) for each in shut):
        yield "no network policy shuts everything first"
    for policy in policies:
        for rule in policy["spec"].get("ingress", []):
            name = policy["metadata"]["name"]
            if not rule.get("from") or not rule.get("ports"):
                yield f"network policy {name} lets everybody in, or to every port"
                continue
            ports = {each["port"] for each in rule["ports"]}
            if len(ports) > 1 or any(_is_open(peer) for peer in rule["from"]):
                yield f"network policy {name} opens {sorted(ports)} to too many"
    for service in all_.of_kind("Service"):
        yield from (
            f"service {service['metadata']['name']} leads to port {each['targetPort']}"
            for each in service["spec"]["ports"]
            if each["targetPort"] != "http"
        )


def _rules(policy: Json) -> list[Json]:
    return [*policy["spec"].get("ingress", []), *policy["spec"].get("egress", [])]


def _is_open(peer: Json) -> bool:
    """Whether it is more than the namespaces that it names."""
    return not _at(peer, "namespaceSelector.matchLabels")


def ingresses_lead_to_the_api(all_: Manifests) -> Iterator[str]:
    services = {each["metadata"]["name"]: each["spec"]["ports"] for each in all_.of_kind("Service")}
    for ingress in all_.of_kind("Ingress"):
        name = ingress["metadata"]["name"]
        is_regex = ingress["metadata"]["annotations"].get(BY_REGEX) == "true"
        for path in (path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]):
            backend = path["backend"]["service"]
            ports = {each["name"] for each in services.get(backend["name"], [])}
            if backend["port"]["name"] not in ports:
                yield f"ingress {name} leads to {backend}, which is not there"
            if path["pathType"] != "Prefix" and not _is_served(path["path"], all_.api_paths, is_regex):
                yield f"ingress {name}: the API has no {path['path']}"


def sign_ins_are_not_logged(all_: Manifests) -> Iterator[str]:
    """Their addresses carry tickets, states and codes, and the controller logs query strings."""
    unlogged = {
        path["path"]
        for ingress in all_.of_kind("Ingress")
        if ingress["metadata"]["annotations"].get(ACCESS_LOG) == "false"
        for rule in ingress["spec"]["rules"]
        for path in rule["http"]["paths"]
    }
    if SIGN_INS not in unlogged:
        yield f"no ingress keeps {SIGN_INS} out of the log"


def _is_served(path: str, served: frozenset[str], is_regex: bool) -> bool:
    pattern = re.compile(path if is_regex else re.escape(path))
    return any(pattern.fullmatch(re.sub(r"\{\w+\}", "x", each)) for each in served)


def age_metric_is_one(all_: Manifests) -> Iterator[str]:
    """What the autoscaler asks for is what the adapter calls it, and the monitor reads the health port."""
    [rules] = all_.read["adapter-rules.example.yaml"]
    named = {rule["name"]["as"] for rule in rules["externalRules"]}
    read = {rule["seriesQuery"].partition("{")[0] for rule in rules["externalRules"]}
    asked = {
        metric["external"]["metric"]["name"]
        for scaler in all_.of_kind("HorizontalPodAutoscaler")
        for metric in scaler["spec"]["metrics"]
        if metric["type"] == "External"
    }
    if not named == read == asked == {AGE_METRIC}:
        yield f"autoscaler {asked}, adapter {read} as {named}: not all of them are {AGE_METRIC}"
    [monitor] = all_.read["monitoring.example.yaml"]
    if monitor["spec"].get("jobLabel") != ROLE_LABEL:
        yield f"the monitor takes job from {monitor['spec'].get('jobLabel')}, the alerts know api and worker"
    for endpoint in monitor["spec"]["podMetricsEndpoints"]:
        if endpoint["port"] != "health" or endpoint["path"] not in HEALTH_PATHS:
            yield f"the monitor reads {endpoint['path']} at {endpoint['port']}"
    for name, template in all_.pods:
        is_read = _selects(monitor["spec"]["selector"], template["metadata"]["labels"])
        if is_read == name.endswith("migrate"):
            yield f"the monitor {'reads' if is_read else 'does not read'} {name}"


def _at(found: Any, path: str) -> Any:
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


RULES: Final[tuple[Callable[[Manifests], Iterator[str]], ...]] = (
    of_one_namespace,
    secrets_without_values,
    processes_as_the_code_wants_them,
    pods_are_locked_up,
    memory_fits_what_was_measured,
    selectors_find_something,
    one_may_be_gone,
    health_port_stays_inside,
    ingresses_lead_to_the_api,
    sign_ins_are_not_logged,
    age_metric_is_one,
)
