# Everything runs in a virtual environment of its own, .venv, made on first use.
# It needs Python 3.11 or newer, and nothing else: PostgreSQL comes as a package.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

# The first makes the log that all of them begin with.
LOG_FAULTS := $(addprefix tests/faults/test_,log_long.py log_race.py log_order.py log_crowd.py \
  log_kill.py log_histories.py log_soak.py conditions.py streams_race.py subscription_kill.py \
  partitions_under_load.py)

.DEFAULT_GOAL := help
.PHONY: help demo test test-faults test-soak test-million check docs bench bench-peers format clean

help:  ## Show this list
	@echo "make TARGET, where TARGET is"
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/ready  ## Run a crew of agents on this machine's packages, and audit what they did
	@$(BIN)/eventstore demo

test: $(VENV)/ready  ## Run the tests
	@$(BIN)/pytest -n 2 --dist worksteal

test-faults: $(VENV)/ready  ## Run the long tests: kills, cuts and races
	@$(BIN)/pytest -m faults --timeout 900 -n 2 --dist worksteal

test-soak: $(VENV)/ready  ## Run the soak: twenty minutes of random faults, a million events
	@SOAK_SECONDS=1200 $(BIN)/pytest -s -m faults tests/faults/test_log_soak.py

test-million: $(VENV)/ready  ## Run the races, orders and faults of the log on a million events
	@PROOF_EVENTS=1000000 $(BIN)/pytest -s -m faults --timeout 900 $(LOG_FAULTS)

check: $(VENV)/ready  ## Check style, types, released events, import directions and migration drift
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/eventstore schema check --golden tests/golden/events
	@$(BIN)/pytest -q tests/unit/test_imports.py tests/migration/test_drift.py

docs: $(VENV)/ready  ## Make docs/reference from the database's comments and the event classes
	@home=$$(mktemp -d) && export EVENTSTORE_HOME=$$home DATABASE_URL= EVENTSTORE_DATABASE_URL= && \
	  trap '$(BIN)/eventstore db down; rm -rf "$$home"' EXIT && \
	  $(BIN)/eventstore docs schema --out docs/reference && \
	  $(BIN)/eventstore schema events --out docs/reference/events

bench: $(VENV)/bench-ready  ## Measure, beside floors and peers, into docs/benchmarks.md: half an hour
	@$(BIN)/python -m benchmarks

bench-peers: $(VENV)/bench-ready  ## Measure the log beside other event stores, from their registries
	@$(BIN)/python -m benchmarks logs

format: $(VENV)/ready  ## Put the code into shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:  ## Remove the virtual environment and all caches
	rm -rf $(VENV) dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/ready: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed, $(PYTHON) is older or missing:" \
	       "make PYTHON=/path/to/python3.13 ..." >&2; exit 1; }
	@echo "Making $(VENV) ..." >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --constraint requirements.lock --editable ".[dev]"
	@touch $@

$(VENV)/bench-ready: $(VENV)/ready
	@$(BIN)/pip install --quiet --constraint requirements.lock --editable ".[dev,bench]"
	@touch $@
