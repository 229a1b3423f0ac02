"""deploy/compose.yaml: against the Compose specification, the files beside it and the code."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import yaml

from app.infrastructure.database_roles import ROLES
from devtools.deployment_secrets import MAKERS
from devtools.local_stack.secrets import JWKS_FILE
from tools.deployment.documents import Json, documents, schema_faults
from tools.deployment.processes import MEASURED_MEBIBYTES, Image, Process, mebibytes, seconds

FILE: Final = "compose.yaml"
SECRETS: Final = "/run/secrets"
PUBLIC: Final = {"nginx"}
"""May listen on every address of the machine; all others at most on its own."""
VARIABLE: Final = re.compile(r"\$\{\w+:-([^}]*)\}")
TWO_OF: Final = ("api", "worker")
SED: Final = re.compile(r"s\|(.*?)\|(.*)\|")


@dataclass(frozen=True)
class Compose:
    """The file and those that it mounts, by their path below deploy/."""

    files: Mapping[str, str]
    image: Image
    made_secrets: frozenset[str]

    def faults(self) -> Iterator[str]:
        """What is wrong, a line for each."""
        try:
            [document] = documents(self.files[FILE])
        except yaml.YAMLError as error:
            yield f"{FILE}: {' '.join(str(error).split())}"
            return
        found = [f"{FILE}: {fault}" for fault in schema_faults("compose", document)]
        yield from found or (f"{FILE}: {fault}" for rule in RULES for fault in rule(self))

    @cached_property
    def document(self) -> Json:
        [document] = documents(self.files[FILE])
        return document

    @property
    def services(self) -> dict[str, Json]:
        services: dict[str, Json] = self.document["services"]
        return services

    @cached_property
    def processes(self) -> dict[str, Process]:
        """The services that run our image."""
        return {
            name: Process(
                name, " ".join(service["command"]), dict(self.image.env) | _environment(service),
                seconds(service.get("stop_grace_period")),
                {f"{SECRETS}/{each}" for each in service["secrets"]},
            )
            for name, service in self.services.items()
            if service.get("image", "").startswith("eventship-salesforce:")
        }  # fmt: skip


def processes_as_the_code_wants_them(all_: Compose) -> Iterator[str]:
    for process in all_.processes.values():
        yield from process.faults()
    roles = [process.role for process in all_.processes.values()]
    yield from (f"{roles.count(role)} of {role}, two are needed" for role in TWO_OF if roles.count(role) < 2)


def services_are_bounded(all_: Compose) -> Iterator[str]:
    for name, service in all_.services.items():
        lacking = [key for key in ("mem_limit", "cpus", "stop_grace_period", "logging") if key not in service]
        yield from (f"{name} has no {key}" for key in lacking)
        if not service.get("read_only") or service.get("cap_drop") != ["ALL"]:
            yield f"{name} may write its root, or keeps capabilities"
        process = all_.processes.get(name)
        needed = 1.5 * MEASURED_MEBIBYTES.get(process.role, 0) if process else 0
        if mebibytes(service.get("mem_limit")) < needed:
            yield f"{name} has {service.get('mem_limit')} of memory, {needed:g} MiB are needed"
        if process is not None and service.get("user") != str(all_.image.user):
            yield f"{name} runs as {service.get('user')}, the image's user is {all_.image.user}"


def services_are_looked_at(all_: Compose) -> Iterator[str]:
    """By a check of their own, where no image of ours brings one."""
    ours = ("eventship-salesforce:", "eventship-salesforce-simulator:")
    for name, service in all_.services.items():
        has_own = service.get("image", "").startswith(ours)
        if "healthcheck" not in service and not has_own:
            yield f"{name} has no health check"
        for needed, how in service.get("depends_on", {}).items():
            ends = all_.services[needed].get("restart") == "no" if needed in all_.services else None
            right = "service_completed_successfully" if ends else "service_healthy"
            if ends is None or how["condition"] != right:
                yield f"{name} waits for {needed}: {how['condition']}"


def secrets_are_there(all_: Compose) -> Iterator[str]:
    defined = {name: each["file"] for name, each in all_.document["secrets"].items()}
    used = {each for service in all_.services.values() for each in service.get("secrets", [])}
    yield from (
        f"secret {name} is used and not defined, or defined and not used" for name in used ^ set(defined)
    )
    for name, file in defined.items():
        if Path(file).parts[:1] != ("secrets",) or Path(file).name not in all_.made_secrets:
            yield f"secret {name} is {file}, which `make secrets` does not make"


def mounted_files_are_there(all_: Compose) -> Iterator[str]:
    for name, service in all_.services.items():
        for volume in service.get("volumes", []):
            source, _, rest = volume.partition(":")
            if source.startswith("./"):
                path = source.removeprefix("./")
                if not any(file == path or file.startswith(f"{path}/") for file in all_.files):
                    yield f"{name} mounts {source}, which is not there"
                if not rest.endswith(":ro"):
                    yield f"{name} may write {source}"
            elif source not in all_.document["volumes"]:
                yield f"{name} mounts {source}, which is no volume"


def only_nginx_is_public(all_: Compose) -> Iterator[str]:
    for name, service in all_.services.items():
        for port in service.get("ports", []):
            if name not in PUBLIC and not str(port).startswith("127.0.0.1:"):
                yield f"{name} is open to every network at {port}"


def prometheus_asks_every_process(all_: Compose) -> Iterator[str]:
    [config] = documents(all_.files["compose/prometheus.yml"])
    jobs = config["scrape_configs"]
    asked = {
        f"{job['job_name']} at {target}"
        for job in jobs
        for each in job["static_configs"]
        for target in each["targets"]
    }
    # `job` is the role: the alerts in deploy/prometheus say so.
    there = {
        f"{each.role} at {name}:{each.health_port}"
        for name, each in all_.processes.items()
        if each.role in TWO_OF
    }
    yield from (f"Prometheus: {target} is not asked, or not there" for target in sorted(asked ^ there))


def changes_of_examples_hit(all_: Compose) -> Iterator[str]:
    """Each line of a sed file changes something in its example, and nginx gets every API."""
    for script, example in EXAMPLES.items():
        patterns = SED.findall(all_.files[script])
        missed = [before for before, _ in patterns if not re.search(before, all_.files[example])]
        yield from (f"{script}: {each} is not in {example}" for each in missed)
    apis = {f"{name}:{each.env['PORT']}" for name, each in all_.processes.items() if each.role == "api"}
    if (
        set(re.findall(r"server (\S+)(?: max_fails=0)?;", all_.files["compose/nginx.sed"]))
        - {r"127\.0\.0\.1:8000"}
        != apis
    ):
        yield f"compose/nginx.sed does not lead to {', '.join(sorted(apis))}"


def first_sql_makes_every_role(all_: Compose) -> Iterator[str]:
    """Since the owner's login may not make one."""
    text = all_.files["compose/postgres-init.sql"]
    for role in ROLES:
        if f"CREATE ROLE {role} NOLOGIN" not in text or len(re.findall(rf"{role}\b", text)) < 3:
            yield f"compose/postgres-init.sql does not make {role}, or nobody may take it"


def _environment(service: Json) -> dict[str, str]:
    given: dict[str, Any] = service.get("environment", {})
    return {name: VARIABLE.sub(lambda found: found[1], str(value)) for name, value in given.items()}


def secret_file_names() -> frozenset[str]:
    """What `make secrets` makes."""
    return frozenset(MAKERS) | {JWKS_FILE}


EXAMPLES: Final = {"compose/nginx.sed": "nginx.conf", "compose/pgbouncer.sed": "pgbouncer.ini"}
RULES: Final[tuple[Callable[[Compose], Iterator[str]], ...]] = (
    processes_as_the_code_wants_them,
    services_are_bounded,
    services_are_looked_at,
    secrets_are_there,
    mounted_files_are_there,
    only_nginx_is_public,
    prometheus_asks_every_process,
    changes_of_examples_hit,
    first_sql_makes_every_role,
)
