# Two commands matter: `make demo` and `make test`. Both set up their own .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check
SERVE ?= 1
DEMO ?= demo
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: help demo test test-fast check bench soak test-labelstudio clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       set up, run three rounds on the built-in corpus, serve the correction page (SERVE=0: end instead)"
	@echo "make test       set up, run every test"
	@echo "make test-fast  the tests that take under two minutes"
	@echo "make check      format, lint, which room imports which, types"
	@echo "make test-labelstudio  the bridge against a real Label Studio, installed into .venv-labelstudio"
	@echo "make soak       a thousand kills at random moments, 100,000 requests, 160,000 damaged files (about two hours)"
	@echo "make bench      the benchmarks (minutes to hours; figures in benchmarks/README.md)"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "spanloop needs Python 3.10 or newer: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# one stamp a set of extras, so that the demo does not wait for the test tools
$(VENV)/.ready-%: pyproject.toml constraints.txt $(BIN)/python
	$(PIP) install --quiet --constraint constraints.txt --editable ".[$*]"
	@touch $@

demo: $(VENV)/.ready-offline
	$(BIN)/spanloop demo $(DEMO) $(if $(filter 0,$(SERVE)),--no-serve,)

test: $(VENV)/.ready-test
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-fast: $(VENV)/.ready-test
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not browser"

# lint-imports and mypy read a built and installed copy: what users get, not the source tree
check: $(VENV)/.ready-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	rm -rf build/check && $(PIP) install --quiet --no-deps --target build/check .
	PYTHONPATH=build/check $(BIN)/lint-imports pyproject.toml --no-cache
	cd build/check && MYPYPATH=. ../../$(BIN)/mypy --config-file ../../pyproject.toml \
	  -p spanloop.plugin -p spanloop.recipes -p spanloop.store

bench: $(VENV)/.ready-test
	$(BIN)/python benchmarks/replay.py $${SPANLOOP_DATA:-../shared/data}/wnut17

# a real Label Studio pins half of PyPI, so it lives in a virtual environment of its own (about 1 GB)
LABELSTUDIO := .venv-labelstudio
$(LABELSTUDIO)/.ready:
	$(PYTHON) -m venv $(LABELSTUDIO)
	$(LABELSTUDIO)/bin/pip --disable-pip-version-check install --quiet label-studio==1.23.2
	@touch $@

test-labelstudio: $(VENV)/.ready-test $(LABELSTUDIO)/.ready
	SPANLOOP_LABEL_STUDIO=$(LABELSTUDIO)/bin/label-studio $(BIN)/python -m pytest -n 0 -v tests/labelstudio_real

# at least 1,000 processes killed at random moments, 100,000 requests to the page, 20,000 damaged files of each
# format; prints how many
soak: $(VENV)/.ready-test
	SPANLOOP_KILLS=1000 $(BIN)/python -m pytest -q tests/store/files/test_faults.py -s -k killed
	SPANLOOP_SOAK=100000 $(BIN)/python -m pytest -q -s tests/recipes/web/test_soak.py
	SPANLOOP_DAMAGED=20000 $(BIN)/python -m pytest -q -s tests/recipes/formats/test_damaged_files.py

clean:
	rm -rf $(VENV) $(LABELSTUDIO) build dist *.egg-info $(DEMO)
