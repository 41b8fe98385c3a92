"""Findings on a builder stand at the line and column where the value is written, whatever form it is written in.

``<HERE>`` stands before the value at which the finding on ``ResourceConfig.InstanceType`` (RES001) is to stand.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.steps.written.shapes import SHAPES
from tests.steps.written.sources import made, where


@pytest.mark.parametrize("shape", SHAPES)
def test_instance_type(tmp_path: Path, shape: str) -> None:
    target, line, column = made(tmp_path, SHAPES[shape])
    place = where(target)
    assert (place.line, place.column) == (line, column)
