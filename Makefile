# Two commands do everything on a fresh machine with Python and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MADE := $(VENV)/.made

.PHONY: help env browser web-runtime demo docs translations test test-fast torture audit lint format package release clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

env: $(MADE)  ## the pinned environment in .venv; made again only when the pins change

$(MADE): pyproject.toml constraints.txt
	@echo "Making the environment in $(VENV) (once; PyTorch and its libraries take some gigabytes) ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

# Without a browser, nginx, Node and Java their tests are skipped; in CI they fail, so there what is missing is installed.
browser: $(MADE)
	@if [ -n "$$CI" ] && command -v apt-get >/dev/null; then \
		missing=""; \
		command -v chromium >/dev/null || missing="$$missing chromium"; \
		test -x /usr/sbin/nginx || missing="$$missing nginx"; \
		command -v npm >/dev/null || missing="$$missing nodejs npm"; \
		command -v java >/dev/null || missing="$$missing default-jre-headless"; \
		if [ -n "$$missing" ]; then \
			echo "Installing$$missing for their tests ..."; \
			apt-get update -qq; \
			for one in $$missing; do apt-get install -y -qq $$one >/dev/null || true; done; \
		fi; \
	fi
	@if [ -n "$$CI" ] && command -v npm >/dev/null; then $(MAKE) --no-print-directory web-runtime; fi

# 36 MB from npm
web-runtime: $(VENV)/onnxruntime-web  ## ONNX Runtime for browsers, for the tests of `convlens export --to browser`

$(VENV)/onnxruntime-web: Makefile | $(MADE)
	cd $(VENV) && rm -rf onnxruntime-web onnxruntime-web.partial && npm pack --silent onnxruntime-web@1.30.0 >/dev/null && \
		mkdir -p onnxruntime-web.partial && \
		tar -xzf onnxruntime-web-1.30.0.tgz -C onnxruntime-web.partial --strip-components=1 package/package.json package/dist && \
		rm onnxruntime-web-1.30.0.tgz && mv onnxruntime-web.partial onnxruntime-web

demo: $(MADE)  ## real solar cells: from pictures to a detector, its figures and a prediction
	$(BIN)/python examples/solar_cells.py

test: $(MADE) browser lint  ## lint, types and the whole suite
	$(BIN)/python -m pytest

test-fast: $(MADE)  ## what needs no trained network: two minutes, before each commit
	$(BIN)/python -m pytest -m 'not trains'

docs: $(MADE)  ## the documentation as a site, English and Chinese, in build/docs
	$(BIN)/python -m sphinx -q -W --keep-going -d build/doctrees/en docs build/docs
	$(BIN)/python -m sphinx -q -W --keep-going -d build/doctrees/zh_CN -D language=zh_CN docs build/docs/zh_CN
	@echo "build/docs/index.html"

translations: $(MADE)  ## bring the catalogues in docs/locale up to date with the pages
	$(BIN)/python -m sphinx -q -b gettext -D nb_execution_mode=off -d build/doctrees/gettext docs build/gettext
	$(BIN)/python docs/update_catalogues.py build/gettext

torture: $(MADE)  ## kills, faults and fuzzing at full count
	$(BIN)/python torture/kills.py
	$(BIN)/python torture/faults.py
	$(BIN)/python torture/fuzz.py

audit:  ## known weaknesses of what the pins install, by pip-audit
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip install --quiet pip-audit
	$(VENV)-audit/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip
	rm -rf $(VENV)-audit

lint: $(MADE)  ## ruff, mypy (strict) and the one-way arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(MADE)  ## format the code
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

package: $(MADE)  ## the wheel, in dist/
	rm -rf build/lib build/bdist.*
	$(BIN)/python -m build --wheel

release:  ## sdist and wheel of a tag in dist/, checked; what is left to sign off
	$(PYTHON) -m venv $(VENV)-release
	$(VENV)-release/bin/python -m pip install --quiet --disable-pip-version-check build twine cffconvert
	$(VENV)-release/bin/python .ci/release.py
	rm -rf $(VENV)-release

clean:  ## remove the environment and everything built
	rm -rf $(VENV) $(VENV)-release $(VENV)-audit build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
