# Everything is set up in .venv: Python 3.11 or later, make and a network for pip are all that is needed.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test generate check verify certify bench docs clean

.venv/ready: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e ".[test,examples]"
	touch .venv/ready

setup: .venv/ready

demo: setup
	$(BIN)/symloss generate
	$(BIN)/python examples/run_all.py

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/symloss check
	$(BIN)/python -m pytest -n 2 -rs

generate: setup
	$(BIN)/symloss generate

check: setup
	$(BIN)/symloss check

verify: setup
	$(BIN)/symloss verify

# The worst errors of all kernels and of other libraries: certificates, README and pages.  Takes hours; with --own, of symloss alone; as many at once as there are cores.
certify: setup
	$(BIN)/python -m pip install --quiet -e ".[certify,peers]"
	$(BIN)/symloss certify --readme README.md

# Speed beside other libraries: benchmarks/results.json, the plot, the README.  Takes half an hour, on an idle machine.
bench: setup
	$(BIN)/python -m pip install --quiet -e ".[peers,examples]"
	$(BIN)/python -m benchmarks.run --all
	$(BIN)/python -m benchmarks.cold

docs: setup
	$(BIN)/symloss docs --pdf

clean:
	rm -rf .venv build
