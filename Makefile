# The door to the project. `make help` lists what it opens.

PACKAGES := build-essential cmake ninja-build libpython3.11-dev libpython3.11-stdlib libpython3.11-testsuite python3.11 \
            libgmp-dev libdouble-conversion-dev libexpat1-dev zlib1g-dev libreadline-dev unicode-data libcmocka-dev tzdata
STAMP := build/.packages
# `make install` installs the build with a profile, all else is done with the ordinary one, unless PRESET names another.
INSTALLED := $(if $(PRESET),$(PRESET),pgo)
PRESET ?= release
PYTHON := /usr/bin/python3.11
KRAIT := build/$(PRESET)/krait
PREFIX ?= /usr/local
export KRAIT_CCACHE := $(shell command -v ccache 2>/dev/null)

.PHONY: all build run test bench bench-operations bench-memory bench-allocator leaks debug sanitize test-sanitize pgo install clean help conformance check-bytecode check-memory check-packages fuzz

all: build

help:
	@echo "make             build build/release/krait"
	@echo "make run         install what is missing, build, and run examples/tour.py"
	@echo "make test        install what is missing, build, and run all tests"
	@echo "make bench       compare speed and start-up with python3.11"
	@echo "make bench-operations compare 1,400 single operations with python3.11 (some minutes)"
	@echo "make bench-memory compare memory with python3.11"
	@echo "make bench-allocator compare the allocator with glibc's and mimalloc (libmimalloc-dev)"
	@echo "make leaks       look for leaks with the debug build (MODULES='test_list ...' to choose)"
	@echo "make check-memory let every allocation fail, at start-up and in programs (takes an hour)"
	@echo "make debug       build with all checks         (build/debug/krait)"
	@echo "make sanitize    build with ASan and UBSan     (build/sanitize/krait)"
	@echo "make test-sanitize run all tests with it (takes an hour)"
	@echo "make pgo         build with profile and LTO    (build/pgo/krait; some minutes)"
	@echo "make conformance run CPython's test suite      (GROUP=language or MODULES='test_list test_dict')"
	@echo "make check-bytecode compare bytecode, trees and errors with python3.11"
	@echo "make check-packages run the tests of Debian's numpy, pandas ... as far as they are installed"
	@echo "make fuzz        fuzz source, text, marshal and pickle (half an hour each; SECONDS=, TARGETS=; needs clang)"
	@echo "make install     install the build with profile below PREFIX (/usr/local); PRESET=release installs the ordinary one"
	@echo "make clean       remove build/"

$(STAMP): Makefile
	@missing=""; for p in $(PACKAGES); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q "ok installed" || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
	    if [ "$$(id -u)" = 0 ]; then sudo=""; else sudo="sudo"; fi; \
	    if [ "$$(id -u)" = 0 ] || command -v sudo >/dev/null; then \
	        $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	    else \
	        echo "These packages are missing. Install them with:"; echo "    apt-get install $$missing"; exit 1; \
	    fi; \
	fi
	@mkdir -p build && touch $@

ifeq ($(PRESET),pgo)
build: pgo
else
build: $(STAMP)
	@[ -f build/$(PRESET)/build.ninja ] || cmake --preset $(PRESET) >/dev/null
	@cmake --build build/$(PRESET)
endif

run: build
	@$(KRAIT) examples/tour.py

test: build
	@$(PYTHON) tests/run.py --krait $(KRAIT)

bench: build
	@$(PYTHON) bench/run.py --krait $(KRAIT)

bench-operations: build
	@$(PYTHON) bench/operations.py --krait $(KRAIT)

bench-memory: build
	@$(PYTHON) bench/memory.py --krait $(KRAIT)

bench-allocator: build
	@/usr/bin/python3.11 bench/allocator.py --krait $(KRAIT)

check-memory: debug
	@$(PYTHON) tests/failing_allocations.py --krait build/debug/krait --jobs $$(nproc)

check-packages: build
	@$(PYTHON) tests/packages.py --krait $(KRAIT)

leaks: debug
	@$(PYTHON) tests/run.py --krait build/debug/krait --only 'programs/*'
	@$(PYTHON) tests/leak_check.py --krait build/debug/krait $(MODULES)

conformance: build
	@$(PYTHON) tests/conformance/run.py --krait $(KRAIT) --write \
	    $(if $(MODULES),,--group $(or $(GROUP),all)) $(MODULES)

fuzz:
	@tools/fuzz $(or $(SECONDS),1800) $(TARGETS)

check-bytecode: build
	@$(PYTHON) tests/bytecode/check.py --krait $(KRAIT)
	@$(PYTHON) tests/bytecode/wrong_programs.py --krait $(KRAIT) --count 20000
	@$(PYTHON) tests/bytecode/swap.py --krait $(KRAIT)

debug sanitize: $(STAMP)
	@$(MAKE) --no-print-directory PRESET=$@ build

test-sanitize: sanitize
	@$(PYTHON) tests/run.py --krait build/sanitize/krait --sanitizers

pgo: build/pgo/krait

# The profile is made anew whenever a source file changed: it belongs to one state of the code.
build/pgo/krait: $(shell find src bench/workloads bench/operations.* -type f -not -path '*/__pycache__/*') tools/build-pgo tools/freeze.py tools/start_order.ld tools/krait-embed.pc.in CMakeLists.txt | $(STAMP)
	@tools/build-pgo

install:
	@$(MAKE) --no-print-directory PRESET=$(INSTALLED) build
	install -D -m 755 build/$(INSTALLED)/krait $(DESTDIR)$(PREFIX)/bin/krait
	install -D -m 644 docs/krait.1 $(DESTDIR)$(PREFIX)/share/man/man1/krait.1
	install -D -m 644 build/$(INSTALLED)/libkrait.a $(DESTDIR)$(PREFIX)/lib/libkrait.a
	install -D -m 644 build/$(INSTALLED)/pkgconfig/krait-embed.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig/krait-embed.pc

clean:
	rm -rf build
