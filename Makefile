# Everything a person does here is a target. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8081
STORE ?= sqlite:///data/registry.db
WORKERS ?= 1
JOBS ?= 2
BENCH ?=
PEER_URL ?=
PEER_PID ?=
MINUTES ?= 1
FORMAT ?= all
KIND ?= all
SEED ?=
CASES ?=
TARGETS ?=
LOCK := requirements-dev.lock
# The floor of `make coverage`, in percent.
COVERAGE ?= 85

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | sort | awk 'BEGIN {FS = ":.*?## "} {printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: venv
venv: $(VENV)/.test-stamp ## the virtual environment with the package and what the tests need

# The stamps record what was installed: a change of pyproject.toml or of the lock file installs again.
$(VENV)/.test-stamp: pyproject.toml $(LOCK)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) -e '.[all]' --group test
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.quality-stamp: $(VENV)/.test-stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) --group quality
	@touch $@

$(VENV)/.bench-stamp: $(VENV)/.test-stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) --group bench
	@touch $@

# Through the environment: the process list shows the arguments of every command.
.PHONY: serve
serve: export LSR_STORE = $(STORE)
serve: venv ## run the registry on the embedded store (HOST, PORT, STORE, WORKERS)
	@mkdir -p data
	$(BIN)/lsr serve --host $(HOST) --port $(PORT) --workers $(WORKERS)

.PHONY: demo
demo: venv ## the registry at work: a catalogue, a safe and an unsafe change, a real client
	$(BIN)/lsr demo

.PHONY: test
test: venv ## every test
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

.PHONY: check
check: lint types venv ## before a commit: style, layering, types, and the tests that are fast and start nothing
	$(BIN)/python -m pytest -n $(JOBS) -m 'not slow and not services' tests/unit

.PHONY: coverage
coverage: venv ## the tests that run in one process, with the share of branches they cover, and its floor
	$(BIN)/python -m pytest -n $(JOBS) tests/unit --cov --cov-report=term:skip-covered --cov-fail-under=$(COVERAGE)

.PHONY: lock
lock: $(VENV)/.test-stamp ## write the versions that development and CI install (requirements-dev.lock)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --upgrade \
		--all-extras --group dev --group bench pyproject.toml -o $(LOCK)

.PHONY: storm
storm: venv ## two nodes on one database, with kills: what is acknowledged stays (MINUTES)
	STORM_SECONDS=$$((60 * $(MINUTES))) $(BIN)/python -m pytest -s tests/acceptance/test_storm.py

.PHONY: largest
largest: venv ## definitions of nearly the largest size (4 MiB) through a server
	LARGEST_MIB=3.6 $(BIN)/python -m pytest tests/contract/test_largest_definitions.py

.PHONY: fuzz
fuzz: venv ## look for breaking changes that go undetected (MINUTES, FORMAT=avro|json|protobuf|all, KIND=random|recursive|exact|all, SEED, CASES)
	PYTHONPATH=tests $(BIN)/python -m property.fuzzing --format $(FORMAT) --kind $(KIND) --minutes $(MINUTES) \
		$(if $(SEED),--seed $(SEED)) $(if $(CASES),--cases $(CASES))

.PHONY: mutate
mutate: venv ## change the code that decides about compatibility, and see that a test notices (TARGETS="avro json")
	PYTHONPATH=tests $(BIN)/python -m mutation --jobs $(JOBS) $(TARGETS)

.PHONY: lint
lint: $(VENV)/.quality-stamp ## style and layering
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

.PHONY: types
types: $(VENV)/.quality-stamp ## strict types
	$(BIN)/mypy

.PHONY: format
format: $(VENV)/.quality-stamp ## rewrite the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: docs
docs: venv ## write the generated reference pages
	$(BIN)/python docs/generate.py

# A store or another registry is measured only if it is named: STORE has a value for `serve`.
.PHONY: bench
bench: $(VENV)/.bench-stamp ## measure this machine (BENCH="--only get-by-id --seconds 2", STORE, PEER_URL, PEER_PID)
	PEER_URL=$(PEER_URL) PEER_PID=$(PEER_PID) $(BIN)/python -m benchmarks \
		$(if $(filter command environment,$(firstword $(origin STORE))),--store '$(STORE)') $(BENCH)

.PHONY: clean
clean: ## remove what the targets made
	rm -rf $(VENV) build dist site data .pytest_cache .mypy_cache .ruff_cache .hypothesis
