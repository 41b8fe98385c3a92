"""What an endpoint would load, read from the functions for it."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

from cursus.script.data.serving import excluded_function, loaded_names, misnamed_function, misshaped_function


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


MODEL_FN = "def model_fn(model_dir):\n    return 1\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (MODEL_FN + "def input_fn(path):\n    return 1\n", ("input_fn", "path", 3)),
        (MODEL_FN + "def predict_fn(model, data):\n    return 1\n", ("predict_fn", "model, data", 3)),
        (MODEL_FN + "def predict_fn(data, model):\n    return 1\n", None),
        (MODEL_FN + "def predict_fn(data, model_and_tokenizer, context):\n    return 1\n", None),
        (MODEL_FN + "def output_fn(prediction, accept='text/csv'):\n    return 1\n", None),
        (MODEL_FN + "def input_fn(*given):\n    return 1\n", None),
        (
            "def input_fn(path):\n    return 1\n",
            None,
        ),  # a function of the training, which no endpoint looks at
        (
            "def model_fn(features, labels, mode, params):\n    return 1\n",
            ("model_fn", "features, labels, mode, params", 1),
        ),
    ],
)
def test_a_handler_that_takes_other_arguments(
    tmp_path: Path, code: str, expected: tuple[str, str, int] | None
) -> None:
    (tmp_path / "train.py").write_text(code)
    assert misshaped_function(tmp_path / "train.py") == expected


def test_a_transform_function_excludes_the_others(tmp_path: Path) -> None:
    script = tmp_path / "inference.py"
    script.write_text(MODEL_FN + "def transform_fn(model, body, kind, accept):\n    return 1\n")
    assert excluded_function(script) is None
    script.write_text(script.read_text() + "def output_fn(prediction, accept):\n    return 1\n")
    assert excluded_function(script) == ("output_fn", 5)


def test_a_file_name_that_is_set_before_is_followed(tmp_path: Path) -> None:
    (tmp_path / "inference.py").write_text(
        "import os\ndef model_fn(model_dir):\n    name = 'model.bin'\n    return open(os.path.join(model_dir, name))\n"
    )
    assert [name for name, _ in loaded_names(tmp_path, "src")] == ["model.bin"]
