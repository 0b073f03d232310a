# Every target makes what it needs: Python >= 3.11 and a package index are enough.
#
#   make demo         train a ConvNet on real handwritten digits, results in out/
#   make fashion      the same on Fashion-MNIST; also: make lstm, make gpt, make gru (see README.md)
#   make test         run the test suite
#   make check        what CI runs: test, lint, types, doctest
#   make coverage     check every function of the namespace again and write docs/functions.md
#   make conformance  fetch the array API standard's public test suite and run it
#   make bench        measure the library's overhead, other libraries beside it when installed
#
# PYTHON=python3.12 picks the interpreter, VENV=dir the environment, ARGS="-k grad" adds arguments.

VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
CANDIDATES := $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14 python

.PHONY: help demo fashion lstm gpt gru test lint format types doctest check coverage conformance bench clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^#   //p' Makefile

demo: EXAMPLE = digits
fashion: EXAMPLE = fashion_mnist
lstm: EXAMPLE = char_lstm
gpt: EXAMPLE = gpt
gru: EXAMPLE = sequence_gru
demo fashion lstm gpt gru: $(VENV)/.with-examples
	@$(BIN)/python examples/$(EXAMPLE).py $(ARGS)

# One BLAS thread for each of the two processes: more would fight for the cores.
test: $(VENV)/.with-test
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 $(ARGS)

lint: $(VENV)/.with-dev
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

format: $(VENV)/.with-dev
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

types: $(VENV)/.with-dev
	@$(BIN)/mypy

doctest: $(VENV)/.with-test
	@$(BIN)/python -m pytest --doctest-modules rtorch tests/test_code_blocks.py $(ARGS)

check: test lint types doctest

coverage: $(VENV)/.with-test
	@$(BIN)/python tests/functions/coverage.py $(ARGS)

conformance: $(VENV)/.with-test
	@$(PIP) install 'ndindex>=1.8' pytest-json-report
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python tests/array_api/run.py $(ARGS)

bench: $(VENV)/.with-test
	@$(BIN)/python benchmarks/overhead.py $(ARGS)

clean:
	rm -rf $(VENV) out build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

# A stamp for each extra: made again when pyproject.toml changes.
$(VENV)/.with-%: pyproject.toml $(VENV)/.made
	@echo "installing rtorch[$*] into $(VENV)"
	@$(PIP) install --editable '.[$*]'
	@touch $@

# The first interpreter that is new enough and can make an environment.
$(VENV)/.made:
	@for python in $(CANDIDATES); do \
	    if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	        >/dev/null 2>&1; then \
	        echo "making $(VENV) with $$($$python --version)"; \
	        $$python -m venv --clear $(VENV) && touch $@; \
	        exit; \
	    fi; \
	done; \
	echo "rtorch needs Python 3.11 or newer with the modules venv and ensurepip;" >&2; \
	echo "none of these is one: $(CANDIDATES)" >&2; \
	echo "Give another with 'make PYTHON=/path/to/python'; on Debian and Ubuntu the modules" >&2; \
	echo "come with 'apt install python3-venv'." >&2; \
	exit 1
