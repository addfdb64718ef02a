# Needs only make and Python 3.11 or newer; everything else goes into .venv.

PYTHON ?= python3
ARGS ?=
VENV := .venv
STAMP := $(VENV)/.installed
SHARED := -n 2 --dist worksteal  # the tests in two processes, each on one thread

# Where pip looks for torch besides the usual index; remembered, so that run and test keep the build.
OLD_TORCH_INDEX := $(shell cat $(STAMP) 2>/dev/null)
TORCH_INDEX ?= $(OLD_TORCH_INDEX)

.DEFAULT_GOAL := help
.PHONY: help setup run test soak lint bench docs site clean FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP) ## install into .venv; TORCH_INDEX=URL for another build of torch (CUDA, CPU only)

run: $(STAMP) ## one experiment; ARGS="N=50000 strategy=fullbatch" overrides the configuration
	@$(VENV)/bin/python run.py $(ARGS)

test: $(STAMP) ## the tests; ARGS="-k zeros" runs a part
	@command -v chromium chromium-browser >/dev/null && command -v chromedriver >/dev/null || \
	  echo "No Chromium with its driver: the tests of the report in a browser are skipped (Debian: apt install chromium chromium-driver)."
	@$(VENV)/bin/python -m pytest $(if $(ARGS),$(ARGS),$(SHARED))

soak: $(STAMP) ## the tests and the long ones too, at least 90% of the lines covered
	@$(VENV)/bin/python -m pytest -m '' $(if $(ARGS),$(ARGS),$(SHARED) --cov=zeta_exp --cov-fail-under=90)

lint: $(STAMP) ## ruff and mypy
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

bench: $(STAMP) ## all benchmarks, about 45 minutes; ARGS=--quick for 2, ARGS="steps halo" for some
	@$(VENV)/bin/python -m benchmarks $(ARGS)

docs: $(STAMP) ## the runs behind README.md and docs/results.md, about 45 minutes; rewrites their tables
	@$(VENV)/bin/python docs/results.py

site: $(STAMP) ## the pages of docs/ as a site, into site/
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --quiet --strict
	@echo "site/index.html; with search: $(VENV)/bin/python -m http.server -d site"

clean: ## remove caches and build products; .venv and outputs/ stay
	@rm -rf build dist site .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name $(VENV) -prune -o -name outputs -prune -o -name __pycache__ -type d -prune \
	  -exec rm -rf {} +

ifneq ($(TORCH_INDEX),$(OLD_TORCH_INDEX))
ANEW := --clear
$(STAMP): FORCE
endif

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "zeta_exp needs Python 3.11 or newer, $(PYTHON) is not: try make $(MAKECMDGOALS) PYTHON=python3.11" >&2; \
	  exit 1; }
	@echo "Installing into $(VENV): about a minute, longer where torch must be downloaded first."
	@$(PYTHON) -m venv $(ANEW) $(VENV) || { \
	  echo "$(PYTHON) could not make $(VENV): install its venv module (Debian: apt install python3-venv)" >&2; \
	  exit 1; }
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check --no-input \
	  $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -c constraints.txt -e '.[gcp,dev,docs]'
	@echo "$(TORCH_INDEX)" > $@
	@echo "Installed."

FORCE:
