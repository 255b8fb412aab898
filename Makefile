# `make` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
PYTEST := $(PY) -m pytest
# What the tests of the one-file program need: one that was built before, or a new one.
BUILT := $(if $(GOFER_TEST_BINARY),,binary)
# (The theme's maintainers have words on stderr about MkDocs 2 otherwise.)
MKDOCS := NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs
SITE_SOURCES := mkdocs.yml requirements/docs.txt CHANGELOG.md CONTRIBUTING.md \
  $(shell find docs examples packaging/site -type f -not -path '*/__pycache__/*')
PROGRAM_SOURCES := gofer.spec requirements/freeze.txt \
  $(shell find gofer sdk/python triggers common_tasks packaging/freeze -type f -not -path '*/__pycache__/*' -not -name site.zip \
  -not -name console.zip -not -path 'gofer/ui/console/*')
UI := gofer/ui/console
UI_SOURCES := $(shell find $(UI) packaging/ui/openapi.py -type f -not -path '*/node_modules/*' -not -name schema.d.ts) packaging/site/pack.py \
  $(shell find gofer/models gofer/server/api gofer/server/streams -name '*.py')

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

.PHONY: demo demo-stop setup setup-dev docker
demo: setup ## start Gofer, register the examples, run one and follow it; leaves the server up
	@packaging/demo.sh

demo-stop: ## end the server that `make demo` left up
	@packaging/demo.sh stop

setup: ## .venv with what Gofer needs to run
	@.ci/setup runtime

setup-dev: ## .venv with what tests and linters need as well
	@.ci/setup dev

docker: ## make a Docker Engine answer (installs and starts one where there is none)
	@.ci/docker-engine

.PHONY: debian-images
debian-images: ## make the Docker images that hold a bare Debian and one with systemd (once)
	@.ci/debian-images

.PHONY: images test-images
images: ## the container images of triggers, common tasks and debug containers (PYTHON_BASE, BUSYBOX_BASE: built on these)
	@packaging/images/build

test-images: setup-dev docker debian-images ## build some of them, and see what they do
	$(PYTEST) tests/images

.PHONY: test-tools
test-tools:
	@.ci/test-tools

.PHONY: test test-failed test-unit test-conformance test-integration test-scenarios test-cli test-upgrade test-faults test-security test-docs test-browser
test: setup-dev docker test-tools docs ui test-ui debian-images $(BUILT) ## all tests, in two lanes side by side
	$(PY) -m tests.lanes

test-failed: setup-dev docker test-tools docs ui debian-images $(BUILT) ## only those tests that failed last time
	$(PY) -m tests.lanes --last-failed --last-failed-no-failures none

test-unit: setup-dev ## tests of single parts
	$(PYTEST) tests/unit

test-conformance: setup-dev docker ## the engines against their contract
	$(PYTEST) tests/conformance

test-integration: setup-dev docker ## API and Docker engine
	$(PYTEST) tests/integration

test-scenarios: setup-dev docker ## whole runs
	$(PYTEST) tests/scenarios

test-cli: setup-dev docker ## the command line against a real server
	$(PYTEST) tests/cli

test-upgrade: setup-dev ## this program on the data of every earlier one (GOFER_TEST_BINARY: a one-file program)
	$(PYTEST) tests/upgrade

test-faults: setup-dev docker test-tools ## kill -9, full disk, locked database, Docker away
	$(PYTEST) tests/faults

test-security: setup-dev test-tools docs ui ## what an attacker would try, on every route of a real server
	$(PYTEST) tests/security

test-docs: setup-dev test-tools docs ## the site in a browser, and the commands of its pages against a real server
	$(PYTEST) tests/docs

test-browser: setup-dev test-tools ui ## the console in a browser: journeys through real runs, and what axe says of every page
	$(PYTEST) tests/browser

.PHONY: docs docs-serve
docs: gofer/server/site.zip ## build the documentation into gofer/server/site.zip, strictly

gofer/server/site.zip: $(SITE_SOURCES)
	@.ci/setup docs
	@rm -rf build/site
	@$(MKDOCS) build --quiet --strict --site-dir build/site
	@.venv-docs/bin/python packaging/site/pack.py build/site $@

