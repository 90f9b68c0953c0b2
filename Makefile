# Everything runs in .venv, made from scratch; `make demo` and `make test` are all a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: demo test lint bench install clean

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	touch $@

$(VENV)/.demo: $(VENV)/.installed
	$(PIP) -e '.[html]'
	touch $@

$(VENV)/.test: $(VENV)/.installed
	$(PIP) -e '.[all,test]'
	touch $@

$(VENV)/.lint: $(VENV)/.installed
	$(PIP) -e '.[all,test,lint]'
	touch $@

install: $(VENV)/.installed

demo: $(VENV)/.demo
	mkdir -p build
	$(BIN)/orgsim simulate samples/proposal --logs samples/logs --organization samples/organization.json \
	  -o build/impact.html -o build/impact.md -o build/impact.json -o build/impact.csv -o build/impact.graphml \
	  --fail-on none

test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build
