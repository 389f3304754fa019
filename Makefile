# `make` prints this help. Every target prepares the environment it needs in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := test,check,docs,bench
.DEFAULT_GOAL := help
.PHONY: help demo quick test check bench validate studies docs clean

help: ## print this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(VENV)/.runtime: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.full: pyproject.toml $(VENV)/.runtime
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	@touch $@

demo: $(VENV)/.runtime ## analyse the bundled recordings of real loops; the last line is the report's path
	@$(BIN)/loopstat demo

quick: $(VENV)/.full ## run the tests that take no more than a moment each
	$(BIN)/python -m pytest -n 2 -m "not slow"

test: $(VENV)/.full ## run the test suite
	$(BIN)/python -m pytest -n 2

check: $(VENV)/.full ## lint and type-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.full ## measure speed beside peers and print the table
	$(BIN)/python -m benchmarks

validate: $(VENV)/.full ## simulate: recovery, coverage and size of everything claimed (slow), written to docs/validation*.md
	$(BIN)/python -m benchmarks.validate
	$(BIN)/python -m benchmarks.stopping

studies: $(VENV)/.full ## judge published claims, by simulation and on recordings in ../shared/data, written to docs/
	$(BIN)/python -m studies.claims --write docs/claims.md
	$(BIN)/python -m studies.score_power --write docs/score_power.md
	$(BIN)/python -m studies.sj2025

docs: $(VENV)/.full ## build the documentation into site/
	$(BIN)/python docs/build.py
	$(BIN)/python docs/gallery.py
	$(BIN)/mkdocs build --strict --quiet

clean: ## remove the environment and everything built
	rm -rf $(VENV) site dist .pytest_cache .mypy_cache .ruff_cache loopstat-demo