docs-serve: ## show the documentation while it is being written
	@.ci/setup docs
	$(MKDOCS) serve --strict

.PHONY: ui ui-setup ui-types lint-ui test-ui pictures ui-dev
ui: gofer/server/console.zip ## build the web console into gofer/server/console.zip

gofer/server/console.zip: $(UI_SOURCES)
	@$(MAKE) --no-print-directory ui-types
	@cd $(UI) && npm run --silent build -- --logLevel warn
	@$(PY) packaging/site/pack.py build/ui $@

ui-setup: $(UI)/node_modules/.package-lock.json
$(UI)/node_modules/.package-lock.json: $(UI)/package-lock.json
	@.ci/node
	@cd $(UI) && npm ci --no-audit --no-fund --silent
	@touch $@

ui-types: setup ui-setup ## the API's types, as the console knows them
	@mkdir -p build
	@$(PY) packaging/ui/openapi.py >build/openapi.json
	@cd $(UI) && npx openapi-typescript ../../../build/openapi.json -o src/lib/api/schema.d.ts >/dev/null

lint-ui: ui-types ## types, style and format of the console
	@cd $(UI) && npm run --silent check && npm run --silent lint

test-ui: ui-types ## the console's logic
	@cd $(UI) && npm test --silent

pictures: setup-dev test-tools ui ## take the pictures of the console anew, for docs/console.md
	PYTHONPATH=. $(PY) packaging/ui/pictures.py

ui-dev: ui-types ## the console while it is being written, beside a server on localhost:8080
	@cd $(UI) && npm run dev

.PHONY: deb test-systemd
deb: ## dist/gofer_VERSION_amd64.deb from dist/gofer
	@packaging/deb/build

test-systemd: setup-dev docker test-tools debian-images $(BUILT) ## the service under a real systemd (the program: GOFER_TEST_BINARY or dist/gofer)
	$(PYTEST) tests/systemd

.PHONY: lint format types contracts
lint: setup-dev types contracts lint-ui ## style, types and import contracts
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: setup-dev
	$(PY) -m mypy

contracts: setup-dev
	.venv/bin/lint-imports

format: setup-dev ## bring the style in order
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

.PHONY: binary
binary: dist/gofer ## the one-file program: dist/gofer, its sums and the list of what is in it

dist/gofer: $(PROGRAM_SOURCES) gofer/server/site.zip gofer/server/console.zip
	@.ci/setup freeze
	@PYTHONPATH=packaging:sdk/python:. .venv-freeze/bin/python -m freeze

.PHONY: test-frozen
test-frozen: setup-dev docker debian-images $(BUILT) ## the one-file program in a bare Debian, killed, upgraded, on full disks (the program: as for test-systemd)
	$(PYTEST) tests/frozen

.PHONY: test-cli-frozen
test-cli-frozen: setup-dev $(BUILT) ## the tests of the command line, with the one-file program
	GOFER_TEST_CLI=$(or $(abspath $(GOFER_TEST_BINARY)),$(CURDIR)/dist/gofer) $(PYTEST) tests/cli

.PHONY: check-reproducible
check-reproducible: binary ## build the one-file program a second time, and compare
	@mv dist/gofer build/gofer.first
	@$(MAKE) --no-print-directory binary >/dev/null
	@cmp build/gofer.first dist/gofer && echo "the same bytes: $$(sha256sum <dist/gofer)"
	@rm build/gofer.first

.PHONY: bench
bench: setup-dev docker ## measure the figures of docs/benchmarks.md (minutes)
	$(PY) -m benchmarks

.PHONY: lock
lock: ## renew requirements/*.txt from requirements/*.in
	cd requirements && for kind in runtime dev docs freeze triggers; do \
	  pip-compile -q --upgrade --generate-hashes --strip-extras --allow-unsafe --no-header --no-emit-index-url \
	    --no-emit-trusted-host --no-emit-find-links --output-file $$kind.txt $$kind.in; done

.PHONY: clean
clean: ## remove what was built
	rm -rf .venv .venv-docs .demo .bench build dist gofer/server/site.zip gofer/server/console.zip $(UI)/node_modules .mypy_cache .ruff_cache .import_linter_cache .hypothesis
