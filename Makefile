# SPDX-License-Identifier: BSD-3-Clause
# The front door. Behind it is plain CMake with presets, for those who have the packages.
JOBS ?= $(shell nproc)
DESTDIR ?=
PREFIX ?= /usr/local

.PHONY: all conform test check-asan check-tsan tidy bench docs format install packages clean

all: ## build build/vcpuspec
	cmake --preset release > /dev/null
	cmake --build build -j $(JOBS)

conform: packages all ## the main job: judge the built-in backends that this machine can run
	build/vcpuspec run

test: packages all ## every test, also under sanitizers
	ctest --test-dir build --output-on-failure
	$(MAKE) check-asan check-tsan tidy

# The sanitizers see the same tests but those that only look at files.
check-asan: packages
	cmake --preset asan > /dev/null
	cmake --build build/asan -j $(JOBS)
	ctest --test-dir build/asan --output-on-failure -E 'rooms|format|docs|guest_bytes'

# Executor, backends and runner with all their threads.
check-tsan: packages
	cmake --preset tsan > /dev/null
	cmake --build build/tsan -j $(JOBS) --target vcpuspec plugin_race
	tools/check-threads build/tsan

tidy: packages all ## clang-tidy, with .clang-tidy's checks as errors
	tools/check-tidy build

bench: packages all ## speed, each as a ratio to its floor in the same run
	build/vcpuspec bench

docs: all ## the documents that are made from tables
	tools/make-docs build/docgen

format:
	tools/check-format --fix

packages:
	@tools/install-packages

install: all
	DESTDIR=$(DESTDIR) cmake --install build --prefix $(PREFIX)

clean:
	rm -rf build
