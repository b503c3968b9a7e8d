# Everything a person or CI does with this repository. `make` alone lists it.

PORT ?= 8000
VAR_DIR ?= $(CURDIR)/var
DAGSTER_PORT ?= 3000
# Tests mostly wait for processes of theirs: two beside each other take little more than half the time.
TESTS_AT_ONCE ?= 2
export PORT VAR_DIR

VENV := .venv
PY := $(VENV)/bin/python
RUN_STAMP := $(VENV)/.run-installed
DEV_STAMP := $(VENV)/.dev-installed
DEEP_STAMP := $(VENV)/.deep-installed
DAGSTER_VENV := .venv-dagster
DAGSTER_STAMP := $(DAGSTER_VENV)/.installed
WEB_STAMP := web/dist/.built
RELEASED := protos/released.binpb.gz
PROTOS := $(shell find protos -name '*.proto')
WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print 2>/dev/null | grep -v -e schema.d.ts -e openapi.json)
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do command -v $$p >/dev/null 2>&1 && { echo $$p; break; }; done)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help tools run setup protos web test test-python test-web test-e2e lint lint-protos release-image googleapis types format locks deep dictionary dagster bench evaluate-forecasts clean

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: setup ## Install, load the demo data, start everything (PORT=8000, VAR_DIR=var); Ctrl-C stops it
	@exec $(PY) -m deploy.local

setup: tools $(RUN_STAMP) protos/contracts.binpb $(WEB_STAMP) ## Install what `make run` needs and build the web app

protos: protos/contracts.binpb ## Generate the code of the contracts

web: $(WEB_STAMP) ## Build the web app

test: tools lint types test-python test-web ## Install what tests need, and run all of them

lint: $(DEV_STAMP) protos/contracts.binpb lint-protos ## Check style, layers and contracts
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/lint-imports

types: $(DEV_STAMP) protos/contracts.binpb ## Check types, strictly
	@$(VENV)/bin/mypy

lint-protos: googleapis ## Check the contracts' style, and that they break no client of the release before
	@$(VENV)/bin/buf lint
	@$(VENV)/bin/buf breaking --against $(RELEASED)

# The contracts as they were released. Renewed when a release is made, never to let a breaking change through.
release-image: googleapis ## Keep the contracts as those of a release, which later ones must not break
	@$(VENV)/bin/buf build --path protos --exclude-source-info -o $(RELEASED)

googleapis: $(DEV_STAMP)
	@mkdir -p build/googleapis/google/api
	@for name in annotations http httpbody; do \
	  cp "$$($(PY) -c 'import google.api as a; print(list(a.__path__)[0])')/$$name.proto" build/googleapis/google/api/; done

test-python: $(DEV_STAMP) protos/contracts.binpb $(WEB_STAMP) ## Run the Python tests, the browser test among them
	@$(PY) -m pytest -n $(TESTS_AT_ONCE) --no-loadscope-reorder --durations 30 -rs

test-web: $(WEB_STAMP) ## Check and test the web app
	@cd web && npm run --silent check && npm run --silent lint && npm run --silent test

format: $(DEV_STAMP) ## Format the Python code
	@$(VENV)/bin/ruff check --fix --quiet . ; $(VENV)/bin/ruff format .

locks: $(DEV_STAMP) ## Write the lock of every image anew (ARGS=--upgrade for newer versions)
	@requirements/compile.sh $(ARGS)

deep: $(DEEP_STAMP) ## Install what the LSTM and a pretrained model need: some hundreds of MB, on Linux with CUDA's libraries a few GB

dagster: $(DAGSTER_STAMP) protos/contracts.binpb ## Open the orchestrator's own pages: assets, runs, schedule, sensor
	@mkdir -p $(VAR_DIR)/dagster
	@DAGSTER_HOME=$(abspath $(VAR_DIR))/dagster $(DAGSTER_VENV)/bin/dagster dev -h 127.0.0.1 -p $(DAGSTER_PORT) -m pipeline.definitions

dictionary: $(RUN_STAMP) ## Write docs/data-dictionary.md from the contract
	@$(PY) -m shared.tables > docs/data-dictionary.md

bench: $(DEV_STAMP) protos/contracts.binpb ## Measure against TARGETS and print the ratios
	@$(PY) -m benchmarks.gateway

evaluate-forecasts: $(DEV_STAMP) protos/contracts.binpb ## Measure forecasts (DATA=folder; BENCH_PY=a Python with the peers)
	@$(or $(BENCH_PY),$(PY)) -m benchmarks.forecasts $(if $(DATA),--data $(DATA)) $(ARGS)

clean: ## Delete what was built and installed; VAR_DIR, the state, stays
	@rm -rf $(VENV) $(DAGSTER_VENV) build web/dist web/node_modules web/openapi.json web/src/api/schema.d.ts protos/contracts.binpb
	@find protos -name '*_pb2*.py*' -delete

# Before minutes of installing: are Python and, where the web app is still to be built, Node there?
tools:
	@[ -x $(PY) ] || deploy/local/require.sh python "$(PYTHON)"
	@[ -f $(WEB_STAMP) ] || deploy/local/require.sh node

# How each piece is made. A stamp is written last, so an interrupted step is done again.

$(VENV)/bin/python:
	@echo "==> Making the Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements/local.txt | $(VENV)/bin/python
	@echo "==> Installing the Python packages (a minute or two the first time)"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(DAGSTER_STAMP): requirements/orchestrator.txt
	@echo "==> Installing the orchestrator with its web pages in $(DAGSTER_VENV)"
	@$(PYTHON) -m venv $(DAGSTER_VENV)
	@$(DAGSTER_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# Its own dependencies in the versions of the locks, where those have them.
$(DEEP_STAMP): requirements/deep.txt | $(RUN_STAMP)
	@echo "==> Installing what the LSTM and a pretrained model need"
	@$(PY) -m pip install --quiet --disable-pip-version-check --constraint requirements/constraints.txt -r $<
	@touch $@

$(DEV_STAMP): requirements/dev.txt requirements/deep.txt | $(VENV)/bin/python
	@echo "==> Installing the Python packages with the test tools (some minutes the first time)"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@$(PY) -m pip install --quiet --disable-pip-version-check --constraint requirements/constraints.txt -r requirements/deep.txt
	@touch $@ $(RUN_STAMP) $(DEEP_STAMP)

protos/contracts.binpb: $(PROTOS) protos/generate.py | $(RUN_STAMP)
	@echo "==> Generating the contracts"
	@$(PY) -m protos.generate

web/node_modules/.package-lock.json: web/package-lock.json web/package.json
	@deploy/local/require.sh node
	@echo "==> Installing the web app's packages"
	@cd web && npm ci --silent --no-audit --no-fund
	@touch $@

$(WEB_STAMP): $(WEB_SOURCES) protos/contracts.binpb web/node_modules/.package-lock.json
	@echo "==> Building the web app"
	@$(PY) -m gateway openapi > web/openapi.json
	@cd web && npm run --silent generate && npm run --silent build
	@touch $@
