"""The built-in algorithms: what each takes."""

from __future__ import annotations

import re

import pytest

from cursus.aws import algorithms
from cursus.aws.algorithms import Hyperparameter

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost"
NAMES = (
    *("linear-learner", "kmeans", "pca", "factorization-machines", "knn", "ntm", "lda", "blazingtext"),
    *("object2vec", "seq2seq", "randomcutforest", "ipinsights", "forecasting-deepar"),
    *("image-classification", "object-detection", "semantic-segmentation", "xgboost"),
)


@pytest.mark.parametrize("name", NAMES)
def test_every_algorithm_is_whole(name: str) -> None:
    found = algorithms.find(name)
    assert found is not None
    assert found.hyperparameters
    assert found.required_channels
    assert found.input_modes
    assert found.cpu or found.gpu
    assert found.source.startswith("https://docs.aws.amazon.com/")
    assert bool(found.metrics) or not found.tunable
    for hyperparameter in found.hyperparameters.values():
        if hyperparameter.tunable:
            assert hyperparameter.tunable_type in ("Integer", "Continuous", "Categorical")
            assert hyperparameter.recommended
            if hyperparameter.tunable_type == "Categorical" and hyperparameter.values:
                assert all(hyperparameter.problem(str(value)) is None for value in hyperparameter.recommended)


@pytest.mark.parametrize(
    "version", ["0.90-1", "0.90-2", "1.0-1", "1.2-1", "1.2-2", "1.3-1", "1.5-1", "1.7-1", "3.0-5"]
)
def test_each_xgboost_version(version: str) -> None:
    found = algorithms.find(f"{XGBOOST}:{version}")
    assert found is not None
    assert (found.name, found.version, found.exact) == ("xgboost", version, True)
    required = [each.name for each in found.hyperparameters.values() if each.required]
    assert required == ["num_round"]
    early = found.hyperparameters["early_stopping_rounds"]
    assert not early.tunable
    assert found.hyperparameters["eta"].tunable
    assert found.metrics["validation:auc"] == "Maximize"
    assert found.metrics["validation:rmse"] == "Minimize"


def test_versions_of_xgboost_differ() -> None:
    old, new = algorithms.find(f"{XGBOOST}:1.0-1"), algorithms.find(f"{XGBOOST}:1.7-1")
    assert old is not None
    assert new is not None
    assert "gpu_hist" not in old.hyperparameters["tree_method"].values
    assert "gpu_hist" in new.hyperparameters["tree_method"].values
    assert "silent" in old.hyperparameters
    assert "silent" not in new.hyperparameters
    assert (old.gpu, new.gpu) == (False, True)
    assert new.hyperparameter("learning_rate") is new.hyperparameters["eta"]


def test_an_unknown_version_is_said_to_be_inexact() -> None:
    found = algorithms.find(f"{XGBOOST}:9.9-1")
    assert found is not None
    assert not found.exact


def test_a_script_makes_xgboost_a_framework() -> None:
    image = f"{XGBOOST}:1.7-1"
    assert algorithms.of_request(image, {"num_round": "10"}) is not None
    assert algorithms.of_request(image, {"sagemaker_program": "train.py"}) is None
    assert algorithms.of_request(None) is None


def test_the_users_own_repository_is_no_algorithm() -> None:
    assert algorithms.find("123456789012.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1") is None
    assert algorithms.find("pytorch") is None


def test_tabular_algorithms_are_told_by_their_archive() -> None:
    archive = (
        "s3://jumpstart-cache-prod-us-east-1/source-directory-tarballs/lightgbm/transfer_learning/"
        "classification/v1.2.1/sourcedir.tar.gz"
    )
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:1.9.0-cpu-py38"
    found = algorithms.of_request(
        image, {"sagemaker_program": "transfer_learning.py", "sagemaker_submit_directory": archive}
    )
    assert found is not None
    assert found.name == "lightgbm"
    isolated = {
        "sagemaker_program": "transfer_learning.py",
        "sagemaker_submit_directory": "/opt/ml/input/data/code/sourcedir.tar.gz",
    }
    assert algorithms.of_request(image, isolated, archive) == found
    assert algorithms.of_request(image, isolated, "s3://example-bucket/sourcedir.tar.gz") is None


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("num_round", "100", False),
        ("num_round", "0", True),
        ("num_round", "ten", True),
        ("num_round", "1.5", True),
        ("eta", "0.3", False),
        ("eta", "1.5", True),
        ("eta", "nan", True),
        ("subsample", "0", True),
        ("subsample", "1", False),
        ("objective", "binary:logistic", False),
        ("objective", "binary_logistic", True),
        ("eval_metric", "auc,error@0.7", False),
        ("eval_metric", "auc,accuracyy", True),
        ("eval_metric", "error@x", True),
        ("booster", "gbtree", False),
    ],
)
def test_values_of_xgboost(name: str, value: str, wrong: bool) -> None:
    found = algorithms.find(f"{XGBOOST}:1.7-1")
    assert found is not None
    assert (found.hyperparameters[name].problem(value) is not None) is wrong


def test_words_beside_numbers_and_case() -> None:
    found = algorithms.find("linear-learner")
    assert found is not None
    assert found.hyperparameters["l1"].problem("auto") is None
    assert found.hyperparameters["l1"].problem("-1") is not None
    assert found.hyperparameters["use_bias"].problem("true") is None
    assert found.hyperparameters["use_bias"].problem("maybe") is not None


def test_expected_is_said_in_words() -> None:
    hyperparameter = Hyperparameter(
        "x", "Continuous", minimum=0, maximum=1, minimum_open=True, words=("auto",)
    )
    assert hyperparameter.expected == "a number in (0, 1] or 'auto'"


def test_conditions() -> None:
    found = algorithms.find(f"{XGBOOST}:1.7-1")
    assert found is not None
    multi = next(c for c in found.conditions if "num_class" in c.needs)
    assert multi.applies({"objective": "multi:softmax"})
    assert not multi.applies({"objective": "reg:squarederror"})
    assert not multi.applies({})


@pytest.mark.parametrize("name", ["kmeans", "forecasting-deepar", "image-classification", f"{XGBOOST}:1.7-1"])
def test_the_text_that_shows_a_form_has_it(name: str) -> None:
    found = algorithms.find(name)
    assert found is not None
    assert found.forms
    for form, like in found.forms.values():
        assert re.fullmatch(form, like)
