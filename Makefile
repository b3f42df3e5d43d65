# SPDX-License-Identifier: BSD-3-Clause
# The front door. Behind it is plain CMake with presets, for those who have the packages.
MAKEFLAGS += --no-print-directory
JOBS ?= $(shell nproc)
DESTDIR ?=
PREFIX ?= /usr/local

.PHONY: all conform test check-asan check-tsan check-clang tidy bench docs format install packages-build packages-test clean

all: ## build build/vcpuspec
	cmake --preset release > /dev/null
	cmake --build build -j $(JOBS)

conform: packages-build all ## the main job: judge the built-in backends that this machine can run
	build/vcpuspec run

test: packages-test all ## every test, also under sanitizers
	ctest --test-dir build --output-on-failure
	$(MAKE) check-asan
	$(MAKE) check-tsan
	$(MAKE) check-clang
	$(MAKE) tidy

# The sanitizers see the same tests but those that only look at files.
check-asan: packages-build
	cmake --preset asan > /dev/null
	cmake --build build/asan -j $(JOBS)
	ctest --test-dir build/asan --output-on-failure -E 'rooms|format|docs|guest_bytes'

# Executor, backends and runner with all their threads.
check-tsan: packages-build
	cmake --preset tsan > /dev/null
	cmake --build build/tsan -j $(JOBS) --target vcpuspec plugin_race
	tools/check-threads build/tsan

# The other compiler's warnings, as errors.
check-clang: packages-test
	cmake --preset clang > /dev/null
	cmake --build build/clang -j $(JOBS) --target vcpuspec

tidy: packages-test all ## clang-tidy, with .clang-tidy's checks as errors
	tools/check-tidy build

bench: packages-build all ## speed, each as a ratio to its floor in the same run
	build/vcpuspec bench

docs: all ## the documents that are made from tables
	tools/make-docs build/docgen

format:
	tools/check-format --fix

packages-build:
	@tools/install-packages build

packages-test:
	@tools/install-packages build test

install: all
	DESTDIR=$(DESTDIR) cmake --install build --prefix $(PREFIX)

clean:
	rm -rf build
