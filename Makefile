# Everything goes through a virtual environment of the project's own.
PORT ?= 8000
PYTHON ?= python3
VENV ?= .venv
export VENV
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
DEBIAN := chromium fonts-noto-cjk nginx-light postgresql rabbitmq-server redis-server
PROVIDER := tests/support/openid_provider
FHIR := tests/support/fhir_server

.PHONY: run check test test-faults bench faults-full soak isolation-proof static debian screenshots vendor messages generated lock
.DEFAULT_GOAL := run

# The demo on http://localhost:$(PORT): sample cities, residents and bills on SQLite.
run: $(VENV)/installed
	SMARTCITY_DEMO=$${SMARTCITY_DEMO:-1} PORT=$(PORT) $(BIN)/python -m smartcity_saas

# A quick selection: format, types, import order, the rules of the house and the tests that need no
# database, browser or other process. What holds of rows, isolation among them, is for make test.
check: static
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m "not browser and not database and not faults and not processes" -k "not postgresql"

# Everything: both databases and a real browser.
test: static debian $(PROVIDER)/node_modules $(FHIR)/node_modules
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m "not faults"

# Kills and races, each on a database of its own.
test-faults: $(VENV)/installed-test
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m faults

# Speed as ratios, measured side by side in one run. Nothing here is a test.
bench: $(VENV)/installed-test
	$(BIN)/python -m benchmarks

# Kills, and all else that goes wrong, under bookings and payments, in the counts that a release is held to.
# TRIAL has its options.
faults-full: $(VENV)/installed-test
	$(BIN)/python -m tests.support.fault_trials --write benchmarks/faults.json $(TRIAL)

# Memory over half an hour with 352 cities. SOAK has its options.
soak: $(VENV)/installed-test
	$(BIN)/python -m benchmarks.soak --write benchmarks/soak.json $(SOAK)

# Requests of many residents at once, each answer searched for what is another's. PROOF has its options.
isolation-proof: $(VENV)/installed-test
	$(BIN)/python -m tests.support.isolation_proof --write docs/isolation-proof.md $(PROOF)

# The OpenID provider and the FHIR server of the tests, at the versions of their lock files.
$(PROVIDER)/node_modules $(FHIR)/node_modules: %/node_modules: %/package-lock.json
	@if ! command -v npm >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
				apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null; \
		else echo "Install Node.js 20 or newer with npm for the tests of OpenID Connect and FHIR; they are skipped"; fi; fi
	@if command -v npm >/dev/null; then cd $* && npm ci --silent --no-audit --no-fund; fi

static: $(VENV)/installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet src
	$(BIN)/python tools/requirements.py >$(VENV)/requirements.txt
	$(BIN)/python tools/requirements.py optional >$(VENV)/requirements-optional.txt
	$(BIN)/python tools/requirements.py test >$(VENV)/requirements-test.txt
	$(BIN)/deptry src \
		--requirements-files $(VENV)/requirements.txt,$(VENV)/requirements-optional.txt
	$(BIN)/deptry tests benchmarks tools --ignore DEP002 \
		--requirements-files $(VENV)/requirements.txt,$(VENV)/requirements-test.txt

# A browser, its Chinese fonts, and servers of which the tests start throwaway ones.
debian:
	@missing=$$(for name in $(DEBIAN); do dpkg -s $$name >/dev/null 2>&1 || printf '%s ' $$name; done); \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "Install these for the whole suite; what needs them is skipped: $$missing"; exit 0; fi; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends $$missing >/dev/null

# Pictures of the product for the README, taken from a running demo.
screenshots: $(VENV)/installed-test
	$(BIN)/python tools/screenshots.py

# Bring the vendored files and the catalogues up to date.
vendor: $(VENV)/installed
	tools/vendor.sh
messages: $(VENV)/installed
	tools/messages.sh

# The pages of docs/ that are made from the code; tests fail while one is stale.
generated: $(VENV)/installed
	$(BIN)/smartcity schema --markdown >docs/configuration.md
	$(BIN)/smartcity roles >docs/roles.md
	$(BIN)/python tools/database_tables.py >docs/database-tables.md

# What is installed, by version and hash, for every Python and machine: after a change of
# setup.cfg, and to bring versions up to date (make lock UPGRADE=--upgrade).
LOCK := uv pip compile - setup.cfg --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet
lock: $(VENV)/bin/python
	$(PIP) --quiet uv==0.13.9
	$(BIN)/python tools/requirements.py build | $(BIN)/$(LOCK) $(UPGRADE) -o requirements.lock
	$(BIN)/python tools/requirements.py build | $(BIN)/$(LOCK) $(UPGRADE) -c requirements.lock --extra test -o requirements-test.lock

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.lock setup.cfg pyproject.toml | $(VENV)/bin/python
	@echo "Installing the product's packages into $(VENV); pip names each of them."
	$(PIP) --require-hashes -r $<
	$(PIP) --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/installed-test: requirements-test.lock setup.cfg pyproject.toml | $(VENV)/bin/python
	@echo "Installing the product's packages and those of its tests into $(VENV)."
	$(PIP) --require-hashes -r $<
	$(PIP) --no-deps --no-build-isolation -e .
	touch $@ $(VENV)/installed
