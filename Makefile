# SPDX-License-Identifier: BSD-3-Clause
# The front door. Behind it is plain CMake with presets, for those who have the packages.
MAKEFLAGS += --no-print-directory
JOBS ?= $(shell nproc)
DESTDIR ?=
PREFIX ?= /usr/local

# CMake's make has jobs of its own.
configure = cmake --preset $(1) > /dev/null
build = env -u MAKEFLAGS -u MFLAGS cmake --build $(1) -j $(JOBS)

.PHONY: all conform test test-only check-asan check-tsan check-clang fuzz-text tidy bench docs format install \
        packages-build packages-test clean

all: ## build build/vcpuspec
	$(call configure,release)
	$(call build,build)

conform: packages-build ## the main job: judge the built-in backends that this machine can run
	$(MAKE) all
	build/vcpuspec run

test: packages-test ## every test, also under sanitizers
	$(MAKE) all
	$(MAKE) test-only
	$(MAKE) check-asan
	$(MAKE) check-tsan
	$(MAKE) check-clang
	$(MAKE) fuzz-text
	$(MAKE) tidy

test-only:
	ctest --test-dir build --output-on-failure
	@echo 'Two faults at once, as each profile answers:'
	@build/test_model --filter 'vectors/*' 2>&1 | grep -E '^vector|Synthesis'

# The sanitizers see the same tests but those that only look at files, or mostly run a compiler.
check-asan:
	$(call configure,asan)
	$(call build,build/asan)
	ctest --test-dir build/asan --output-on-failure -E 'rooms|format|docs|guest_bytes|export'

# Executor, backends and runner with all their threads.
check-tsan:
	$(call configure,tsan)
	$(call build,build/tsan) --target vcpuspec plugin_race
	tools/check-threads build/tsan

# The parser of scripts and traces, on whatever a fuzzer makes of those in the tree.
FUZZ_SECONDS ?= 10
fuzz-text: ## fuzz the text form (FUZZ_SECONDS=10)
	$(call configure,fuzz)
	$(call build,build/fuzz) --target fuzz_text
	mkdir -p build/fuzz/corpus-text
	build/fuzz/fuzz_text -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 -rss_limit_mb=1024 \
	  -dict=fuzz/text.dict -artifact_prefix=build/fuzz/ -print_final_stats=1 \
	  build/fuzz/corpus-text conformance/scripts/*/ > build/fuzz/text.log 2>&1 || \
	  { tail -40 build/fuzz/text.log; exit 1; }
	@grep -E '^(Done|stat)' build/fuzz/text.log

# The other compiler's warnings, as errors.
check-clang:
	$(call configure,clang)
	$(call build,build/clang) --target vcpuspec

tidy: all ## clang-tidy, with .clang-tidy's checks as errors
	tools/check-tidy build

bench: packages-build ## speed, each as a ratio to its floor in the same run
	$(MAKE) all
	build/vcpuspec bench

docs: all ## the documents that are made from tables
	tools/make-docs build/docgen

format:
	tools/check-format --fix

packages-build:
	@tools/install-packages build

packages-test:
	@tools/install-packages build test

install: all ## program, man page and headers
	DESTDIR=$(DESTDIR) cmake --install build --prefix $(PREFIX)

clean:
	rm -rf build
