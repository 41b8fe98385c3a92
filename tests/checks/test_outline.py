"""Taking a request apart: what belongs to its outline, and which open texts are looked at."""

from __future__ import annotations

import copy
import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cursus.checks.examples import BASES
from cursus.checks.outlines.outline import MAX_CONTAINERS, Outline, take_apart
from cursus.checks.outlines.skeletons import sight
from cursus.checks.texts import harmless, is_read, of_places, suspicions
from cursus.checks.unknowns import UNKNOWN

REGION = "us-east-1"


def job(**members: Any) -> dict[str, Any]:
    return {**copy.deepcopy(BASES["CreateTrainingJob"]), **members}


def outline(request: Any, typed: bool = False) -> Outline:
    found = take_apart(request, typed)
    assert found is not None
    found.learn()
    return found


def test_requests_that_differ_in_open_texts_have_one_outline() -> None:
    tags = [{"Key": "team", "Value": "churn"}]
    one = job(HyperParameters={"epochs": "10"}, Environment={"DEBUG": "no"}, Tags=tags)
    other = copy.deepcopy(one)
    other["TrainingJobName"] = "another"
    other["RoleArn"] = "arn:aws:iam::210987654321:role/Other"
    other["HyperParameters"]["epochs"] = "20"
    other["Environment"]["DEBUG"] = "yes"
    other["Tags"][0]["Value"] = "growth"
    other["OutputDataConfig"]["S3OutputPath"] = "s3://other-bucket/a/"
    other["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = "s3://other-bucket/b/"
    assert outline(one).key == outline(other).key
    assert outline(one).request() == outline(other).request()
    assert outline(one).request()["HyperParameters"] == {"epochs": UNKNOWN}


def test_anything_else_makes_another_outline() -> None:
    base = job(HyperParameters={"epochs": "10"})
    changes: list[dict[str, Any]] = [
        {"HyperParameters": {"epoch": "10"}},
        {"HyperParameters": {}},
        {"HyperParameters": {"epochs": {"Get": "Parameters.Epochs"}}},
        {"EnableNetworkIsolation": True},
        {"EnableNetworkIsolation": 1},
        {"EnableNetworkIsolation": 0.5},
        {"EnableNetworkIsolation": -0.5},
        {"StoppingCondition": {"MaxRuntimeInSeconds": 7200}},
        {"InputDataConfig": []},
        {"InputDataConfig": base["InputDataConfig"] * 2},
        {"OutputDataConfig": {"S3OutputPath": {"Std:Join": {"On": "/", "Values": ["s3://a", "b"]}}}},
    ]
    keys = {
        outline(changed, typed=True).key for changed in (base, *({**base, **change} for change in changes))
    }
    assert len(keys) == len(changes) + 1


def test_what_is_not_learnt_is_forgotten() -> None:
    odd = job(Odd={"A": 1})
    first, second = take_apart(odd), take_apart(odd)
    assert first is not None and second is not None
    assert first.key != second.key
    assert outline(odd).key == outline(odd).key


def test_what_is_no_plain_data_is_not_taken_apart() -> None:
    for value in (None, 1.0, -2.0, 1e300, math.nan, math.inf, (1,), b"x", {1: "x"}, {"x"}, object()):
        assert take_apart(job(Other=value)) is None
    assert take_apart([]) is None
    endless: dict[str, Any] = job()
    endless["Self"] = endless
    assert take_apart(endless) is None
    assert take_apart(job(Tags=[[] for _ in range(MAX_CONTAINERS)])) is None


def test_an_archive_that_names_an_algorithm_is_not_open() -> None:
    archive = "s3://jumpstart-cache-prod-us-east-1/source-directory-tarballs/lightgbm/transfer_learning/sourcedir.tar.gz"
    assert take_apart(job(HyperParameters={"sagemaker_submit_directory": archive})) is None


def suspects(**members: Any) -> dict[str, list[Any]]:
    request = job(**members)
    apart = outline(request)
    seen = sight(apart, REGION)
    assert seen is not None
    found: dict[str, list[Any]] = {}
    for kind, number, name, value in apart.suspected(REGION):
        found.setdefault(kind, []).append(((*seen[0].paths[number], name), value))
    return found


def test_a_suspected_open_text_is_told() -> None:
    assert suspects(HyperParameters={"epochs": "10", "layers": "256,128"}) == {}
    for name, value in (("epochs", " 10"), ("x", "None"), ("hf_token", "abcd1234"), ("x", "hf_" + "a" * 30)):
        for texts in suspects(HyperParameters={name: value, "other": "1"}).values():
            assert texts == [(("HyperParameters", name), value)]
        assert suspects(HyperParameters={name: value})
    path = ("OutputDataConfig", "S3OutputPath")
    assert suspects(OutputDataConfig={"S3OutputPath": "s3://bucket//a"}) == {
        "slashes": [(path, "s3://bucket//a")]
    }
    role = "arn:aws-cn:iam::123456789012:role/R"
    assert suspects(RoleArn=role) == {"place": [(("RoleArn",), role)]}
    assert suspects(Environment={"A": "'x'"}) == {"quoted": [(("Environment", "A"), "'x'")]}


def test_what_locations_are_suspected_of_together() -> None:
    assert of_places(["s3://bucket/a/", "s3://bucket/b", "s3://bucket/c.d/e"], []) == []
    assert of_places(["s3://bucket/a.csv"], ["s3://bucket/b/"]) == ["file"]
    assert of_places(["s3://bucket/b/c/", "s3://bucket/a/", "s3://bucket/b/"], []) == ["nested"]
    assert of_places(["s3://bucket/a", "s3://bucket/a/"], []) == ["nested"]
    assert of_places(["s3://bucket/a/"], ["s3://bucket/a"]) == ["nested"]
    assert of_places(["s3://bucket/a/"], ["s3://bucket/a/b"]) == ["nested"]
    assert of_places(["s3://bucket/a/"], ["s3://bucket/"]) == []
    assert of_places(["s3://bucket"], ["s3://bucket/a/"]) == ["nested"]
    assert of_places(["https://bucket.s3.amazonaws.com/a/"], ["s3://bucket/a/b"]) == ["nested"]
    host = "https://s3-us-east-1.amazonaws.com/bucket"
    assert of_places([f"{host}/a/", f"{host}/b"], [f"{host}/c"]) == []
    assert of_places([f"{host}/a/", f"{host}/b"], [f"{host}/a/c"]) == ["nested"]
    assert of_places([f"{host}/a/", "https://bucket.s3.amazonaws.com/a/b"], []) == ["nested"]
    assert of_places(["s3://bucket/" + "a" * 300], []) == ["long"]


LOCATION_PARTS = (
    "s3://",
    "https://",
    "bucket",
    "Bucket",
    "/",
    "//",
    "sagemaker-eu-west-1-123456789012",
    "0" * 12,
)
SECRET_PARTS = (
    "ghp_" + "a" * 36,
    "sk-" + "b" * 24,
    "-----BEGIN PRIVATE KEY-----",
    "arn:aws:iam::123456789012:role/",
)
EMPTY_PARTS = ("None", "nan", "none", "your-bucket", "todo", "${A}", "<x>")
SIGNS = (*":,\"' \0\n\\x1.=@(é",)
PARTS = st.sampled_from((*LOCATION_PARTS, *SECRET_PARTS, *EMPTY_PARTS, *SIGNS))
TEXTS = st.lists(st.lists(PARTS, max_size=4).map("".join), max_size=4)


@settings(max_examples=400, deadline=None)
@given(TEXTS, TEXTS, st.sampled_from(["", REGION, "eu-west-1"]))
def test_texts_that_are_harmless_together_are_not_suspected_one_by_one(
    texts: list[str], values: list[str], region: str
) -> None:
    if not harmless(texts, values, region):
        return
    for text in texts:
        for holder, member in (
            ("", "S3Uri"),
            ("", "S3OutputPath"),
            ("Environment", "HOME_X"),
            ("Tags", "Value"),
        ):
            assert not is_read(holder, member)
            assert suspicions(holder, member, text, region) == ()
    for value in values:
        assert suspicions("HyperParameters", "epochs", value, region) == ()
