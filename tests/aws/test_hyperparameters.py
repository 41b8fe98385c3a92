"""What is found out quickly of a built-in algorithm's hyperparameters agrees with what each rule works out."""

from __future__ import annotations

import itertools

import pytest

from cursus.aws import algorithms

VALUES = (
    "1",
    "0",
    "-1",
    "0.5",
    "10",
    "nan",
    "inf",
    "1e400",
    " 1",
    "",
    "true",
    "auto",
    "x",
    "auc,rmse",
    '"1"',
)


@pytest.mark.parametrize("name", [name for name in algorithms.names() if "." not in name])
def test_what_is_taken_quickly_has_no_problem(name: str) -> None:
    algorithm = algorithms.find(name)
    assert algorithm is not None
    taken = refused = 0
    for known in algorithm.hyperparameters.values():
        for value in (*VALUES, *known.values, *known.words):
            fine = algorithm.given([known.name]).takes({known.name: value})
            assert not fine or known.problem(value) is None, f"{known.name} {value!r}"
            taken, refused = taken + fine, refused + (not fine)
    assert taken and refused
    assert algorithm.given(["no_such_name"]).takes({"no_such_name": "x"})


def test_hyperparameters_that_go_together_break_no_condition() -> None:
    algorithm = algorithms.find("xgboost")
    assert algorithm is not None
    together = set()
    for objective, metric, method in itertools.product(
        ("multi:softmax", "binary:logistic", "reg:squarederror"),
        ("auc", "merror", "rmse,mae"),
        ("hist", "gpu_hist", "exact"),
    ):
        values = {"objective": objective, "eval_metric": metric, "tree_method": method, "num_round": "1"}
        for given in (values, {**values, "num_class": "3"}):
            known = algorithm.given(given)
            broken = any(each.applies(given) and each.is_broken(given) for each in algorithm.conditions)
            assert known.goes_together(given) == (not broken)
            together.add(not broken)
    assert together == {True, False}


def test_a_pipeline_variable_is_not_taken_quickly() -> None:
    algorithm = algorithms.find("xgboost")
    assert algorithm is not None
    given = {"eta": {"Get": "Parameters.Eta"}, "objective": {"Get": "Parameters.Objective"}}
    assert not algorithm.given(given).takes(given)
    assert not algorithm.given(given).goes_together(given)
