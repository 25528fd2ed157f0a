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

.PHONY: demo test install format check lint types docs floors notebooks coverage shuffled mutation try-installs sbom stale \
  manifest model bench-quality bench-extraction bench-speed lock clean

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

# Everything that has to hold before a change is taken: format, lint, types, tests with notebooks, documents, floors.
check: lint types test docs floors

format: $(VENV)/.dev
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

lint: $(VENV)/.dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/deptry --no-ansi .

types: $(VENV)/.dev
	$(BIN)/mypy

# The figures of the shipped model on the corpus, beside the floors that they must not fall below.
floors: $(VENV)/.dev
	$(BIN)/python -m benchmarks.quality --only test-split

# Branches that no test takes; docs/explanation/quality.md says why those that are left may stay.
coverage: $(VENV)/.dev
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered --cov-report=html

# The same tests in another order each time; --random-order-seed=N, which a failure names, repeats one.
shuffled: $(VENV)/.dev
	$(BIN)/python -m pytest --random-order

# Does a test notice every decision? Hours on two cores; `mutmut run NAME` for some, `mutmut show NAME` for one.
mutation: $(VENV)/.dev
	$(BIN)/mutmut run --max-children 2; $(BIN)/mutmut export-cicd-stats

# The wheel and the sdist in a clean environment on each Python that is here, used outside the repository.
try-installs: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/nox -s installs

# dist/sbom.cdx.json and dist/licences.md: all that an installation brings along.
sbom: $(VENV)/.dev
	$(BIN)/nox -s sbom

# Dependencies without a release for two years, each with its reason in docs/decisions/0003; needs uv.
stale: $(VENV)/.dev
	$(BIN)/nox -s stale
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
