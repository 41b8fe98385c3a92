# `make demo` runs the main job on real data; `make test` is what has to pass. Both set up .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO_STAMP := $(VENV)/.installed-demo
# pip compiles what it installs, but not what it links to, and Python itself may be told not to (PYTHONDONTWRITEBYTECODE).
COMPILE := $(BIN)/python -m compileall -q src || true

.PHONY: demo test lint types pytest cases bench docs clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(DEMO_STAMP): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.' 'scikit-learn>=1.3'
	@$(COMPILE)
	@touch $@

$(STAMP): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,examples]'
	@$(COMPILE)
	@touch $@ $(DEMO_STAMP)

demo: $(DEMO_STAMP)
	@echo "A sound builder: its request is checked, its script is trained on real data, nine tests judge it."
	@$(BIN)/cursus test examples/sklearn_demo/builder.py:SklearnBuilder
	@echo
	@echo "The same builder with mistakes that people really make (the tests are meant to fail):"
	@$(BIN)/cursus test examples/sklearn_demo/builder.py:BrokenBuilder; test $$? -eq 1

test: lint types pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

pytest: $(STAMP)
	$(BIN)/python -m pytest -n 2 -q

cases: $(STAMP)
	$(BIN)/python benchmarks/cases.py

bench: $(STAMP)
	@for f in check_rate cold_check many_files local_overhead hosts jobs logs; do $(BIN)/python benchmarks/$$f.py; done

docs: $(STAMP)
	$(BIN)/python scripts/make_docs.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist
