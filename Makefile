# Two commands matter: `make demo` and `make test`. Both set up their own .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check
SERVE ?= 1
DEMO ?= demo
export HF_HUB_OFFLINE ?= 1
export TOKENIZERS_PARALLELISM ?= false
# the pip that comes with Python 3.10 would run seqeval's setup.py itself, which today's setuptools refuses
export PIP_USE_PEP517 := 1

.PHONY: help demo test test-fast test-models test-formats test-spacy-transformers test-lowest test-matrix check bench soak soak-clean \
  test-labelstudio life clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       set up, run three rounds on the built-in corpus, serve the correction page (SERVE=0: end instead)"
	@echo "make test       set up, run every test, then those of the component beside spacy-transformers"
	@echo "make test-fast  the tests that take under two minutes"
	@echo "make test-models  hundreds of tiny models of every make against transformers' pipeline; writes docs/models.md"
	@echo "make test-formats  every format out and in again, 500 drawn files each (minutes)"
	@echo "make check      format, lint, which room imports which, types"
	@echo "make test-spacy-transformers  the component and its training beside spacy-transformers (transformers 4.53.2)"
	@echo "make test-lowest  the fast tests with the lowest release of every package that pyproject.toml allows"
	@echo "make test-matrix  every test on Python 3.11, the fast ones on 3.10 and 3.13, an environment at a time"
	@echo "make test-labelstudio  the bridge against a real Label Studio, installed into .venv-labelstudio"
	@echo "make life       one project lives through ten rounds with every kind of change in between; the whole demo (minutes)"
	@echo "make soak       a thousand kills, full disks, 100,000 requests, two servers for ten minutes, 500 random sequences of hands (over two hours);"
	@echo "                parts that passed on this code are not run again (make soak-clean: forget them)"
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
	$(MAKE) test-spacy-transformers

test-fast: $(VENV)/.ready-test
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not browser"

# Each model leaves its result in build/models/; started again, only those are asked that have none for this code.
test-models: $(VENV)/.ready-test
	SPANLOOP_MODELS=all $(BIN)/python -m pytest -q -n 2 tests/models -k gives_what_the_pipeline
	cd tests && ../$(BIN)/python -m support.conformance.results

# The short form of it, 15 files a format and task, is in `make test`.
test-formats: $(VENV)/.ready-test
	SPANLOOP_CONFORMANCE=500 $(BIN)/python -m pytest -q -n 2 tests/conformance

# spacy-transformers holds transformers below 4.53.3, so it lives in a virtual environment of its own (about 2 GB).
# Here runs what can differ there: the model, the pipe and who shares its encoder, rounds that the other stack made.
OLDER := .venv-spacy-transformers
$(OLDER)/.ready: pyproject.toml constraints-spacy-transformers.txt
	$(PYTHON) -m venv $(OLDER)
	$(OLDER)/bin/pip --disable-pip-version-check install --quiet --constraint constraints-spacy-transformers.txt \
	  --editable ".[test,spacy-transformers]"
	@touch $@

test-spacy-transformers: $(OLDER)/.ready
	$(OLDER)/bin/python -m pytest -n 2 --dist loadfile -m "not slow or spacy_transformers" tests/plugin/model tests/plugin/pipe

# An environment is made, tested in and deleted. torch is heavy: 527 MB and CUDA's packages, where no CPU build is at hand.
BESIDE := build/environment
FAST := -m "not slow and not browser"
TESTED = $(BESIDE)/bin/python -m pytest -n 2 --dist loadfile $(1) && rm -rf $(BESIDE)
ALONE = rm -rf $(BESIDE) && $(1) -m venv $(BESIDE) && \
  $(BESIDE)/bin/pip --disable-pip-version-check install --quiet --constraint $(2) --editable ".[test]" && $(call TESTED,$(3))

# uv finds the lowest releases that go together; that they warn of what later ones changed is no failure here
test-lowest:
	rm -rf $(BESIDE) && $(PYTHON) -m venv $(BESIDE) && $(BESIDE)/bin/pip install --quiet uv
	$(BESIDE)/bin/uv pip install --quiet --python $(BESIDE)/bin/python --resolution lowest-direct --editable ".[test]"
	$(call TESTED,$(FAST) -W default)

test-matrix:
	$(call ALONE,python3.11,constraints.txt,)
	$(call ALONE,python3.10,constraints.txt,$(FAST))
	$(call ALONE,python3.13,constraints.txt,$(FAST))

# lint-imports and mypy read a built and installed copy: what users get, not the source tree
check: $(VENV)/.ready-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	rm -rf build/check && $(PIP) install --quiet --no-deps --target build/check .
	PYTHONPATH=build/check $(BIN)/lint-imports --no-cache
	cd build/check && MYPYPATH=. ../../$(BIN)/mypy --config-file ../../pyproject.toml \
	  -p spanloop.plugin -p spanloop.recipes -p spanloop.store

