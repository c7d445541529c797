# The two commands of the README: `make up` and `make test`. Both set everything up by themselves.
VENV   := .venv
LLM    := .venv-llm
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
PORT   ?= 8000

.PHONY: up test test-fast test-slow test-llm lint setup setup-test setup-torch bench clean

up: setup            ## start the avatar and print its address
	$(VENV)/bin/flashback up --port $(PORT)

setup: $(STAMP)      ## virtual environment, packages, compiled kernels

$(VENV)/bin/python:
	@tools/make_venv.sh $(VENV)

$(STAMP): $(VENV)/bin/python pyproject.toml requirements.txt requirements-nodeps.txt hatch_build.py $(wildcard proto/flashback/*/*.proto)
	@tools/install.sh $(VENV) requirements.txt
	@$(PY) -m services.renderer.engines.rig.warm
	@touch $@

setup-test: setup    ## what the tests need on top: developer packages, and Chromium when run as root on Debian
	@tools/install.sh $(VENV) requirements-dev.txt
	@tools/install_chromium.sh

setup-torch: setup-test ## torch for the CPU, and what the tests of neural networks need beside it
	@tools/install_torch.sh $(VENV) requirements-torch.txt

test: setup-torch lint ## everything that runs in under 15 minutes on 2 cores
	$(PY) -m pytest -m "not slow and not llm"

test-fast: setup-test ## unit and contract tests only
	@echo "left out: tests of neural networks (tests/parity, need torch), end-to-end, slow and language model server tests"
	$(PY) -m pytest -m "not slow and not e2e and not llm" --ignore=tests/parity

test-slow: setup-torch ## soak and full-size checks
	$(PY) -m pytest -m "slow and not llm"

test-llm: setup-test $(LLM)/.installed ## answers by a real language model server, with models of a few megabytes
	HF_HUB_OFFLINE=1 $(PY) -m pytest -m llm

$(LLM)/.installed: tools/install_torch.sh requirements-llm.txt
	@[ -x $(LLM)/bin/python ] || tools/make_venv.sh $(LLM)
	@tools/install_torch.sh $(LLM) requirements-llm.txt
	@touch $@

lint: setup-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: setup-torch   ## prints one JSON object a benchmark
	$(PY) -m benchmarks rig --json
	$(PY) -m benchmarks conversation --json
	$(PY) -m benchmarks rag --json
	$(PY) -m benchmarks rag_corpora --json
	$(PY) -m benchmarks rag_scale --json
	$(PY) -m benchmarks emotalk --json

clean:
	rm -rf $(VENV) $(LLM) var
