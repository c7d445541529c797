# The two commands of the README: `make up` and `make test`. Both set everything up by themselves.
VENV   := .venv
LLM    := .venv-llm
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
PORT   ?= 8000

.PHONY: up test test-fast test-slow test-llm lint setup setup-test bench clean

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

test: setup-test lint ## everything that runs in under 15 minutes on 2 cores
	$(PY) -m pytest -m "not slow and not llm"

test-fast: setup-test ## unit and contract tests only
	$(PY) -m pytest -m "not slow and not e2e and not llm"

test-slow: setup-test ## soak and full-size checks
	$(PY) -m pytest -m "slow and not llm"

test-llm: setup-test $(LLM)/.installed ## answers by a real language model server, with models of a few megabytes
	HF_HUB_OFFLINE=1 $(PY) -m pytest -m llm

$(LLM)/.installed: tools/install_llm.sh requirements-llm.txt
	@[ -x $(LLM)/bin/python ] || tools/make_venv.sh $(LLM)
	@tools/install_llm.sh $(LLM)
	@touch $@

lint: setup-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: setup-test    ## prints one JSON object a benchmark
	$(PY) -m benchmarks rig --json
	$(PY) -m benchmarks conversation --json
	$(PY) -m benchmarks rag --json
	$(PY) -m benchmarks rag_corpora --json
	$(PY) -m benchmarks rag_scale --json

clean:
	rm -rf $(VENV) $(LLM) var
