# Community CRM. `make run` is all that a new user needs; `make help` lists the rest.

VENV   := .venv
PYTHON := $(VENV)/bin/python
PIP    := $(PYTHON) -m pip --disable-pip-version-check --quiet
PYTEST_ARGS ?= -n 2 --dist loadfile

# What `manage.py check --deploy` looks at: the settings of a real site, with no secret of one.
DEPLOYED := DEBUG=0 SECRET_KEY=only-for-the-check-0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGH LINK_KEY=only-for-the-check-0123456789 \
	ALLOWED_HOSTS=crm.example PUBLIC_URL=https://crm.example DEFAULT_FROM_EMAIL=crm@crm.example \
	EMAIL_URL=smtp://mail.crm.example:587 DATABASE_URL=sqlite://:memory: DYNAMODB_ENDPOINT_URL= AWS_REGION=eu-west-1

.PHONY: help setup run test coverage check bench format lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/.runtime .env ## the environment, without starting anything

run: $(VENV)/.runtime ## everything on this machine, with demo data on the first run; PORT= changes the port
	@$(PYTHON) -m crm.dotenv
	@$(PYTHON) -u manage.py run

test: $(VENV)/.dev ## all tests
	@$(PYTHON) -m pytest $(PYTEST_ARGS)

coverage: $(VENV)/.dev ## all tests, and which lines none of them ran
	@$(PYTHON) -m pytest $(PYTEST_ARGS) --cov --cov-report=term --cov-report=html

check: $(VENV)/.dev ## format, lint, types, import contracts, templates, generated docs, deployment settings, known vulnerabilities
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache
	$(VENV)/bin/djlint templates --lint --quiet
	$(DEPLOYED) $(PYTHON) manage.py makemigrations --check --dry-run
	$(DEPLOYED) $(PYTHON) manage.py access_patterns --check
	$(DEPLOYED) $(PYTHON) manage.py check --deploy --fail-level WARNING
	$(PYTHON) .ci/vulnerabilities.py

bench: $(VENV)/.dev ## the benchmarks, with a table at the end
	@$(PYTHON) -m bench

format: $(VENV)/.dev ## put the code into shape
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

lock: ## pin again what the requirements lean on, from an environment made anew
	rm -rf var/lock && python3 -m venv var/lock
	sed '/^-c /d' requirements.txt > var/lock/requirements.txt
	sed '/^-r /d' requirements-dev.txt > var/lock/requirements-dev.txt
	var/lock/bin/pip install --quiet -r var/lock/requirements.txt -r var/lock/requirements-dev.txt
	{ sed -n 1p constraints.txt; var/lock/bin/pip freeze; } > var/lock/constraints.txt && mv var/lock/constraints.txt constraints.txt
	rm -rf var/lock

clean: ## what can be made again; your data in var/ and your .env stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.env: $(VENV)/.runtime
	@$(PYTHON) -m crm.dotenv

$(PYTHON):
	@for python in $(PYTHON3) python3 python3.14 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then exec $$python -m venv $(VENV); fi; \
	done; echo "Community CRM needs Python 3.11 or newer, and found none. Set PYTHON3= to the one to use." >&2; exit 1

$(VENV)/.runtime: requirements.txt constraints.txt | $(PYTHON)
	@echo "Installing what Community CRM needs into $(VENV) …"
	@$(PIP) install -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt constraints.txt $(VENV)/.runtime
	@echo "Installing what the tests and checks need into $(VENV) …"
	@$(PIP) install -r requirements-dev.txt
	@touch $@
