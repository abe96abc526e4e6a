# Three words to remember: make demo, make test, make check. `make bench` compares with other libraries,
# `make notebooks` runs the notebooks and saves what they show now.
# Everything they need is installed into .venv; nothing else on the machine is touched.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := coverage tests benchmarks

.PHONY: demo test check bench notebooks format clean

demo: $(VENV)/.installed
	$(BIN)/withinreach demo

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n auto --dist worksteal

check: $(VENV)/.installed-dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy

bench: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks.run
	$(BIN)/python -m benchmarks.population
	$(BIN)/python -m benchmarks.siting --out benchmarks
	$(BIN)/python -m benchmarks.scale
	$(BIN)/python -m benchmarks.browser

notebooks: $(VENV)/.installed-dev
	$(BIN)/python tests/notebook_runs.py

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

clean:
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

$(VENV)/.installed: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed pyproject.toml
	$(BIN)/python -m pip install --quiet --group test --group check
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed pyproject.toml
	$(BIN)/python -m pip install --quiet --group bench
	@touch $@
