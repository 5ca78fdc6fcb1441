# Two commands for a newcomer: `make demo` and `make test`. Each sets up what it needs in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check install --quiet --constraint constraints.txt
SHELL := /bin/bash

.PHONY: help demo test check format docs faults browser mutations soak fuzz canaries bench wheel deb deb-test clean

help:  ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/run.stamp: pyproject.toml constraints.txt hatch_build.py
	@echo "Setting up $(VENV): the packages alertd runs on (about a minute; one is compiled here)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "alertd needs Python 3.11 or later; set PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	@echo "Setting up $(VENV): the packages its tests need"
	@$(PIP) --editable '.[dev]'
	@touch $@

demo: $(VENV)/run.stamp  ## make an authority, evaluate it, catch its mail here
	$(BIN)/alertd demo --once --dir demo-data

test: check  ## everything that must hold, in under six minutes
	$(BIN)/pytest -n auto --dist loadfile

check: $(VENV)/dev.stamp  ## style, types, direction of imports, rule packs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/alertd rules lint

format: $(VENV)/dev.stamp  ## put the code in form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/dev.stamp  ## the documentation as a site, in site/: open site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

faults: $(VENV)/dev.stamp  ## every fault of the catalogue on both databases, real processes killed; prints the table
	$(BIN)/pytest tests notifiers -m fault --faults --catalogue -vv -n auto --dist loadfile

browser: $(VENV)/dev.stamp  ## the pages in Debian's Chromium: telephone and desk, without scripts, on paper, and axe
	@test -x /usr/bin/chromium || test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null || { \
		echo "Installing Debian's Chromium"; apt-get update -qq; apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || echo "It could not be installed: see above"
	$(BIN)/pytest tests/browser --browser -rs

mutations: $(VENV)/dev.stamp  ## break five promises on purpose in a copy; a named fault test must go red for each
	$(BIN)/python -m tests.faults.mutations.run

soak: $(VENV)/dev.stamp  ## a day of two daemons in 20 minutes; then daemons killed 2,000 times while 40,000 messages go, on each database; over an hour
	$(BIN)/pytest tests/faults/test_day_of_two.py --faults --soak-minutes 20 -s
	$(BIN)/pytest tests/faults/test_random_kills.py --faults --kills 2000 -s

fuzz: $(VENV)/dev.stamp  ## feeds broken in 5,000 ways, each read in a worker that may be killed
	$(BIN)/python -m tests.fuzz.run --mutations 5000 --seed 1

canaries: $(VENV)/dev.stamp  ## 100,000 messages to agencies about children whose every field sings
	ALERTD_DRAWS=100000 $(BIN)/pytest tests/unit/partners/test_no_field_outside_the_agreement.py

bench: $(VENV)/dev.stamp  ## figures, as ratios within one run
	$(BIN)/python -m tests.bench.run

wheel: $(VENV)/dev.stamp  ## build the wheel into dist/
	$(BIN)/python -m build --wheel --outdir dist . >/dev/null

deb: $(VENV)/dev.stamp  ## build the Debian package into dist/, for the Debian and processor it is built on
	@command -v dpkg-buildpackage >/dev/null || { echo "Build it on Debian, with the package dpkg-dev"; exit 1; }
	rm -rf build/deb && mkdir -p build/deb dist
	$(BIN)/python -m build --sdist --outdir build/deb . >/dev/null
	tar -xzf build/deb/alertd-*.tar.gz -C build/deb
	cd build/deb/alertd-*/ && dpkg-buildpackage --build=binary --no-sign
	mv build/deb/alertd_*.deb dist/

deb-test: $(VENV)/dev.stamp  ## install that package in a clean Debian, to the first digest; upgrade and purge it. For root
	@ls dist/alertd_*.deb >/dev/null || { echo "Build it first: make deb"; exit 1; }
	@{ command -v debootstrap && command -v systemd-nspawn; } >/dev/null || test "$$(id -u)" != 0 || { \
		echo "Installing debootstrap and systemd-container"; apt-get update -qq; apt-get install -y -qq --no-install-recommends debootstrap systemd-container >/dev/null; }
	ALERTD_DEB=$$(ls -t dist/alertd_*.deb | head -1) $(BIN)/pytest tests/packaging -rs -s

clean:  ## remove what was made here
	rm -rf $(VENV) alertd/web/static/govuk dist build site demo-data .pytest_cache .mypy_cache .ruff_cache .hypothesis browser-screenshots