life: $(VENV)/.ready-test
	SPANLOOP_LIFE=10 $(BIN)/python -m pytest -q -n 0 tests/recipes/test_long_life.py
	SPANLOOP_DEMO=whole $(BIN)/python -m pytest -q -n 0 tests/recipes/demo

bench: $(VENV)/.ready-test
	$(BIN)/python benchmarks/replay.py wnut17

# a real Label Studio pins half of PyPI, so it lives in a virtual environment of its own (about 1 GB)
LABELSTUDIO := .venv-labelstudio
$(LABELSTUDIO)/.ready:
	$(PYTHON) -m venv $(LABELSTUDIO)
	$(LABELSTUDIO)/bin/pip --disable-pip-version-check install --quiet label-studio==1.23.2
	@touch $@

test-labelstudio: $(VENV)/.ready-test $(LABELSTUDIO)/.ready
	SPANLOOP_LABEL_STUDIO=$(LABELSTUDIO)/bin/label-studio $(BIN)/python -m pytest -n 0 -v tests/labelstudio_real

# Each part leaves its counts in build/soak/; started again, make runs only the parts that are missing there, or
# that passed on other code. One part alone: make build/soak/kills-backup.txt
SOAK := build/soak
CODE := $(shell find plugin recipes store -type f -not -name '*.pyc')
KILLED_STEPS := submit import predict order migrate
KILLED_COMMANDS := near_duplicates prelabel retrain checkpoint watch package backup
SPANLOOP_SEQUENCES ?= 500
PARTS := $(KILLED_STEPS:%=$(SOAK)/kills-%.txt) $(KILLED_COMMANDS:%=$(SOAK)/kills-%.txt) \
  $(SOAK)/full-disk.txt $(SOAK)/damaged.txt $(SOAK)/requests.txt $(SOAK)/servers.txt \
  $(SOAK)/hands.txt
SPANLOOP_KILLS ?= 1000
SPANLOOP_FULL_DISKS ?= 500
SPANLOOP_DAMAGED ?= 20000
SPANLOOP_SOAK ?= 100000
SPANLOOP_SOAK_SECONDS ?= 600
SOAKED = mkdir -p $(SOAK) && $(BIN)/python -m pytest -q -n 0 -s $(1) > $@.part || { tail -n 60 $@.part; exit 1; }; mv $@.part $@

soak: $(PARTS)
	@grep -hE "^[a-z0-9].*(kills|next runs|full disks|damaged files|requests|servers|sequences)|^  [0-9]" $(PARTS)

$(KILLED_STEPS:%=$(SOAK)/kills-%.txt): $(SOAK)/kills-%.txt: $(CODE) | $(VENV)/.ready-test
	@echo "soak: kills, $*" && export SPANLOOP_KILLS=$(SPANLOOP_KILLS) && \
	  $(call SOAKED,tests/store/files/test_faults.py -k "killed and $*")

$(KILLED_COMMANDS:%=$(SOAK)/kills-%.txt): $(SOAK)/kills-%.txt: $(CODE) | $(VENV)/.ready-test
	@echo "soak: kills, $*" && export SPANLOOP_KILLS=$(SPANLOOP_KILLS) && \
	  $(call SOAKED,tests/soak/test_kills.py -k "killed_in_$*")

$(SOAK)/full-disk.txt: $(CODE) | $(VENV)/.ready-test
	@echo "soak: full disks" && export SPANLOOP_FULL_DISKS=$(SPANLOOP_FULL_DISKS) && \
	  $(call SOAKED,tests/soak/test_full_disk.py)

$(SOAK)/damaged.txt: $(CODE) | $(VENV)/.ready-test
	@echo "soak: damaged files" && export SPANLOOP_DAMAGED=$(SPANLOOP_DAMAGED) && \
	  $(call SOAKED,tests/recipes/formats/test_damaged_files.py)

$(SOAK)/requests.txt: $(CODE) | $(VENV)/.ready-test
	@echo "soak: requests" && export SPANLOOP_SOAK=$(SPANLOOP_SOAK) && \
	  $(call SOAKED,tests/recipes/web/test_soak.py)

$(SOAK)/servers.txt: $(CODE) | $(VENV)/.ready-test
	@echo "soak: two servers" && export SPANLOOP_SOAK_SECONDS=$(SPANLOOP_SOAK_SECONDS) && \
	  $(call SOAKED,tests/soak/test_two_servers.py)

$(SOAK)/hands.txt: $(CODE) | $(VENV)/.ready-test
	@echo "soak: random hands" && export SPANLOOP_SEQUENCES=$(SPANLOOP_SEQUENCES) && \
	  $(call SOAKED,tests/browser/test_random_hands.py)

soak-clean:
	rm -rf $(SOAK)

clean:
	rm -rf $(VENV) $(OLDER) $(LABELSTUDIO) build dist *.egg-info $(DEMO)
