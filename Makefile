# Every target sets up what it needs (tools/setup.sh); a set-up that is still valid costs a fraction of a second.
# Options: PYTHON=python3.12 chooses the interpreter, ARGS='...' is handed to the command, JOBS=N sets pytest's workers.

PYTHON ?=
ARGS   ?=
JOBS   ?= 2
BIN    := .venv/bin

.PHONY: help setup demo test test-full lint lock generated mutants rtl-mutants coverage

help:
	@echo 'make demo       set up, then run the whole chain: drai-hw build letters'
	@echo 'make test       set up, then the quick tests'
	@echo 'make test-full  set up, then all tests, the heavy ones too'
	@echo 'make lint       set up, then ruff and mypy'
	@echo 'make generated  set up, then remake the committed files of rtl/, spice/, sim/ and the made pages'
	@echo 'make mutants    set up, then change the learning rules bit by bit and see tests fail; what changed since, or all with ARGS=--fresh'
	@echo 'make rtl-mutants  set up, then change the units of the RTL bit by bit and see benches fail; what changed since, or all with ARGS=--fresh'
	@echo 'make coverage   set up, then count the lines of the model that quick tests reach'
	@echo 'make setup      only set up: .venv, locked packages, system programs'
	@echo 'make lock       renew requirements.lock from pyproject.toml'

setup:
	@PYTHON='$(PYTHON)' sh tools/setup.sh

demo: setup
	$(BIN)/drai-hw build letters $(ARGS)

test: setup
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m 'not full' $(ARGS)

test-full: setup
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Not in test-full, because a fresh run takes an hour or so; tests/test_mutants.py tells when its page is out of date.
mutants: setup
	$(BIN)/python -m tools.mutants --jobs $(JOBS) $(ARGS)

rtl-mutants: setup
	$(BIN)/python -m tools.rtl_mutants $(ARGS)

coverage: setup
	$(BIN)/python -m tools.mutants.lines
	$(BIN)/python -m tools.mutants --page

# boards/ is left out: its figures come from long builds, see boards/README.md.
generated: setup
	$(BIN)/drai-hw rtl pair -o rtl/pair
	$(BIN)/drai-hw rtl letters -o rtl/letters
	$(BIN)/drai-hw sim pair --bench sim/pair
	$(BIN)/drai-hw sim letters --bench sim/letters
	$(BIN)/drai-hw spice pair --circuit lc -o spice/pair
	$(BIN)/drai-hw spice pair --circuit ring -o spice/pair
	$(BIN)/drai-hw spice letters --circuit lc -o spice/letters
	$(BIN)/python -m drai_hw.spice.memristors
	$(BIN)/python -m drai_hw.rtl.registers_doc
	$(BIN)/python -m drai_hw.sim.ports_doc
	$(BIN)/python -m drai_hw.report.schematics
	$(BIN)/python -m drai_hw.report.energy_bars
	$(BIN)/python -m drai_hw.report.spread

# Pins that pyproject.toml still allows are kept; 'make lock ARGS=--upgrade' renews them all.
lock: setup
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	  --extra fpga --extra sim --extra formal --extra spice --extra fast --extra bench --extra crossbars --extra dev \
	  --overrides tools/overrides.txt \
	  --no-emit-index-url --no-emit-find-links --no-config --custom-compile-command 'make lock' \
	  --output-file requirements.lock $(ARGS) pyproject.toml
