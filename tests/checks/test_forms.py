"""Requests that are recognised by their form: told the same as when they are taken apart."""

from __future__ import annotations

import copy
import enum
from typing import Any

import pytest

import cursus
from cursus import steps
from cursus.checks.examples import BASES
from cursus.checks.outlines import forms, plans
from cursus.checks.views import Settings
from cursus.errors import TargetError
from tests.checks.test_remembered import Word, forget, job, leaves, put

OPERATIONS = ("CreateTrainingJob", "CreateHyperParameterTuningJob", "CreateAutoMLJobV2")
XGBOOST = job(
    AlgorithmSpecification={
        "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    },
    HyperParameters={"objective": "binary:logistic", "num_round": "100", "eta": "0.2"},
)
SCRIPT = job(
    AlgorithmSpecification={
        "TrainingImage": "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310"
    },
    HyperParameters={
        "epochs": "10",
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": '"s3://sagemaker-us-east-1-123456789012/churn-1/sourcedir.tar.gz"',
    },
    Environment={"NCCL_DEBUG": "INFO"},
    Tags=[{"Key": "team", "Value": "churn"}],
)
REQUESTS = {**{name: BASES[name] for name in OPERATIONS}, "XGBoost": XGBOOST, "script": SCRIPT}
TEXTS = (
    *("", "None", "null", "nan", "TODO", "xxxx", "${X}", "{x}", "%s", "true", '"x"', "'x'", "x ", " x", "x\n", "é"),
    *("s3://None/x", "s3://your-bucket/x", "s3://<bucket>/x", "s3://Example_Bucket/x", "s3://example-bucket//x"),
    *("s3://sagemaker-eu-west-1-123456789012/x", "s3://sagemaker-us-east-1-000000000000/x", "s3a://example-bucket/x"),
    *("s3://example-bucket/x y", "s3://example-bucket/x ", "s3://example-bucket/a.csv", '"s3://example-bucket/x"'),
    *("https://example-bucket.s3.amazonaws.com/x", "arn:aws:s3:::example-bucket/x", "http", "a\0b", "\ud800"),
    *("s3://example-bucket/churn/train/", "s3://example-bucket/", "jumpstart-cache-prod", "0" * 12, "x" * 3000),
    *("AKIAABCDEFGHIJKLMNOP", "ghp_" + "a" * 40, "/opt/ml/checkpoints", "/opt/ml/model", "other.py", "1e-3"),
)  # fmt: skip
OTHERS: tuple[Any, ...] = (
    *(None, True, 0, 1, 2, 3600, 3600.0, 0.5, 10**30, float("nan"), Word("x"), b"x", (), ("x",), [], ["x"], {}),
    *({"x": "y"}, {"Get": "Parameters.x"}, {1: "x"}, object()),
)  # fmt: skip


def met(request: Any, settings: Settings | None = None) -> bool:
    """True where a request is recognised."""
    settings = settings or Settings()
    step = steps.of_request(request, region=settings.region)
    return step is not None and forms.met(step) is not None


def often(request: dict[str, Any], **options: Any) -> None:
    for _ in range(4):
        cursus.check(copy.deepcopy(request), **options)


def told(request: Any, **options: Any) -> list[Any]:
    return list(cursus.check(request, **options).findings)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_that_was_met_often_is_recognised(name: str) -> None:
    forget()
    sound = copy.deepcopy(REQUESTS[name])
    assert not met(sound)
    wanted = told(sound)
    often(sound)
    assert met(sound) and told(sound) == wanted
    member = next(member for member in sound if member.endswith("JobName"))
    other = {**sound, member: "another-job"}
    assert met(other) and [f.step for f in told(other)] == ["another-job"] * len(wanted)
    assert not met({**sound, "Tags": []}) and not met({**sound, member: "a job"})


@pytest.mark.parametrize("many", [1, 1 << 40])
@pytest.mark.parametrize("name", REQUESTS)
def test_no_value_passes_for_another(name: str, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "MANY", many)  # by the function that is written for a form, and without one
    forget()
    sound = copy.deepcopy(REQUESTS[name])
    changed = [put(sound, path, value) for path in leaves(sound) for value in (*TEXTS, *OTHERS)][
        many % 2 :: 2
    ]
    often(sound)
    recognised = 0
    in_order = []
    for each in changed:
        recognised += met(each)
        in_order.append(told(each))
    assert recognised > 2  # those with another harmless text
    assert met(sound)
    forget()
    for each, said in zip(changed, in_order, strict=True):
        plans.forget()
        assert told(each) == said, each


@pytest.mark.parametrize("digits", [4000, 6000])
def test_a_number_of_thousands_of_digits_is_refused_however_often_such_a_request_was_met(digits: int) -> None:
    forget()
    resources = {**XGBOOST["ResourceConfig"], "InstanceCount": 10**digits}
    for _ in range(3):
        with pytest.raises(TargetError, match="thousands of digits"):
            cursus.check({**XGBOOST, "ResourceConfig": resources})
        often(XGBOOST)


def test_what_is_recognised_is_told_by_the_settings_of_its_check() -> None:
    faulty = {**SCRIPT, "ResourceConfig": {**SCRIPT["ResourceConfig"], "InstanceType": "ml.p3.2xlarge"}}
    settings: tuple[dict[str, Any], ...] = (
        *(
            {},
            {"region": "us-east-1"},
            {"region": "eu-west-1"},
            {"select": ["RES"]},
            {"ignore": ["RES", "FRM"]},
        ),
        {"allow": ["ml.p3.2xlarge"]},
    )
    wanted = []
    for options in settings:
        forget()
        wanted.append(told(faulty, **options))
    assert len({str(each) for each in wanted}) > 3
    forget()
    for options in settings:
        often(faulty, **options)
    assert [told(faulty, **options) for options in settings] == wanted


def test_objects_of_a_class_of_the_user_s_own_are_not_recognised() -> None:
    class Mode(str, enum.Enum):
        FILE = "File"

    class Request(dict[str, Any]):
        pass

    forget()
    sound = copy.deepcopy(BASES["CreateTrainingJob"])
    often(sound)
    assert met(sound) and not met(Request(sound))
    assert not met(put(sound, ("AlgorithmSpecification", "TrainingInputMode"), Mode.FILE))
    endless: dict[str, Any] = copy.deepcopy(sound)
    endless["ResourceConfig"] = endless
    assert not met(endless)


def test_no_more_forms_than_a_few_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "MAX_FORMS", 2)
    forget()
    several = [{**BASES["CreateTrainingJob"], "Environment": {f"NAME_{n}": "x"}} for n in range(6)]
    for each in several:
        often(each)
    assert [met(each) for each in several] == [False] * 2 + [True] * forms.MAX_ALIKE
    others = [SCRIPT, {**XGBOOST, "Tags": []}]
    for each in others:
        often(each)
    assert [met(each) for each in (several[-1], *others)] == [False, True, True]
