.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# uv is quicker where it is; pip does the same.
UV := $(shell command -v uv 2>/dev/null)
ifdef UV
PIP := $(UV) pip install -q --python $(BIN)/python
else
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check
endif

.PHONY: help install install-dev demo tour test test-all chaos bench lint format types lock migration clean

help: ## show what can be done here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "同行 needs Python 3.11 or newer: set PYTHON, e.g. make PYTHON=python3.12 demo" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "Python has no venv here: on Debian, apt-get install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/installed: $(VENV)/made requirements.lock pyproject.toml
	@echo "installing what the program needs …"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	@echo "installing what the tests need …"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

install: $(VENV)/installed ## make the virtual environment and install the locked requirements

install-dev: $(VENV)/installed-dev ## the same, with what the tests need

demo: install ## try it: WeChat in a box, phones, a clock that can be moved
	@$(BIN)/tongxing demo

tour: install ## play the whole story by itself and print it
	@$(BIN)/tongxing demo --tour

test: install-dev ## the tests (a few minutes)
	@$(BIN)/python -m pytest -n 2 -m "not slow"

test-all: install-dev ## the tests, the long ones too
	@HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -n 2

chaos: install-dev ## kill processes among thousands of messages and at every point of a red case, and count (some minutes)
	@$(BIN)/python -m pytest -s -m chaos

bench: install ## measure delivery, escalation and the console's pages, each beside the least that could do the same (seven minutes)
	@$(BIN)/tongxing bench delivery
	@$(BIN)/tongxing bench escalation
	@$(BIN)/tongxing bench pages

lint: install-dev ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: install-dev ## let ruff put the code in order
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: install-dev ## mypy, strict
	@$(BIN)/mypy

lock: ## write the lock files anew (needs uv)
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra build pyproject.toml -o requirements.lock
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra build --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

migration: install-dev ## write a migration from the models: make migration m="what changes"
	@rm -f var/migration.db && mkdir -p var
	@$(BIN)/python -c "from app import migrations as m; u = 'sqlite+aiosqlite:///var/migration.db'; m.migrate(u); m.revise(u, '$(m)')"

clean: ## forget the virtual environment and everything made here
	@rm -rf $(VENV) var build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
