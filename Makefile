# SPDX-License-Identifier: BSD-3-Clause
# The front door. Behind it is plain CMake with presets, for those who have the packages.
MAKEFLAGS += --no-print-directory
JOBS ?= $(shell nproc)
DESTDIR ?=
PREFIX ?= /usr/local
FAULTS ?= 10

# CMake's make has jobs of its own.
configure = cmake --preset $(1) > /dev/null
build = env -u MAKEFLAGS -u MFLAGS cmake --build $(1) -j $(JOBS)
# More than there are CPUs: many tests wait.
ctest = ctest --test-dir $(1) --output-on-failure -j $$(($(JOBS) + 2))

.PHONY: all conform check test test-long test-all check-prove check-reproducible check-templates fuzzers corpus power check-asan check-asan-long check-asan-all check-tsan check-clang fuzz fuzz-afl tidy bench speed hooks release-check docs statements picture \
        coverage model-mutants selftest prove lab lab-x86 lab-arm64 lab-packages lab-programs lab-programs-x64 lab-programs-arm64 format deb install packages-build packages-test packages-fuzz \
        packages-afl packages-prove clean

all: ## build build/vcpuspec
	$(call configure,release)
	$(call build,build)

conform: packages-build ## the main job: judge the built-in backends that this machine can run
	$(MAKE) all
	build/vcpuspec run

check: ## the inner loop: builds what changed, and runs the tests that find most mistakes soonest
	@[ -e build/Makefile ] || tools/install-packages build fuzz test browser
	$(MAKE) all
	$(call ctest,build) -L quick

test: packages-test ## the tests, also under sanitizers: 7 minutes on two CPUs, 13 on a slow virtual machine
	$(MAKE) all
	$(call ctest,build) -LE 'long|release'
	$(MAKE) check-asan
	tools/check-tidy --changed build
	@echo 'Two faults at once, as each profile answers:'
	@build/test_model --filter 'vectors/*' 2>&1 | grep -E '^vector|Synthesis'

test-long: packages-test packages-prove packages-coverage ## what takes longer: sanitizers, the proof, every fuzz target
	$(MAKE) all
	VS_FAULTS_TOTAL=$(FAULTS) $(call ctest,build) -L long
	$(MAKE) check-asan-long
	$(MAKE) -j $(JOBS) -O JOBS=1 FUZZ_SECONDS=10 MODEL_MUTANTS='$(or $(MODEL_MUTANTS),--every 80)' \
	    tidy check-prove check-tsan check-templates model-mutants fuzz check-reproducible check-clang coverage

test-all: ## before a release: test, test-long, and whole what they take a part of
	$(MAKE) test
	$(MAKE) test-long
	$(call ctest,build) -L release
	VS_FAULTS_TOTAL=300 $(call ctest,build) -R '^test_faults$$'
	$(MAKE) check-asan-all model-mutants

# Nothing in these is a test of time, so they share the CPUs.
check-prove:
	tools/prove
check-reproducible:
	tools/check-reproducible
check-templates:
	tools/check-ci-templates --whole build

# In make test the sanitizers see what reads foreign bytes, and the executor. In make test-long they leave out
# what judges the whole suite again and again, by code that other tests run as well. In make test-all they see
# all tests but those of `tools`, where nothing is ours, those of campaigns and faults, which are tests of time,
# and some that are whole elsewhere (`repeated`).
# docs/testing.md tells which test is run where.
repeated = campaign|faults|(rules|diff|export|shim|lint|edits_.*)_whole
check-asan:
	$(call configure,asan)
	$(call build,build/asan) --target sanitized
	$(call ctest,build/asan) -L sanitized

check-asan-long:
	$(call configure,asan)
	$(call build,build/asan)
	$(call ctest,build/asan) -LE 'tools|sanitized' -E '$(repeated)|test_(coverage|diff|export|lab|results|rules|selftest|statement|sweep|traces)'

check-asan-all:
	$(call configure,asan)
	$(call build,build/asan)
	$(call ctest,build/asan) -LE tools -E '$(repeated)'

# What tests without fuzzing run of model/: all of it.
coverage: packages-coverage ## lines and branches of the model that its tests run, and a report
	$(call configure,coverage)
	$(call build,build/coverage) --target test_model test_race
	tools/coverage --self-test build/coverage
	tools/coverage build/coverage

# Every row of the model's tables, perturbed: MODEL_MUTANTS=--source for its code as well, '--every 80' for
# some, beginning with another at each commit.
model-mutants: packages-build packages-coverage ## do the tests notice each change of the model?
	tools/model-mutants --self-test
	tools/model-mutants $(MODEL_MUTANTS)

