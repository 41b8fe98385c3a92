"""Tuning requests: ranges, jobs, strategies, objectives, definitions."""

from __future__ import annotations

from typing import Any

import pytest

from cursus.checks.examples import BASES, merge
from tests.checks.made import TUNING, XGBOOST, findings_of

CONFIG = "HyperParameterTuningJobConfig"


def number(low: str, high: str, name: str = "x", **members: str) -> dict[str, str]:
    return {"Name": name, "MinValue": low, "MaxValue": high, **members}


def ranges(**kinds: Any) -> dict[str, Any]:
    return {CONFIG: {"ParameterRanges": {"ContinuousParameterRanges": None, **kinds}}}


def integer(low: str, high: str, **members: str) -> dict[str, Any]:
    return ranges(IntegerParameterRanges=[number(low, high, **members)])


def continuous(low: str, high: str, **members: str) -> dict[str, Any]:
    return ranges(ContinuousParameterRanges=[number(low, high, **members)])


def limits(**members: Any) -> dict[str, Any]:
    return {CONFIG: {"ResourceLimits": members}}


def errors(found: list[Any]) -> list[tuple[str, str]]:
    return [(f.rule, f.path.rpartition(".")[2]) for f in found if f.severity == "error"]


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        (continuous("0.1", "0.01"), [("HPO001", "MinValue")]),
        (continuous("0.1", "0.10"), [("HPO001", "MaxValue")]),
        (continuous("a", "0.1"), [("HPO001", "MinValue")]),
        (continuous("0", "inf"), [("HPO001", "MaxValue")]),
        (continuous("1_0", "2_0"), [("HPO001", "MinValue"), ("HPO001", "MaxValue")]),
        (continuous("1e-8", ".5"), []),
        (continuous("-5", "5"), []),
        (integer("1.0", "100"), [("HPO002", "MinValue")]),
        (integer("1", "1e3"), [("HPO002", "MaxValue")]),
        (continuous("0", "1", ScalingType="Logarithmic"), [("HPO003", "MinValue")]),
        (integer("0", "100", ScalingType="Logarithmic"), [("HPO003", "MinValue")]),
        (continuous("0.5", "1", ScalingType="ReverseLogarithmic"), [("HPO003", "MaxValue")]),
        (continuous("0.5", "0.99", ScalingType="ReverseLogarithmic"), []),
        (integer("1", "100", ScalingType="Logarithmic"), []),
    ],
)
def test_ranges(patch: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert errors(findings_of(patch, operation=TUNING)) == expected


def test_bounds_that_are_pipeline_variables() -> None:
    patch = ranges(ContinuousParameterRanges=[number({"Get": "Parameters.Low"}, "0.1")])  # type: ignore[arg-type]
    assert not findings_of(patch, "HPO001", operation=TUNING)


def test_a_name_in_two_kinds() -> None:
    patch = ranges(
        IntegerParameterRanges=[number("1", "90")],
        CategoricalParameterRanges=[{"Name": "x", "Values": ["1", "2"]}],
    )
    assert findings_of(patch, "HPO004", operation=TUNING)


def test_tuned_and_static() -> None:
    patch = {"TrainingJobDefinition": {"StaticHyperParameters": {"learning_rate": "1"}}}
    (found,) = findings_of(patch, "HPO005", operation=TUNING)
    assert found.path == "TrainingJobDefinition.StaticHyperParameters.learning_rate"


@pytest.mark.parametrize(
    ("kinds", "jobs", "enough"),
    [
        ({"IntegerParameterRanges": [number("2", "4")]}, 3, True),
        ({"IntegerParameterRanges": [number("2", "4")]}, 4, False),
        ({"CategoricalParameterRanges": [{"Name": "o", "Values": ["a", "b"]}]}, 3, False),
        (
            {
                "IntegerParameterRanges": [number("2", "4")],
                "CategoricalParameterRanges": [{"Name": "o", "Values": ["a", "b"]}],
            },
            6,
            True,
        ),
        (
            {
                "IntegerParameterRanges": [number("2", "4")],
                "ContinuousParameterRanges": [number("0", "1", "y")],
            },
            500,
            True,
        ),
    ],
)
def test_combinations(kinds: dict[str, Any], jobs: int, enough: bool) -> None:
    patch = ranges(**kinds)
    patch[CONFIG]["ResourceLimits"] = {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": 1}
    assert bool(findings_of(patch, "HPO010", operation=TUNING)) is not enough


def test_grid() -> None:
    grid = ranges(CategoricalParameterRanges=[{"Name": "o", "Values": ["a", "b"]}])
    grid[CONFIG] |= {"Strategy": "Grid", "ResourceLimits": {"MaxNumberOfTrainingJobs": 2}}
    assert not findings_of(grid, "HPO011", operation=TUNING)
    grid[CONFIG]["ResourceLimits"] = {"MaxNumberOfTrainingJobs": 5}
    assert findings_of(grid, "HPO011", operation=TUNING)
    found = findings_of({CONFIG: {"Strategy": "Grid"}}, "HPO011", operation=TUNING)
    assert [f.path for f in found] == [f"{CONFIG}.ParameterRanges.ContinuousParameterRanges[0]"]


@pytest.mark.parametrize(
    ("strategy", "jobs", "severities"),
    [
        ("Bayesian", 750, []),
        ("Bayesian", 751, ["error"]),
        ("Random", 10000, ["warning"]),
        ("Random", 10001, ["error"]),
    ],
)
def test_more_jobs_than_the_quota_is_before_it_is_raised(
    strategy: str, jobs: int, severities: list[str]
) -> None:
    many = limits(MaxNumberOfTrainingJobs=jobs)
    many[CONFIG]["Strategy"] = strategy
    assert [f.severity for f in findings_of(many, "HPO024", operation=TUNING)] == severities


@pytest.mark.parametrize(("sizes", "told"), [((25, 30), False), ((26, 30), True)])
def test_a_grid_has_as_many_jobs_as_combinations(sizes: tuple[int, ...], told: bool) -> None:
    grid = ranges(
        CategoricalParameterRanges=[
            {"Name": f"p{size}", "Values": [str(value) for value in range(size)]} for size in sizes
        ]
    )
    grid[CONFIG] |= {"Strategy": "Grid", "ResourceLimits": {"MaxNumberOfTrainingJobs": None}}
    assert bool(findings_of(grid, "HPO024", operation=TUNING)) is told


@pytest.mark.parametrize(("static", "told"), [(99, False), (100, True)])
def test_hyperparameters_in_all(static: int, told: bool) -> None:
    own = {"TrainingJobDefinition": {"StaticHyperParameters": {f"own_{i}": "1" for i in range(static)}}}
    assert bool(findings_of(own, "HPO005", operation=TUNING)) is told


def test_limits() -> None:
    more = limits(MaxNumberOfTrainingJobs=2, MaxParallelTrainingJobs=3)
    assert errors(findings_of(more, "HPO012", operation=TUNING))
    short = limits(MaxRuntimeInSeconds=1800)
    assert [f.severity for f in findings_of(short, "HPO013", operation=TUNING)] == ["warning"]
    rounds = findings_of(limits(MaxRuntimeInSeconds=35999), "HPO013", operation=TUNING)
    assert [f.severity for f in rounds] == ["info"]
    assert "10 rounds" in rounds[0].message
    assert not findings_of(limits(MaxRuntimeInSeconds=36000), "HPO013", operation=TUNING)


@pytest.mark.parametrize(
    ("config", "static", "wrong"),
    [
        ({"Strategy": "Hyperband"}, {}, True),
        ({"Strategy": "Hyperband"}, {"epochs": "9"}, False),
        ({"Strategy": "Hyperband", "TrainingJobEarlyStoppingType": "Auto"}, {"epochs": "9"}, True),
        ({"Strategy": "Hyperband", "TrainingJobEarlyStoppingType": "Off"}, {"epochs": "9"}, False),
        ({"StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 9}}}, {}, True),
        (
            {
                "Strategy": "Hyperband",
                "StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 9, "MaxResource": 3}},
            },
            {},
            True,
        ),
        (
            {"Strategy": "Hyperband", "StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 30000}}},
            {},
            True,
        ),
    ],
)
def test_hyperband(config: dict[str, Any], static: dict[str, str], wrong: bool) -> None:
    patch = {CONFIG: config, "TrainingJobDefinition": {"StaticHyperParameters": static}}
    assert bool(findings_of(patch, "HPO014", operation=TUNING)) is wrong


@pytest.mark.parametrize(
    ("objective", "defined", "severity"),
    [
        ("validation:accuracy", "validation:accuracy", None),
        ("validation:accuracy", "accuracy", "error"),
        ("validation:accuracy", "Validation:Accuracy", "error"),
        ("validation:accuracy", None, "error"),
    ],
)
def test_objective_is_defined(objective: str, defined: str | None, severity: str | None) -> None:
    metrics = [{"Name": defined, "Regex": "a=([0-9.]+)"}] if defined else None
    patch = {
        CONFIG: {"HyperParameterTuningJobObjective": {"MetricName": objective}},
        "TrainingJobDefinition": {"AlgorithmSpecification": {"MetricDefinitions": metrics}},
    }
    found = findings_of(patch, "HPO020", operation=TUNING)
    assert [f.severity for f in found] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("name", "kind", "wrong"),
    [
        ("loss", "Maximize", True),
        ("valLoss", "Maximize", True),
        ("test_f1", "Minimize", True),
        ("accuracy_loss", "Maximize", False),
        ("glossary", "Maximize", False),
        ("reward", "Minimize", False),
    ],
)
def test_direction_by_name(name: str, kind: str, wrong: bool) -> None:
    metrics = [{"Name": name, "Regex": "x=([0-9.]+)"}]
    patch = {
        CONFIG: {"HyperParameterTuningJobObjective": {"MetricName": name, "Type": kind}},
        "TrainingJobDefinition": {"AlgorithmSpecification": {"MetricDefinitions": metrics}},
    }
    assert [f.severity for f in findings_of(patch, "HPO021", operation=TUNING)] == ["warning"] * wrong


def xgboost(objective: str, kind: str, **kinds: Any) -> dict[str, Any]:
    data = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/x/"}}
    patch = ranges(**(kinds or {"ContinuousParameterRanges": [number("0.1", "0.5", "eta")]}))
    patch[CONFIG]["HyperParameterTuningJobObjective"] = {"MetricName": objective, "Type": kind}
    patch["TrainingJobDefinition"] = {
        "AlgorithmSpecification": {"TrainingImage": XGBOOST, "MetricDefinitions": None},
        "StaticHyperParameters": {"objective": "binary:logistic", "num_round": "100"},
        "InputDataConfig": [
            {"ChannelName": name, "ContentType": "text/csv", "DataSource": data}
            for name in ("train", "validation")
        ],
    }
    return patch


def test_metrics_of_a_builtin_algorithm() -> None:
    assert not errors(findings_of(xgboost("validation:auc", "Maximize"), operation=TUNING))
    found = findings_of(xgboost("validation:acu", "Maximize"), operation=TUNING)
    assert errors(found) == [("HPO020", "MetricName")]
    assert "Did you mean 'validation:auc'?" in found[0].message
    assert errors(findings_of(xgboost("validation:rmse", "Maximize"), operation=TUNING)) == [
        ("HPO021", "Type")
    ]


def test_objective_wants_its_channel() -> None:
    patch = xgboost("validation:auc", "Maximize")
    patch["TrainingJobDefinition"]["InputDataConfig"].pop()
    assert errors(findings_of(patch, "HPO022", operation=TUNING))


@pytest.mark.parametrize(
    ("kinds", "wrong"),
    [
        ({"IntegerParameterRanges": [number("1", "9", "max_depth")]}, False),
        ({"IntegerParameterRanges": [number("5", "10", "early_stopping_rounds")]}, True),
        ({"IntegerParameterRanges": [number("1", "30", "max_dept")]}, True),
        ({"ContinuousParameterRanges": [number("1", "9", "max_depth")]}, True),
        ({"ContinuousParameterRanges": [number("0.1", "2", "eta")]}, True),
        ({"ContinuousParameterRanges": [number("0", "1", "subsample")]}, False),
        ({"ContinuousParameterRanges": [number("-1", "1", "subsample")]}, True),
    ],
)
def test_what_xgboost_lets_tune(kinds: dict[str, Any], wrong: bool) -> None:
    patch = xgboost("validation:auc", "Maximize", **kinds)
    patch[CONFIG]["ResourceLimits"] = {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 1}
    assert bool(errors(findings_of(patch, "HPO023", operation=TUNING))) is wrong


def test_a_value_without_its_capitals_is_a_warning_in_a_range_too() -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "likelihood", "Values": ["student-t", "gauss"]}]}
    patch = xgboost("test:RMSE", "Minimize", **ranges)
    image = "522234722520.dkr.ecr.us-east-1.amazonaws.com/forecasting-deepar:1"
    patch["TrainingJobDefinition"]["AlgorithmSpecification"] = {"TrainingImage": image}
    found = findings_of(patch, "HPO023", operation=TUNING)
    assert [(one.severity, one.path.rpartition(".")[2]) for one in found] == [
        ("warning", "Values[0]"),
        ("error", "Values[1]"),
    ]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ({"IntegerParameterRanges": [number("2", "30", "num_boost_round")]}, []),
        ({"CategoricalParameterRanges": [{"Name": "boosting", "Values": ['"gbdt"', "dart"]}]}, []),
        ({"CategoricalParameterRanges": [{"Name": "boosting", "Values": ['"gbdt"', "drat"]}]}, ["error"]),
        ({"ContinuousParameterRanges": [number("0.1", "0.5", "eta")]}, ["warning"]),
    ],
)
def test_sagemaker_does_not_know_what_a_script_of_jumpstart_lets_tune(
    kinds: dict[str, Any], expected: list[str]
) -> None:
    cache = "s3://jumpstart-cache-prod-us-east-1/source-directory-tarballs/lightgbm/transfer_learning"
    patch = xgboost("auc", "Maximize", **kinds)
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:1.9.0-cpu-py38"
    patch["TrainingJobDefinition"] |= {
        "AlgorithmSpecification": {"TrainingImage": image},
        "StaticHyperParameters": {
            "sagemaker_program": '"transfer_learning.py"',
            "sagemaker_submit_directory": f'"{cache}/classification/v1.1.1/sourcedir.tar.gz"',
            "num_leaves": '"30"',
        },
    }
    found = findings_of(patch, operation=TUNING)
    assert [one.severity for one in found if one.rule in ("HPO023", "HPO040")] == expected


