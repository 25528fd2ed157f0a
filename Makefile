# Each target sets up what it needs; uv is used where it is installed, else venv and pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
# One thread a process: folds run side by side already, and a model's arrays do not depend on the number of cores.
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1

ifdef UV
NEW_VENV = uv venv --quiet --allow-existing --python $(PYTHON) $(VENV)
INSTALL = VIRTUAL_ENV=$(VENV) uv pip install --quiet
else
NEW_VENV = $(PYTHON) -m venv $(VENV)
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif
LOCKED = --require-hashes --only-binary :all: -r
ITSELF = --no-deps --no-build-isolation --editable .

.PHONY: demo test install format check lint types docs notebooks manifest model bench-quality bench-extraction bench-speed lock clean

demo: $(VENV)/.core
	@$(BIN)/stance demo -o demo.html --force

test: $(VENV)/.dev
	$(BIN)/python -m pytest

install: $(VENV)/.dev

$(VENV)/.core: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "stance needs Python 3.11 or newer: make PYTHON=python3.11")'
	@$(NEW_VENV)
	@$(INSTALL) $(LOCKED) requirements.lock
	@$(INSTALL) $(ITSELF)
	@touch $@

$(VENV)/.dev: $(VENV)/.core requirements-dev.lock
	@$(INSTALL) $(LOCKED) requirements-dev.lock
	@touch $@

check: lint types test docs

format: $(VENV)/.dev
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

lint: $(VENV)/.dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

# -n would also want a page for every type of every library; -W makes a warning, a dead link among them, an error.
docs: $(VENV)/.dev
	$(BIN)/python -m sphinx -q -W --keep-going docs site

notebooks: $(VENV)/.dev
	$(BIN)/python -m pytest --nbmake notebooks

model: $(VENV)/.core
	$(BIN)/stance train -o models/huawei --force

manifest: $(VENV)/.core
	$(BIN)/python data/make_manifest.py

# DATA: a folder with the public data sets as benchmarks/README.md describes them.
bench-quality: $(VENV)/.dev
	$(BIN)/python -m benchmarks.quality $(if $(DATA),--data $(DATA))

bench-extraction: $(VENV)/.dev
	$(BIN)/python -m benchmarks.extraction $(if $(DATA),--pages $(DATA))

bench-speed: $(VENV)/.dev
	$(BIN)/python -m benchmarks.speed $(if $(DATA),--data $(DATA))

# Hashes and no addresses; needs uv.
lock:
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
	  pyproject.toml --group build -o requirements.lock
	uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
	  pyproject.toml --group build --group dev --group docs -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis
