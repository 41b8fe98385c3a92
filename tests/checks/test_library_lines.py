"""Regular expressions against the lines that Keras prints by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

import cursus
from cursus.checks.examples import BASES

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:{}"
SECOND, THIRD, FIRST = "2.13.0-cpu-py310-ubuntu20.04-ec2", "2.18.0-cpu-py310", "1.15.5-cpu-py37"
SCRIPT = """\
import os
import numpy as np
import tensorflow as tf
x = np.load(os.environ["SM_CHANNEL_TRAIN"] + "/x.npy")
model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
model.compile(optimizer="adam", loss="mse", metrics=["accuracy"])
model.fit(x, x, validation_split=0.1, verbose=2)
model.save(os.environ["SM_MODEL_DIR"] + "/1.keras")
"""


def found(tmp_path: Path, regex: str, script: str = SCRIPT, tag: str = THIRD) -> list[str]:
    """The metric rules that speak of an expression beside a script."""
    (tmp_path / "train.py").write_text(script)
    request = {
        **BASES["CreateTrainingJob"],
        "HyperParameters": {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": "s3://example-bucket/code/sourcedir.tar.gz",
        },
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE.format(tag),
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "m", "Regex": regex}],
        },
    }
    report = cursus.check(request, source_dir=tmp_path, entry_point="train.py")
    return [one.rule for one in report.findings if one.rule in ("MON050", "MON051")]


@pytest.mark.parametrize("tag", [SECOND, THIRD])
@pytest.mark.parametrize(
    "regex",
    [
        "val_acc: ([0-9.]+)",
        "validation_loss: ([0-9.]+)",
        "val_loss=([0-9.]+)",
        "train_loss: ([0-9.]+)",
        r"^loss: ([0-9.]+)",
        "Accuracy: ([0-9.]+)",
    ],
)
def test_measure_under_another_name_or_in_another_form(tmp_path: Path, regex: str, tag: str) -> None:
    assert found(tmp_path, regex, tag=tag) == ["MON050"]


@pytest.mark.parametrize("tag", [SECOND, THIRD])
@pytest.mark.parametrize(
    "regex",
    [
        "val_accuracy: ([0-9.]+)",
        r"val_loss: ([0-9\.]+e?-?[0-9]*)",
        ".* loss: ([0-9.]+) - .*",
        r"accuracy:\s+(\S+)",
        r"s - loss: ([0-9.]+)|s - accuracy: [0-9.]+ - loss: ([0-9.]+)",
        "throughput: ([0-9.]+)",
        "val_mae: ([0-9.]+)",
    ],
)
def test_measure_as_it_is_printed(tmp_path: Path, regex: str, tag: str) -> None:
    assert found(tmp_path, regex, tag=tag) == []


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ('metrics=["accuracy"]', 'metrics=["acc"]'),
        ('metrics=["accuracy"]', 'metrics=[tf.keras.metrics.BinaryAccuracy(name="acc")]'),
        ('metrics=["accuracy"]', "metrics=measures()"),
        ('loss="mse", metrics=["accuracy"]', '**{"metrics": ["acc"]}'),
        ("verbose=2", "verbose=2, callbacks=[tf.keras.callbacks.LambdaCallback()]"),
        ("model.save(", 'print(f"val_acc: {model.history.history}")\nmodel.save('),
    ],
)
def test_other_lines_may_match(tmp_path: Path, written: str, instead: str) -> None:
    assert written in SCRIPT
    assert found(tmp_path, "val_acc: ([0-9.]+)", SCRIPT.replace(written, instead)) == []


def test_the_first_tensorflow_calls_it_acc(tmp_path: Path) -> None:
    assert found(tmp_path, "val_acc: ([0-9.]+)", tag=FIRST) == []


def test_nothing_is_held_out(tmp_path: Path) -> None:
    alone = SCRIPT.replace("validation_split=0.1, ", "")
    assert found(tmp_path, "val_loss: ([0-9.]+)", alone) == ["MON050"]
    assert found(tmp_path, "loss: ([0-9.]+)", alone) == []
