"""What the package says of itself."""

from __future__ import annotations

from importlib import resources


def test_type_checkers_read_the_types() -> None:
    assert resources.files("cursus").joinpath("py.typed").is_file()
