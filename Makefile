# `make` alone prints what there is. Everything lives in .venv/ and var/; nothing else changes.
.DEFAULT_GOAL := help
.PHONY: help run test check bench chaos venv venv-dev

PYTHON ?= python3
VENV := .venv

help:
	@echo "make run     everything from nothing to http://127.0.0.1:8000 (PORT= another port, DEMO=0 no demo data)"
	@echo "make test    the whole suite, with throw-away PostgreSQL and Redis servers"
	@echo "make check   formatting, lint, types, import layers, migrations, check --deploy"
	@echo "make bench   how fast it is: a table and bench.json (BENCH=ingest runs one part)"
	@echo "make chaos   fault injection: what was acknowledged, lost, duplicated (CHAOS=--small: quickly)"

run: venv
	@exec $(VENV)/bin/python -m partnernotify.supervisor --stop-with-parent

test: venv-dev
	@.ci/test

check: venv-dev
	@.ci/check

bench: venv-dev
	@$(VENV)/bin/python -m bench.run

chaos: venv-dev
	@$(VENV)/bin/python -m tests.chaos.run $(CHAOS)

# A copy of the requirements lies in the environment once they are installed: the same
# text means that there is nothing to do.
venv:
	@$(create)
	@$(call install,requirements.txt)

venv-dev:
	@$(create)
	@$(call install,requirements-dev.txt)

define create
if ! $(VENV)/bin/python -c "import pip" 2>/dev/null; then \
  command -v $(PYTHON) >/dev/null || { \
    echo "$(PYTHON) is missing: install it with 'apt install python3 python3-venv'." >&2; exit 1; }; \
  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
    echo "Python 3.11 or newer is needed; $(PYTHON) is older. Name another one with PYTHON=." >&2; exit 1; }; \
  $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
    echo "Python cannot make virtual environments: install that part with 'apt install python3-venv'." >&2; exit 1; }; \
  $(PYTHON) -m venv --clear $(VENV) || { \
    echo "The virtual environment $(VENV)/ could not be made; the reason stands above." >&2; exit 1; }; \
fi
endef

define install
if ! cat requirements.txt $(1) | cmp -s - $(VENV)/$(1); then \
  echo "Installing the packages of $(1) into $(VENV)/ …"; \
  $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-input -r $(1) || { \
    echo "The packages could not be installed; the reason stands above." >&2; exit 1; }; \
  cat requirements.txt $(1) > $(VENV)/$(1); \
fi
endef
