# Needs Python >= 3.11 and make, nothing else. `make help` lists the targets.
SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
SIMULATOR_PORT ?= 8100
FAULT ?=
ORG ?=
T ?=
ADVISORIES ?=
STAMP := $(VENV)/installed
SIMULATOR := packages/salesforce-simulator
PYTHON := $(shell for candidate in python3.13 python3.12 python3.11 python3; do \
	$$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$candidate && break; done)

# A lock names everything. An older pip resolves extras past the lock as soon as a newer release appears, so pip resolves nothing.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps

# The console is built where a Node that can do it is at hand; everything else goes without.
NODE := $(shell node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null && command -v npm)
CONSOLE := web/dist/built
CONSOLE_SOURCES := $(shell find web/src web/public web/tools web/*.json web/*.ts -type f 2>/dev/null)

.PHONY: client abuse alarms outage secrets test-postgres15 upgrade dist licences everything package image browser audit sbom lock web help \
	setup run smoke test check format migrate openapi bench chaos clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv and install everything into it, by hash

$(STAMP): requirements-dev.lock pyproject.toml $(SIMULATOR)/pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: none of python3.13, python3.12, python3.11, python3 is" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@$(INSTALL) --no-build-isolation -e . -e $(SIMULATOR)
	@$(BIN)/python -m pip --disable-pip-version-check check >$(VENV)/pip-check || { cat $(VENV)/pip-check >&2; exit 1; }
	@touch $@

web:  ## build the console and the elements into web/dist; needs Node 20.19 or newer
	@test -n "$(NODE)" || { echo "Node 20.19 or newer, with npm, is needed to build the console" >&2; exit 1; }
	@$(MAKE) --no-print-directory $(CONSOLE)

$(CONSOLE): web/node_modules/.package-lock.json $(CONSOLE_SOURCES)
	@cd web && npm run --silent build
	@touch $@

web/node_modules/.package-lock.json: web/package-lock.json
	@echo "installing what builds the console"
	@cd web && npm ci --silent --omit=dev
	@touch $@

run: setup  ## start everything, connect, put 60 registrations into Salesforce, stay until Ctrl-C
	@if test -z "$(NODE)"; then echo "without its console: Node 20.19 or newer, with npm, would build it"; \
		else $(MAKE) --no-print-directory $(CONSOLE) || echo "without its console: it could not be built (make web)"; fi
	@PORT=$(PORT) SIMULATOR_PORT=$(SIMULATOR_PORT) $(BIN)/python -m devtools.demo run

smoke: setup  ## the same on fresh state, compared with what is expected; ORG=difficult|blocked FAULT=kill-worker|flush-valkey|reset-after-write
	@$(BIN)/python -m devtools.demo smoke $(if $(FAULT),--fault $(FAULT)) $(if $(ORG),--org $(ORG))

test: setup  ## all tests; T=tests/unit for some of them, COVERAGE=1 for branch coverage
	@$(if $(T),$(BIN)/pytest $(T),tests/in-two-halves $(BIN))

# As Debian 12 installs it. It is started on loopback by the tests, as somebody without rights; the system's own stays alone.
POSTGRES15 ?= /usr/lib/postgresql/15/bin

test-postgres15: setup  ## migrations, upgrade and engine on Postgres 15, the oldest that is supported; POSTGRES15=its programs
	@if test -x $(POSTGRES15)/initdb; \
		then LOCAL_POSTGRES_BIN=$(POSTGRES15) $(BIN)/pytest tests/upgrade tests/integration/cli tests/integration/sync; \
		else echo "left out: nothing ran on Postgres 15, $(POSTGRES15) has none (apt-get install postgresql-15)"; fi

check: setup  ## lint, types, import directions, migrations, OpenAPI, README, deploy/, Salesforce package
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tools.check
	@$(BIN)/python -m tests.capabilities
	@$(BIN)/python -m tests.orgs
	@if command -v promtool >/dev/null; then promtool check rules deploy/prometheus/*.yml >$(VENV)/promtool \
		&& promtool test rules deploy/prometheus/tests/*.yml >>$(VENV)/promtool 2>&1 || { cat $(VENV)/promtool >&2; exit 1; }; \
		else echo "left out: alert rules were not tested, promtool (package prometheus) would do it"; fi
	@if test -z "$(NODE)"; then echo "left out: salesforce/ was not converted, Node 20.19 or newer, with npm, would do it"; \
		elif $(MAKE) --no-print-directory salesforce/node_modules/.package-lock.json; then $(MAKE) --no-print-directory package; \
		else echo "left out: salesforce/ was not converted, what does it could not be installed"; fi
	@if test -z "$(NODE)"; then echo "left out: openapi.json was not linted, Node 20.19 or newer, with npm, would do it"; \
		elif $(MAKE) --no-print-directory openapi/node_modules/.package-lock.json; then $(MAKE) --no-print-directory client; \
		else echo "left out: openapi.json was not linted, what does it could not be installed"; fi

client: openapi/node_modules/.package-lock.json  ## lint openapi.json, and compile a client that is made of it
	@cd openapi && npm run --silent check

openapi/node_modules/.package-lock.json: openapi/package-lock.json
	@echo "installing what checks openapi.json"
	@cd openapi && npm ci --silent --ignore-scripts
	@touch $@

package: salesforce/node_modules/.package-lock.json  ## check the Salesforce package's source with Salesforce's own library
	@cd salesforce && npm run --silent check

salesforce/node_modules/.package-lock.json: salesforce/package-lock.json
	@echo "installing what checks the Salesforce package"
	@cd salesforce && npm ci --silent --ignore-scripts
	@touch $@

secrets: setup  ## make what deploy/compose.yaml reads, in deploy/secrets; what is there stays; NAME=salesforce.example.com
	@$(BIN)/python -m devtools.deployment_secrets $(NAME)

# uv resolves for every Python and system at once; it runs apart, so nothing of it is installed beside the service.
LOCK := $(VENV)-lock/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --quiet $(if $(UPGRADE),--upgrade)

image: setup  ## carry out the Dockerfile without a daemon, and start each of the image's roles
	@$(BIN)/python -m tests.setup.image

audit: setup  ## does an advisory name a dependency? ADVISORIES=file or directory of OSV records, else pip-audit
	@$(BIN)/python -m tools.dependencies audit "$(ADVISORIES)"

licences: setup  ## the licence of each package of the service
	@$(BIN)/python -m tools.licences

sbom: setup  ## write sbom.cdx.json: what the locks name, as CycloneDX
	@$(BIN)/python -m tools.dependencies sbom >sbom.cdx.json

dist: setup  ## build the wheels of service and simulator into dist/, and look that nothing is missing in them
	@rm -rf dist build $(SIMULATOR)/build
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w dist . ./$(SIMULATOR)
	@rm -rf build $(SIMULATOR)/build
	@$(BIN)/python -m tools.release wheels dist

lock:  ## remake the locks after pyproject.toml changed; UPGRADE=1 takes newer releases
	@test -n "$(PYTHON)" && $(PYTHON) -m venv $(VENV)-lock
	@$(VENV)-lock/bin/python -m pip install --quiet --disable-pip-version-check --no-input "uv>=0.5"
	@$(LOCK) pyproject.toml -o requirements.lock
	@$(LOCK) pyproject.toml $(SIMULATOR)/pyproject.toml --extra dev --extra local --extra simulator \
		-c requirements.lock -o requirements-dev.lock
	@$(LOCK) $(SIMULATOR)/pyproject.toml -c requirements-dev.lock -o $(SIMULATOR)/requirements.lock
	@$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["bench"], sep="\n")' \
		>$(VENV)-lock/bench.in
	@$(LOCK) $(VENV)-lock/bench.in -c requirements-dev.lock -o requirements-bench.lock
	@rm -rf $(VENV)-lock

format: setup  ## sort imports, fix what can be fixed, format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

migrate: setup  ## bring DATABASE_URL to the newest schema
	@$(BIN)/eventship-salesforce migrate

openapi: setup  ## write openapi/openapi.json, and the console's types of it where Node is
	@$(BIN)/eventship-salesforce openapi --write
	@test -z "$(NODE)" || node web/tools/types.mjs --write

bench: $(VENV)/bench-installed  ## measure side by side and judge the aims; ONLY=calls,intake SIZE=short
	@$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY)) $(if $(SIZE),--size $(SIZE))

$(VENV)/bench-installed: $(STAMP) requirements-bench.lock
	@$(INSTALL) --require-hashes -r requirements-bench.lock
	@$(BIN)/python -m pip --disable-pip-version-check check >$(VENV)/pip-check || { cat $(VENV)/pip-check >&2; exit 1; }
	@touch $@

chaos: setup  ## break things by a seed and count; SEEDS=1-3 SCENARIO=kill-workers|T1 SIZE=short|normal|large PACKAGE=1
	@test -n "$(filter T15 T22,$(SCENARIO))" || SEEDS=$(SEEDS) SCENARIO=$(SCENARIO) SIZE=$(SIZE) PACKAGE=$(PACKAGE) $(BIN)/python -m chaos
	@test -n "$(filter-out T15,$(SCENARIO))" || $(BIN)/python -m chaos.refresh $(if $(filter short,$(SIZE)),--rounds 10 --kill-rounds 3)
	@test -n "$(filter-out T22,$(SCENARIO))" || $(BIN)/python -m chaos.notifications $(if $(filter short,$(SIZE)),--size short)

outage: setup  ## a bad hour in two minutes: what breaks, which alerts ring, which runbook cures it
	@$(BIN)/python -m chaos.alarms.outage

alarms: setup  ## ring each alert once by its fault, in a real Prometheus; ONLY="NoWorkers RedisAway" for some
	@$(BIN)/python -m chaos.alarms $(ONLY)

abuse: setup  ## attack a service on loopback for two minutes, and judge what other hosts felt
	@$(BIN)/python -m abuse $(ONLY)

upgrade: setup  ## from the release before to this one while webhooks come in, its processes beside ours where git has its tag
	@$(BIN)/python -m tests.upgrade

FAULTS := kill-worker flush-valkey reset-after-write

everything: setup  ## all that CI does and what takes longer: about two hours; each part tells its time
	@for part in check image test test-postgres15 upgrade smoke $(FAULTS:%=smoke\ FAULT=%) smoke\ ORG=difficult smoke\ ORG=blocked chaos\ SEEDS=1-3 alarms outage bench abuse browser; do \
		begun=$$(date +%s); $(MAKE) --no-print-directory $$part || exit 1; \
		echo "make $$part: $$(( $$(date +%s) - begun )) s"; done

browser: setup  ## the console and the elements in a real Chromium; skips itself, and says so, without Node or Chromium
	@web/browser-tests

clean:  ## remove local state, caches and .venv
	@test ! -x $(BIN)/python || $(BIN)/python -c 'from devtools.local_stack.local_services import *; LocalServices(Path(".local")).discard()'
	@rm -rf .local .venv web/dist web/node_modules salesforce/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* htmlcov *.egg-info $(SIMULATOR)/src/*.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
