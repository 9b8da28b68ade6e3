# SPDX-License-Identifier: Apache-2.0
# Each target first installs the packages that it needs on a fresh Debian 12 machine (tools/packages.txt).
SHELL := /bin/bash
# Debian's tools come first, because a Python or meson from elsewhere does not find Debian's modules.
export PATH := /usr/bin:/bin:$(PATH)
PYTHON := /usr/bin/python3
MESON := /usr/bin/meson
DATA ?= ./cais-data
PREFIX ?= /usr/local

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

build: ## compile to build/cais
	@tools/setup build
	@[ -f build/build.ninja ] || $(MESON) setup build --prefix $(PREFIX)
	@$(MESON) compile -C build cais

run: build ## run a server in the foreground, with its files in DATA=./cais-data
	@echo "Files in $(DATA). Open the portal in a browser (below), or try in another terminal:"
	@echo "    build/cais put README.md && build/cais ls        (Ctrl-C here stops the server)"
	@exec build/cais serve --data $(DATA)

check: ## build, lint and quick unit tests, for each step of your work; at most 20 seconds
	@tools/setup build lint
	@$(MAKE) --no-print-directory lint
	@$(PYTHON) tools/run-tests --only quick

test: ## run every test, with about a tenth of the rounds; ARGS="--only unit" runs a part
	@tools/setup build test
	@$(PYTHON) tools/run-tests $(ARGS)

proof: ## run the tests with their full numbers of rounds, the fuzz targets and the mutants; takes hours, prints a table
	@tools/setup build test fuzz
	@$(PYTHON) tools/run-tests --proof $(ARGS)

mutants: ## plant one fault after the other; each must make a test fail. ARGS="WORD" takes those with this word
	@tools/setup build test
	@$(PYTHON) tools/run-mutants $(ARGS)

bench: build ## compare with nginx on this machine
	@tools/setup bench
	@$(PYTHON) bench/run $(ARGS)

fuzz: ## run every fuzz target for 60 seconds; ARGS="--seconds 600 NAME" runs one for longer
	@tools/setup build test fuzz
	@$(PYTHON) tools/run-fuzz $(ARGS)

lint: ## check the layout of the C code, run every tools/check-*, and compare tests/mutants.txt with the sources
	@tools/setup lint
	@git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror
	@failed=0; for check in tools/check-* "tools/run-mutants --check"; do $(PYTHON) $$check || failed=1; done; exit $$failed

install: build ## install into PREFIX=/usr/local (and DESTDIR), with a service of systemd
	@$(MESON) configure build --prefix $(PREFIX) >/dev/null
	@$(MESON) compile -C build cais
	@$(MESON) install -C build --no-rebuild --strip

deb: ## build the Debian package in build-deb/, and one with the debug symbols
	@tools/setup build deb
	@$(PYTHON) tools/make-deb

clean: ## remove the build folders, never data
	rm -rf build build-asan build-tsan build-fuzz build-mutants build-deb

.PHONY: help build run check test proof mutants bench fuzz lint install deb clean
.DEFAULT_GOAL := help