# Executor, backends and runner with all their threads.
check-tsan:
	$(call configure,tsan)
	$(call build,build/tsan) --target vcpuspec plugin_race
	tools/check-threads build/tsan

fuzzers: packages-fuzz ## build what vcpuspec fuzz runs
	$(MAKE) all

# Every target of fuzz/targets, one after the other.
fuzz: packages-fuzz ## fuzz everything (FUZZ_SECONDS=60, for each target)
	$(call configure,libfuzzer)
	$(call build,build/libfuzzer) --target fuzzers
	tools/run-fuzzers libfuzzer build/libfuzzer $(or $(FUZZ_SECONDS),60)

fuzz-afl: packages-afl ## the same under AFL++ (FUZZ_SECONDS=10)
	$(call configure,afl)
	AFL_QUIET=1 $(call build,build/afl) --target fuzzers
	tools/run-fuzzers afl build/afl $(or $(FUZZ_SECONDS),10)

# The other compiler's warnings, as errors.
check-clang:
	$(call configure,clang)
	$(call build,build/clang) --target vcpuspec

tidy: all ## clang-tidy, with .clang-tidy's checks as errors
	tools/check-tidy build

selftest: packages-build ## the suite judged: every mutant caught, nothing flagged that is permitted
	$(MAKE) all
	build/vcpuspec selftest --report html:build/selftest.html --report json:build/selftest.json

prove: packages-prove ## the rules of rules/, proved for every input; and planted mistakes not proved
	tools/prove
	tools/prove --self-test

lab: lab-packages ## KVM of stock kernels, x86-64 and arm64, booted under emulation, beside the backends here
	$(MAKE) lab-programs
	build/vcpuspec lab --output build/lab --report html:build/lab.html --report json:build/lab.json

lab-x86: lab-packages ## the same, of x86-64 alone
	$(MAKE) lab-programs-x64
	build/vcpuspec lab --lane x64 --output build/lab --report html:build/lab.html --report json:build/lab.json

lab-arm64: lab-packages ## the same, of arm64 alone
	$(MAKE) lab-programs-arm64
	build/vcpuspec lab --lane arm64 --output build/lab --report html:build/lab.html --report json:build/lab.json

lab-packages: packages-build
	@tools/install-packages lab
	@tools/lab-packages

lab-programs: lab-programs-x64 lab-programs-arm64

# What a guest runs; here, and installed beside vcpuspec, `vcpuspec lab` finds them.
lab-programs-x64 lab-programs-arm64: lab-programs-%: all
	$(call configure,lab-$*)
	$(call build,build/lab-$*) --target vcpuspec lab-init

bench: packages-build ## speed, each as a ratio to its floor in the same run
	$(MAKE) all
	build/vcpuspec bench

speed: fuzzers ## docs/speed.md, measured on this machine (some minutes, and nothing else to do for it)
	@[ ! -e build/libfuzzer/Makefile ] || $(call build,build/libfuzzer) --target fuzzers
	tools/measure-speed

picture: all ## docs/report.png and, after `make statements`, docs/statements.png
	tools/install-packages browser
	tools/report-picture docs/report.png
	[ ! -e build/statements/index.html ] || tools/report-picture docs/statements.png build/statements/index.html

statements: all ## what the built-in backends, and the kernels of a `make lab` before, conform to, and their page
	tools/make-statements build

docs: all ## the documents that are made from tables
	tools/make-docs build/docgen

corpus: fuzzers ## the committed corpora of the fuzz targets, from the cases
	tools/make-corpus build

power: fuzzers ## how soon each planted defect is found (40 minutes; docs/fuzzing.md)
	tools/fuzz-measure power

format:
	tools/check-format --fix

hooks: ## git runs the checks that take seconds before each commit
	tools/pre-commit --install

release-check: all ## the list that a release goes through
	tools/release-check

packages-build:
	@tools/install-packages build

packages-test:
	@tools/install-packages build fuzz test browser

packages-coverage:
	@tools/install-packages build coverage

packages-fuzz:
	@tools/install-packages build fuzz

packages-afl:
	@tools/install-packages build fuzz afl

packages-prove:
	@tools/install-packages prove

deb: packages-fuzz ## build/vcpuspec_VERSION_ARCH.deb, with the fuzzers
	$(MAKE) all
	tools/make-deb build build

install: all ## program, man page, headers, completions
	DESTDIR=$(DESTDIR) cmake --install build --prefix $(PREFIX)

clean:
	rm -rf build
