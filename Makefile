# Two commands do everything on a fresh machine with Python and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MADE := $(VENV)/.made

.PHONY: help env demo test lint format package clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

env: $(MADE)  ## the pinned environment in .venv; made again only when the pins change

$(MADE): pyproject.toml constraints.txt
	@echo "Making the environment in $(VENV) (once; PyTorch and its libraries take some gigabytes) ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(MADE)  ## real solar cells: from pictures to a detector, its figures and a prediction
	$(BIN)/python examples/solar_cells.py

test: $(MADE) lint  ## lint, types and the whole suite
	$(BIN)/python -m pytest

lint: $(MADE)  ## ruff, mypy (strict) and the one-way arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(MADE)  ## format the code
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

package: $(MADE)  ## the wheel, in dist/
	$(BIN)/python -m build --wheel

clean:  ## remove the environment and everything built
	rm -rf $(VENV) build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache
