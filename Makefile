# Everything runs in .venv, which is made by the first target that needs it. Needed: Python, make, a package index.
# For another Python:              make test PYTHON=python3.12
# For a part of the tests:         make test PYTEST_OPTIONS="-x tests/layers"
# For another PyTorch:             make test-backends TORCH=torch==2.13.0
# For a short measurement:         make bench BENCH_OPTIONS="--runs 1 --epochs 3"

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?=
# Apart from .venv, where TensorFlow is. A build for the CPU: the one that constraints.txt names brings gigabytes of CUDA.
TORCH_VENV := .venv-torch
TORCH ?= torch==2.13.0+cpu
LIGHTNING ?= lightning==2.6.6
BENCH_OPTIONS ?= --verdict
# Two processes, each with its own TensorFlow; a file stays together, so its fixtures are made once, and the longest
# come first, see tests/conftest.py.
PYTEST_OPTIONS ?= -n 2 --dist loadfile --no-loadscope-reorder
# The names are the folder's name too: A-vs-B.
DEMO := colors_dnn colors_cnn

.DEFAULT_GOAL := help
# Seconds of fuzzing for each reader.
FUZZ_SECONDS ?= 30
FUZZ_READERS ?= yaml layers keras-config set where idx idx-gzip npz-archive npz-set cifar-archive pickle-data png jpeg \
    other-images keras-archive run-run.json run-result.json run-environment.json run-history.csv run-config.yaml \
    run-predictions.npz checkpoint cached-facts cached-labels

.PHONY: help demo test test-backends test-cluster test-device torch chaos fuzz check lint types bench reproduce notebook lock clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/base  ## Compare a DNN with a CNN on generated images, in about a minute and without downloads
	$(BIN)/cnnlab compare $(DEMO) --out experiments/demo
	@folder="experiments/demo/comparisons/$(firstword $(DEMO))-vs-$(lastword $(DEMO))"; \
	printf '\nThe table:  %s/table.md\nThe curves: %s/curves.png\n' "$$folder" "$$folder"

test: $(VENV)/dev  ## Run the tests
	$(BIN)/python -m pytest $(PYTEST_OPTIONS)

test-backends: $(VENV)/dev $(TORCH_VENV)/ready  ## Run the tests of JAX and PyTorch, each apart from TensorFlow
	CNNLAB_TORCH_PYTHON=$(CURDIR)/$(TORCH_VENV)/bin/python $(BIN)/python -m pytest $(PYTEST_OPTIONS) \
	    -m "other_backends and not slow"

# Ray stays in .venv: from then on, make test includes these tests.
test-cluster: $(VENV)/dev  ## Install Ray and run the tests of --on ray, on a cluster on this machine
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[ray]'
	$(BIN)/python -m pytest -n 0 tests/cli/test_cluster.py tests/run_folders/test_mirror.py

torch: $(TORCH_VENV)/ready  ## Make .venv-torch: cnnlab with PyTorch for the CPU, without TensorFlow

# TensorFlow reads the variable when it starts; without it, cnnlab asks for oneDNN.
test-device: $(VENV)/dev  ## Run the tests that depend on the device as on a CPU without oneDNN
	TF_ENABLE_ONEDNN_OPTS=0 $(BIN)/python -m pytest $(PYTEST_OPTIONS) -m "device and not other_backends and not slow"

chaos: $(VENV)/dev  ## Kill, crash and fill the disk: no run may be lost (about an hour; best as root)
	CHAOS=full $(BIN)/python -m pytest $(PYTEST_OPTIONS) tests/chaos

fuzz: $(VENV)/dev  ## Feed every reader with damaged files for FUZZ_SECONDS=30 each
	@if $(BIN)/python -c 'import atheris' 2> /dev/null || $(BIN)/python -m pip install --quiet \
	        --disable-pip-version-check --constraint constraints.txt --editable '.[fuzz]'; then \
	    for reader in $(FUZZ_READERS); do \
	        echo "== $$reader"; $(BIN)/python -m tests.corpus.fuzz "$$reader" $(FUZZ_SECONDS) || exit 1; \
	    done; \
	else \
	    echo "atheris cannot be installed, see above: hypothesis tries random files, without its guidance"; \
	    FUZZ_SECONDS=$(FUZZ_SECONDS) HYPOTHESIS_PROFILE=explore \
	        $(BIN)/python -m pytest tests/corpus/test_mutations.py; \
	fi

