# Roomfleet's commands. `make help` lists them.
GAME ?= examples/walkabout
HOST ?= 127.0.0.1
PORT ?= 8080
DATA ?= .roomfleet/$(notdir $(GAME))
PYTHON ?= python3
# Test files at once: most of them wait for processes that start, are killed and come back.
WORKERS ?= 3

export KUBECONFIG

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help up operator test check unit bench explore simulate storm format clean

help: ## what there is
	@echo "make up        play $(GAME): sets itself up, then prints a URL (HOST=, PORT=, DATA=, GAME=, STORE=)"
	@echo "make operator  the same with rooms in the cluster of KUBECONFIG= (STORE=, PORT=, HOST=, GAME=)"
	@echo "make test      everything: formats, types, import contracts, all tests (WORKERS=)"
	@echo "make check     formats, types and import contracts only"
	@echo "make unit      the fast tests only"
	@echo "make bench     what is measured: tables, build/bench.json and a plot (QUICK=1 for a short look)"
	@echo "make explore   every interleaving of the save protocol, without bounds"
	@echo "make simulate  the master in a simulated fleet with every fault: SEEDS=1000 lives of EVENTS=10000 events"
	@echo "make storm     real processes, real players, every fault: SECONDS=120 of the plan of SEED= (STORMS=1, FLEET=up)"
	@echo "make format    put the code in its format"
	@echo "make clean     remove what was made, except saved games (.roomfleet/)"

# A store that is a MongoDB needs its driver.
up: $(if $(findstring mongodb,$(STORE)),$(VENV)/installed-for-cluster,$(VENV)/installed)
	@ROOMFLEET_TAKE_TERMINAL=1 $(BIN)/roomfleet up $(GAME) --host $(HOST) --port $(PORT) --data $(DATA) $(if $(STORE),--store '$(STORE)')

operator: $(VENV)/installed-for-cluster
	@ROOMFLEET_TAKE_TERMINAL=1 $(BIN)/roomfleet operator $(GAME) --host $(HOST) --port $(PORT) \
		$(if $(STORE),--store $(STORE))

test: $(VENV)/installed-for-tests
	@$(MAKE) --no-print-directory check
	@$(BIN)/python tests/support/kube_binaries.py >/dev/null # here, since a build tells its progress
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

check: $(VENV)/installed-for-tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

unit: $(VENV)/installed-for-tests
	$(BIN)/python -m pytest tests/unit

bench: $(VENV)/installed-for-bench
	@mkdir -p build
	$(BIN)/python tests/bench/run.py $(if $(QUICK),--quick)

explore: $(VENV)/installed-for-tests
	$(BIN)/python tests/support/explorer/run.py --unbounded

simulate: $(VENV)/installed-for-tests
	$(BIN)/python tests/support/simulation/run.py $(if $(SEEDS),--seeds $(SEEDS)) $(if $(EVENTS),--events $(EVENTS))

storm: $(VENV)/installed-for-tests
	$(BIN)/python tests/support/storm/run.py $(if $(SEED),--seed $(SEED)) \
		$(if $(SECONDS),--seconds $(SECONDS)) \
		$(if $(STORMS),--storms $(STORMS)) $(if $(FLEET),--fleet $(FLEET))

format: $(VENV)/installed-for-tests
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist client/js/node_modules
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@echo "making the virtual environment $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "roomfleet needs Python 3.11 or newer; set PYTHON=" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing what it needs"
	@$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/installed-for-cluster: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing what it needs for a cluster"
	@$(PIP) install -c constraints.txt -e '.[kubernetes,mongodb]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-for-bench: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing what it needs for benchmarks"
	@$(PIP) install -c constraints.txt -e '.[bench]'
	@touch $@ $(VENV)/installed $(VENV)/installed-for-cluster $(VENV)/installed-for-tests

$(VENV)/installed-for-tests: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing what the tests need"
	@$(PIP) install -c constraints.txt -e '.[test]'
	@touch $@ $(VENV)/installed $(VENV)/installed-for-cluster
