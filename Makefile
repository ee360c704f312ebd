# Every target sets up what it needs. `make` alone lists them.
SHELL := /bin/bash
BIN := .venv/bin
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help setup devnet compile check test bench soak pin golden format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## install chaosnet and its tools into .venv

$(INSTALLED): pyproject.toml constraints.txt scripts/setup.sh
	@scripts/setup.sh
	@touch $@

devnet: setup ## run four validators, the explorer and a faucet on this host; Ctrl-C stops them
	@$(BIN)/chaosnet devnet up --dir .devnet

compile: setup ## compile the busiest modules of the core (needs gcc and python3-dev): nodes carry a third more
	@$(BIN)/python scripts/compile_core.py

check: setup ## format, lint, types, import layers, house rules, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/test_tidy.py
	$(BIN)/codespell

test: setup ## check, then all tests; says at the end what this host could not run
	@scripts/system_packages.sh
	@$(MAKE) --no-print-directory check
	@scripts/test.sh

bench: setup ## measure throughput, latency, disk and memory; writes .bench/latest.json
	@scripts/bench_peers.sh
	@-$(BIN)/python scripts/compile_core.py
	@$(BIN)/chaosnet bench

soak: setup ## the long forms of simulation, kill and fuzz tests: some two hours on two cores
	@-$(BIN)/python scripts/compile_core.py
	@$(BIN)/python -m pytest -m soak -n 2 --dist loadfile --timeout 5400 --durations=10

pin: setup ## write constraints.txt from what .venv holds
	@scripts/pin.sh

golden: setup ## write the golden files anew: only before the first release, with a line in CHANGELOG.md
	@$(BIN)/python scripts/make_golden.py

format: setup ## format the code and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what the other targets made, but not a devnet's chain (.devnet)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .bench build dist tests/e2e/node_modules clients/js/node_modules
	find chaosnet explorer tui tests -name __pycache__ -type d -prune -exec rm -rf {} +