def test_an_unknown_name_is_answered_with_those_that_may_be_tuned() -> None:
    ranges = {"ContinuousParameterRanges": [number("0.1", "0.5", "lr")]}
    patch = xgboost("validation:auc", "Maximize", **ranges)
    [finding] = findings_of(patch, "HPO023", operation=TUNING)
    assert finding.remedy is not None and ", eta, " in finding.remedy


def several(*definitions: dict[str, Any]) -> dict[str, Any]:
    base = BASES[TUNING]["TrainingJobDefinition"]
    return {
        "TrainingJobDefinition": None,
        CONFIG: {"HyperParameterTuningJobObjective": None, "ParameterRanges": None},
        "TrainingJobDefinitions": [merge(base, definition) for definition in definitions],
    }


def definition(name: str) -> dict[str, Any]:
    return {
        "DefinitionName": name,
        "TuningObjective": {"Type": "Maximize", "MetricName": "validation:accuracy"},
        "HyperParameterRanges": {"IntegerParameterRanges": [number("1", "50")]},
    }


def test_several_definitions() -> None:
    assert not errors(findings_of(several(definition("a"), definition("b")), operation=TUNING))
    assert findings_of(several(definition("a"), definition("a")), "HPO016", operation=TUNING)
    bare = {**definition("b"), "TuningObjective": None}
    (found,) = findings_of(several(definition("a"), bare), "HPO016", operation=TUNING)
    assert found.path == "TrainingJobDefinitions[1].TuningObjective"
    both = {**several(definition("a"), definition("b")), "TrainingJobDefinition": {}}
    assert findings_of(both, "HPO016", operation=TUNING)


def test_the_second_definitions_range() -> None:
    wrong = definition("b")
    wrong["HyperParameterRanges"] = {"IntegerParameterRanges": [number("5", "5")]}
    (found,) = findings_of(several(definition("a"), wrong), "HPO001", operation=TUNING)
    assert found.path == "TrainingJobDefinitions[1].HyperParameterRanges.IntegerParameterRanges[0].MaxValue"


def test_warm_start() -> None:
    parent = {"HyperParameterTuningJobName": "parent"}
    patch: dict[str, Any] = {
        "WarmStartConfig": {"WarmStartType": "TransferLearning", "ParentHyperParameterTuningJobs": [parent]}
    }
    assert not findings_of(patch, "HPO018", operation=TUNING)
    patch["WarmStartConfig"]["ParentHyperParameterTuningJobs"] = [parent, parent, {}]
    assert len(findings_of(patch, "HPO018", operation=TUNING)) == 2


def test_autotune_needs_no_ranges() -> None:
    patch = {CONFIG: {"ParameterRanges": None}}
    assert findings_of(patch, "HPO007", operation=TUNING)
    assert not findings_of({**patch, "Autotune": {"Mode": "Enabled"}}, "HPO007", operation=TUNING)
