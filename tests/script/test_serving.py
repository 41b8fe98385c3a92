"""What an endpoint would load, read from the functions for it."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

from cursus.script.serving import loaded_names, misnamed_function


def test_files_that_model_fn_opens_are_named_below_the_users_directory(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "inference.py").write_text(
        "import os\ndef model_fn(model_dir):\n    return open(os.path.join(model_dir, 'model.bin')).read()\n"
    )
    found = list(loaded_names(tmp_path, "src/"))
    assert [(name, str(place)) for name, place in found] == [("model.bin", "src/code/inference.py:3")]
    assert [place.file for _, place in loaded_names(tmp_path, ".")] == ["code/inference.py"]


def test_a_function_of_nearly_the_name_is_found_and_nothing_is_printed(tmp_path: Path) -> None:
    script = tmp_path / "inference.py"
    script.write_text(
        "PATTERN = '\\d'\ndef load_model(model_dir):\n    return 1\ndef predict_fn(data, model):\n    return 1\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert misnamed_function(script) == ("load_model", "model_fn", 2)


@pytest.mark.parametrize("content", ["def model_fn(", "def model_fn(): return " + "(" * 5000])
def test_what_is_no_python_is_passed_over(tmp_path: Path, content: str) -> None:
    (tmp_path / "inference.py").write_text(content)
    assert not list(loaded_names(tmp_path, "src"))
    assert misnamed_function(tmp_path / "inference.py") is None


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "inference.py")
    assert not list(loaded_names(tmp_path, "src"))
