.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
PACKAGES := libs/contracts libs/chassis services/members services/content services/engagement gateway cli
STAMP := $(VENV)/.installed
UV_ENV := VIRTUAL_ENV=$(CURDIR)/$(VENV) UV_SYSTEM_CERTS=1

help: ## Show what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## Make .venv with everything in it, the hearth command too

# uv is quick; where it cannot reach the packages as this machine's pip can (a proxy's certificate, an index of pip's), pip does it.
$(STAMP): requirements.lock $(addsuffix /pyproject.toml,$(PACKAGES))
	test -x $(BIN)/python || python3 -m venv $(VENV)
	test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(UV_ENV) $(UV) pip sync --quiet --require-hashes requirements.lock \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(UV_ENV) $(UV) pip install --quiet --no-deps --no-build-isolation $(addprefix -e ,$(PACKAGES))
	touch $(STAMP)

lock: ## Resolve the dependencies anew into requirements.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--no-annotate $(addprefix --no-emit-package hearth-,contracts chassis members content engagement gateway cli) \
		--group dev pyproject.toml -o requirements.lock

run: install ## Start everything with the demo community; Ctrl-C stops it
	$(BIN)/hearth up --demo

# In the order of their names: the longest files come early, and short ones fill the end.
test: install ## Run all tests, on real servers that they start themselves
	$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: install ## Lint, types, architecture, contract goldens
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(PACKAGES)
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/contracts

goldens: install ## Write the events' golden schemas and docs/events.md anew
	$(BIN)/python -m contracts.golden

bench: install ## Measure, side by side, and print ratios
	for bench in tests/bench/bench_*.py; do $(BIN)/python $$bench $(ARGS) || exit 1; done

.PHONY: help install lock run test check goldens bench
