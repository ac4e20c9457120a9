# Python 3.11, 3.12 or 3.13: the first one found, or yours with `make report PYTHON=/path/to/python`.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
UV := $(shell sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements.lock)
BIN := .venv/bin
READY := .venv/.ready
ENGINES := .venv/.engines
# The notebooks run as they stand; their checked cells are compared.
NOTEBOOKS := tests crm_lib notebooks --nbval-lax --nbval-current-env
# What git does to a notebook on its way into a commit; checked cells, tagged keep_output, keep theirs. A clone knows
# from .gitattributes for which files, but not how: that is told to git when the environment is made. Git calls it in
# the top folder of each worktree.
STRIP := $(BIN)/nbstripout --keep-id --extra-keys 'metadata.language_info cell.metadata.execution'

.DEFAULT_GOAL := help
.PHONY: help report test test-all engines lock-engines lab lint docs bench bench-clv bench-engines bench-scale

help: ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{sub(/:.*/, "", $$1); printf "  make %-13s %s\n", $$1, $$2}'

report: $(READY) ## the pages of the sample company, in reports/
	@$(BIN)/crm report

test: $(READY) ## the fast tests
	@$(BIN)/pytest -q -n auto --dist loadscope $(NOTEBOOKS) -m "not slow"

test-all: $(READY) $(ENGINES) lint ## the fast and the slow tests
	@$(BIN)/pytest -q -n auto --dist loadscope $(NOTEBOOKS)

lab: $(READY) ## JupyterLab on the notebooks; outputs are stripped on commit
	@$(BIN)/jupyter lab notebooks

lint: $(READY) ## style of code and notebooks
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check .

docs: $(READY) ## the generated pages: data/README.md and docs/commands.md
	@$(BIN)/python -m crm_lib.contract.codebook
	@$(BIN)/python -m typer crm_lib.cli utils docs --name crm --title "Every command" --output docs/commands.md

engines: $(ENGINES) ## what PostgreSQL and Spark need, beside the rest in .venv; 0.6 GB

bench: $(READY) $(ENGINES) ## seconds and memory of a run, beside papermill + nbconvert, and on every engine
	@$(BIN)/python bench/run.py
	@$(BIN)/python bench/runner.py
	@$(BIN)/python bench/engines.py --write
	@echo "More: make bench-scale (10 million rows), bench-clv (peers)"

# The peers are the extra `bench`, in an environment of their own: the locked one stays as it is.
bench-clv: $(READY) ## customer value against its peers, into docs/benchmarks.md; half an hour
	@test -d bench/.venv || $(BIN)/uv venv --quiet --python $(BIN)/python bench/.venv
	@$(BIN)/uv pip install --quiet --python bench/.venv/bin/python --constraint requirements.lock \
		--requirements pyproject.toml --extra bench
	@$(BIN)/python bench/clv.py --peers-python bench/.venv/bin/python --write

$(ENGINES): requirements-engines.lock $(READY)
	@echo "$$(grep -c '^[a-z0-9]' $<) packages of $<"
	@$(BIN)/uv pip install --quiet --no-deps --require-hashes --compile-bytecode --python $(BIN)/python --requirements $<
	@touch $(ENGINES)

# What the engines need beyond requirements.lock.
lock-engines: $(READY)
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--no-annotate --constraint requirements.lock --extra postgres --extra spark --extra dev-engines pyproject.toml \
		| awk -F== 'NR == FNR { known[$$1]; next } /^[a-z0-9]/ { beyond = !($$1 in known) } beyond' \
			requirements.lock - > .venv/engines.lock
	@mv .venv/engines.lock requirements-engines.lock

bench-engines: $(READY) $(ENGINES) ## one preparation on every engine, into docs/benchmarks.md
	@$(BIN)/python bench/engines.py --write

bench-scale: $(READY) ## 1 and 10 million purchase lines through whole topics, into docs/engines.md
	@$(BIN)/python bench/scale.py --write

# Made anew only when the lock changes. The last line says that everything before it went well.
$(READY): requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		echo "This needs Python 3.11, 3.12 or 3.13; seen: $$(python3 --version 2>&1 || echo none)." >&2; \
		echo "Install one, or name it: make report PYTHON=/path/to/python3.12" >&2; exit 2; fi
	@echo "[1/3] environment in .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV)
	@echo "[2/3] $$(grep -c '^[a-z0-9]' requirements.lock) packages of requirements.lock, about 1 GB"
	@$(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode --python $(BIN)/python requirements.lock
	@echo "[3/3] crm_lib and its command crm"
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@! test -e .git || git config filter.nbstripout.clean "$(STRIP)" || echo "git will commit outputs of notebooks" >&2
	@touch $(READY)
