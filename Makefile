# make report | test | lab | pdf | bench | contacts   use it
# make format | lint | types | hooks | lock   work on it
# PYTHON=python3.12 chooses the interpreter; ARGS="..." goes to run_all.py, pytest or the benchmarks.

VENV ?= .venv
PYTHON ?=
PYTHONS ?= 3.11 3.12 3.13
ARGS ?=

BIN := $(VENV)/bin
READY := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: report test test-pythons pytest lab pdf bench contacts format lint types hooks lock clean
.DELETE_ON_ERROR:
.NOTPARALLEL:

report: $(READY)
	$(BIN)/python run_all.py $(ARGS)

test: lint types pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

# Two processes, each with whole files of tests: fixtures that run the suite stay with their file.
# In the order of their names, so that the runs of whole reports come first and no process waits.
pytest: $(READY)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-pythons:
	set -e; for version in $(PYTHONS); do \
	    $(MAKE) pytest VENV=.venv-$$version PYTHON=python$$version; \
	done

lab: $(READY)
	$(BIN)/jupyter lab notebooks

# The pages of a report as PDF, where Chromium is installed: ARGS="reports/sample/2024-12"
pdf: $(READY)
	$(BIN)/python -m helpers.run.pdf $(ARGS)

bench: $(READY)
	$(BIN)/python -m benchmarks $(ARGS)

# Customers behind the codes of a list: ARGS="sample reports/sample/2024-12/tables/20_lifecycle-win_back.csv"
contacts: $(READY)
	$(BIN)/python -m helpers.store.contacts $(ARGS)

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Notebooks lose their outputs on the way into git and keep them in the work tree.
hooks: $(READY)
	git config filter.nbstripout.clean '"$(abspath $(BIN))/python" -m nbstripout \
	--extra-keys="metadata.language_info.version"'
	git config filter.nbstripout.smudge cat
	git config filter.nbstripout.required true
	git config diff.ipynb.textconv '"$(abspath $(BIN))/python" -m nbstripout -t'

# Keeps the versions that stand in the list and still fit; ARGS=--upgrade takes the newest.
lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --group dev --output-file requirements.lock --quiet \
	    --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	    --no-config --no-annotate --custom-compile-command "make lock" $(ARGS)

clean:
	rm -rf .venv .venv-* .mypy_cache .pytest_cache .ruff_cache .hypothesis
	-find helpers tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
	-git config --remove-section filter.nbstripout
	-git config --remove-section diff.ipynb

$(READY): requirements.lock
	python=$$(sh tools/find_python.sh $(PYTHON)) && "$$python" -m venv --clear $(VENV)
	@echo "Installing the packages of requirements.lock into $(VENV): about a minute"
	$(PIP) install --quiet --compile --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	touch $@
	if [ -e .git ]; then $(MAKE) --no-print-directory hooks; fi
