# SPDX-License-Identifier: Apache-2.0
# A thin front door: meson and ninja do the work, scripts/ and tests/run the rest.

PREFIX ?= /usr/local
BUILD  ?= build
# Whose VMs `make bench` measures: auto, qemu, firecracker.
ENGINE ?= auto
# What a fuzzing session may take, per target, in seconds.
FUZZ_SECONDS ?= 60

# A Firecracker for the lab's guests; without one its tests do with a fake.
FIRECRACKER ?=

export DESTDIR FIRECRACKER

.PHONY: all demo test lab bench bench-lab lint fuzz install uninstall clean deps

all: deps
	@scripts/build "$(BUILD)" "$(PREFIX)"

deps:
	@scripts/install-deps build

demo:
	@scripts/install-deps build run
	@scripts/build "$(BUILD)" "$(PREFIX)"
	@BUILD="$(BUILD)" scripts/demo

test:
	@scripts/install-deps build run kernel test
	@scripts/build "$(BUILD)" "$(PREFIX)"
	@BUILD="$(BUILD)" tests/run

# Only what needs the emulated machine; a part of `make test`.
lab:
	@scripts/install-deps build run kernel test
	@scripts/build "$(BUILD)" "$(PREFIX)"
	@BUILD="$(BUILD)" tests/run lab

bench:
	@scripts/install-deps build run bench
	@scripts/build "$(BUILD)" "$(PREFIX)"
	@BUILD="$(BUILD)" ENGINE="$(ENGINE)" bench/run
	@BUILD="$(BUILD)" bench/workspace
	@BUILD="$(BUILD)" bench/agent

# The engines side by side, where KVM works: in the lab. Ratios only, it is an emulated machine.
bench-lab:
	@scripts/install-deps build run kernel test
	@scripts/build "$(BUILD)" "$(PREFIX)"
	@BUILD="$(BUILD)" tests/lab/run --run bench/engines

lint:
	@scripts/install-deps build test
	@scripts/build "$(BUILD)" "$(PREFIX)"
	@BUILD="$(BUILD)" scripts/lint

fuzz:
	@scripts/install-deps build test
	@FUZZ_SECONDS="$(FUZZ_SECONDS)" scripts/fuzz

# Builds nothing as root that an ordinary user could not have built before.
install:
	@scripts/build "$(BUILD)" "$(PREFIX)"
	@meson install -C "$(BUILD)" --no-rebuild --quiet

uninstall:
	@ninja -C "$(BUILD)" uninstall

clean:
	rm -rf build build-*