check: lint types test  ## Run everything that must pass before a commit

lint: $(VENV)/dev  ## Check style, format and imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-cache

types: $(VENV)/dev  ## Check types
	$(BIN)/mypy

bench: $(VENV)/dev  ## Measure cnnlab beside plain Keras, PyTorch and Lightning, and write bench/RESULTS.md
	@$(MAKE) $(TORCH_VENV)/lightning || echo "PyTorch or Lightning cannot be installed, see above: left out"
	$(BIN)/python bench/training_speed.py --torch-python $(TORCH_VENV)/bin/python $(BENCH_OPTIONS)

reproduce: $(VENV)/base  ## Train all experiments of experiments/RESULTS.md and write it again
	$(BIN)/python bench/reproduce.py --sample docs/dnn-vs-cnn.html
	$(BIN)/cnnlab live cnn -o docs/live-cnn.html

notebook: $(VENV)/dev  ## Run the tutorial notebook and keep its outputs
	cd docs && ../$(BIN)/jupyter execute --inplace tutorial.ipynb

lock: $(VENV)/dev  ## Update constraints.txt: one set of versions for all supported Python versions
	$(BIN)/python -m pip install --quiet uv
	{ sed -n '/^#/p' constraints.txt; $(BIN)/uv pip compile pyproject.toml --all-extras --universal \
	    --python-version 3.11 --fork-strategy fewest --no-header --no-annotate --quiet; } > constraints.new
	mv constraints.new constraints.txt

clean:  ## Remove .venv, builds and caches; keep runs and data
	rm -rf $(VENV) $(TORCH_VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find cnnlab tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# The files base and dev are stamps: what is installed is as new as they are.
$(VENV)/base: pyproject.toml constraints.txt
	@$(MAKE_VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/dev: pyproject.toml constraints.txt
	@$(MAKE_VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(VENV)/base $@

# cnnlab comes by PYTHONPATH: installed, it would want TensorFlow.
$(TORCH_VENV)/ready: pyproject.toml constraints.txt | $(VENV)/base
	$(BIN)/python -m venv --clear $(TORCH_VENV)
	$(BIN)/python -c 'import tomllib; \
	    needed = tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]; \
	    print("$(TORCH)", *(each for each in needed if not each.startswith("tensorflow")), sep="\n")' \
	    > $(TORCH_VENV)/requirements.txt
	grep -v '^torch==' constraints.txt > $(TORCH_VENV)/constraints.txt
	$(TORCH_VENV)/bin/python -m pip install --disable-pip-version-check \
	    --constraint $(TORCH_VENV)/constraints.txt --requirement $(TORCH_VENV)/requirements.txt
	@touch $@

# For make bench only: the tests need no Lightning.
$(TORCH_VENV)/lightning: $(TORCH_VENV)/ready
	$(TORCH_VENV)/bin/python -m pip install --disable-pip-version-check \
	    --constraint $(TORCH_VENV)/constraints.txt $(LIGHTNING)
	@touch $@

# A .venv that works is kept. Otherwise the first Python that is new enough makes one.
define MAKE_VENV
if $(BIN)/python -m pip --version > /dev/null 2>&1; then exit 0; fi; \
for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
    if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2> /dev/null; then \
        echo "Making $(VENV) with $$($$python --version)"; \
        exec $$python -m venv --clear $(VENV); \
    fi; \
done; \
echo "cnnlab needs Python 3.11, 3.12 or 3.13; found: $$($(or $(PYTHON),python3) --version 2>&1)." \
     "Install one, or name it: make $(or $(MAKECMDGOALS),demo) PYTHON=/path/to/python3.12" >&2; \
exit 1
endef
