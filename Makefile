# make demo   the main job, on a fresh machine: sets everything up, then trains a tiny model and reports
# make test   the tests            make lint   ruff and mypy
# make peers  our adapters driven by the real frameworks: docs/peers.md (PEER="trl verl": these alone)
# make bench  the benchmarks       make smoke  build the wheel, install it in a fresh environment, try it
# make gpu    what only a CUDA machine can check, in under nine minutes; any Python that has a CUDA build of torch
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
WORKERS ?= 2

.PHONY: demo test lint peers bench smoke gpu clean
demo: $(VENV)/.demo
	$(BIN)/veritune train examples/arithmetic.yaml

# Rewritten assertions are kept, also where the environment forbids it: eight seconds less the next time.
test: $(VENV)/.dev
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

PEER ?=
peers: $(VENV)/.dev
	$(BIN)/python tests/peers/run.py $(PEER)

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks all

smoke: $(VENV)/.dev
	$(BIN)/python .ci/smoke.py

# Without the environment above, whose torch is for the CPU: GPU_PYTHON has a CUDA build and our dependencies.
GPU_PYTHON ?= python3
gpu:
	PYTHONPATH=src $(GPU_PYTHON) benchmarks/gpu_gate.py

# A Python that is too old or too new is refused before anything is made, and what a failed attempt left is made anew.
# torch first and by its exact version: a range would pick another build, with gigabytes of CUDA packages.
$(VENV)/.torch:
	@$(PYTHON) .ci/python_version.py || { echo "Name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) torch==2.13.0
	touch $@

$(VENV)/.demo: $(VENV)/.torch pyproject.toml constraints.txt
	$(PIP) -c constraints.txt -e '.[train,lang]'
	touch $@

$(VENV)/.dev: $(VENV)/.demo
	$(PIP) -c constraints.txt -e '.[train,trl,lang,zh,structured,translation,judge,serve,ray,dev]'
	$(PIP) -c constraints.txt -e '.[reasoning-gym]' || echo "reasoning-gym was not installed: its tests are skipped"
	touch $@

clean:
	rm -rf $(VENV) build dist runs .pytest_cache .mypy_cache .ruff_cache
