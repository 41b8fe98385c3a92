"""Forms that AWS publishes, or its SDK sends, and that run: none of them is an error."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import cursus
from cursus.checks.examples import BASES, DEFINITION, merge
from cursus.model import Finding
from tests.checks.made import (
    SCRIPT,
    XGBOOST,
    channel,
    model,
    pipeline,
    processing,
    processing_input,
    rules_of,
    told,
    transform,
)

ALGORITHMS = "382416733822.dkr.ecr.us-east-1.amazonaws.com"
RCF = {"feature_dim": "10", "num_trees": "50", "num_samples_per_tree": "512"}
OBJECT2VEC = {"enc0_max_seq_len": "200", "enc0_vocab_size": "40000"}
GPU = {"ResourceConfig": {"InstanceType": "ml.p3.8xlarge"}}


def request(patch: dict[str, Any], image: str | None = None) -> dict[str, Any]:
    made: dict[str, Any] = merge({"TrainingJobName": "job-1", **copy.deepcopy(DEFINITION)}, patch)
    return merge(made, {"AlgorithmSpecification": {"TrainingImage": image}}) if image else made


def errors(document: dict[str, Any], **options: Any) -> list[Finding]:
    return [f for f in cursus.check(document, **options).findings if f.severity == "error"]


@pytest.mark.parametrize(
    "tag",
    ["2.4.1-gpu-py311-cu121", "2.3.1-gpu-py311-cu121", "2.5.1-gpu-py311-cu124", "2.2.0-gpu-py310-cu121"],
)
def test_images_of_the_model_parallelism_library(tag: str) -> None:
    image = f"658645717510.dkr.ecr.us-east-1.amazonaws.com/smdistributed-modelparallel:{tag}"
    assert errors(request({"HyperParameters": SCRIPT, **GPU}, image)) == []
    wrong = errors(request({"HyperParameters": SCRIPT, **GPU}, image.replace(":2.", ":1.")))
    assert [finding.rule for finding in wrong] == ["FRM001"]


def test_repository_of_the_transformer_of_autopilot() -> None:
    registry = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
    assert errors(request({}, f"{registry}/sagemaker-sklearn-automl:2.5-1-cpu-py3")) == []
    wrong = errors(request({}, f"{registry}/sagemaker-scikitlearn:1.2-1-cpu-py3"))
    assert [finding.rule for finding in wrong] == ["FRM005"]


@pytest.mark.parametrize("image", ["sagemaker-mxnet-py2-cpu:1.0", "sagemaker-tensorflow:1.12-cpu-py2"])
def test_images_before_script_mode(image: str) -> None:
    whole = f"520713654638.dkr.ecr.us-west-2.amazonaws.com/{image}"
    assert errors(request({"HyperParameters": SCRIPT}, whole)) == []


@pytest.mark.parametrize(
    ("repository", "severity"),
    [
        ("sagemaker-inspect-ai", "warning"),
        ("sagemaker-catboost", "warning"),
        ("jax-training", "warning"),
        ("pytorch-nemo-training", "warning"),
        ("tensorflow-trainig", "error"),
        ("sagemaker-sklearn", "error"),
        ("huggingface-training", "error"),
        ("tensorflow", "error"),
        ("linearlearner", "error"),
    ],
)
def test_repository_that_may_be_newer(repository: str, severity: str) -> None:
    found = cursus.check(request({}, f"763104351884.dkr.ecr.us-east-1.amazonaws.com/{repository}:1")).findings
    assert [one.severity for one in found if one.rule == "FRM005"] == [severity]


@pytest.mark.parametrize(
    ("image", "rules"),
    [
        ("pytorch:2.12-cu130-amzn2023-sagemaker", []),
        ("pytorch:2.13.0-cpu-amzn2023-sagemaker", []),
        ("pytorch:2.12-cu121-amzn2023-sagemaker", ["FRM004"]),
        ("pytorch:1.8.1-gpu-py36", ["FRM001"]),
        ("tensorflow:2.99-cpu-amzn2023-sagemaker", []),
        ("smdistributed-modelparallel:2.0.1-gpu-py310-cu118", []),
    ],
)
def test_images_of_the_newest_lists(image: str, rules: list[str]) -> None:
    account = "658645717510" if image.startswith("smd") else "763104351884"
    whole = f"{account}.dkr.ecr.us-west-2.amazonaws.com/{image}"
    host = {"ResourceConfig": {"InstanceType": "ml.m5.large" if "-cpu-" in image else "ml.g6e.2xlarge"}}
    assert [one.rule for one in errors(request({"HyperParameters": SCRIPT, **host}, whole))] == rules


@pytest.mark.parametrize("tag", ["1.4-2-py312", "1.4-2-py312-cpu-py3", "1.9-0", "1.2-1-cpu-py3"])
def test_short_tags_of_scikit_learn(tag: str) -> None:
    whole = f"246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:{tag}"
    assert errors(request({"HyperParameters": SCRIPT}, whole)) == []


def test_batch_size_that_the_sdk_sends_to_random_cut_forest() -> None:
    image = f"{ALGORITHMS}/randomcutforest:1"
    data = channel("train", ContentType="application/x-recordio-protobuf")
    data["DataSource"]["S3DataSource"]["S3DataDistributionType"] = "ShardedByS3Key"
    train = {"InputDataConfig": [data]}
    assert errors(request({"HyperParameters": {**RCF, "mini_batch_size": "1000"}, **train}, image)) == []
    wrong = errors(request({"HyperParameters": {**RCF, "mini_batch": "1000"}, **train}, image))
    assert [finding.rule for finding in wrong] == ["HPO039"]


def test_auxiliary_channel_has_a_type_of_its_own() -> None:
    image = f"{ALGORITHMS}/object2vec:1"
    data = [
        channel("train", ContentType="application/jsonlines"),
        channel("auxiliary", ContentType="application/json"),
    ]
    assert errors(request({"HyperParameters": OBJECT2VEC, "InputDataConfig": data, **GPU}, image)) == []
    data[0]["ContentType"] = "application/json"
    wrong = errors(request({"HyperParameters": OBJECT2VEC, "InputDataConfig": data, **GPU}, image))
    assert [(f.rule, str(f.path)) for f in wrong] == [("CHN032", "InputDataConfig[0].ContentType")]


def test_image_that_stands_for_another_says_nothing_of_the_region() -> None:
    bucket = {"OutputDataConfig": {"S3OutputPath": "s3://sagemaker-us-west-2-123456789012/models/"}}
    assert errors(request(bucket, "111122223333.dkr.ecr.us-east-1.amazonaws.com/example:1")) == []
    assert errors(request(bucket, "111122223333.dkr.ecr.example.amazonaws.com/churn:1")) == []
    wrong = errors(request(bucket, "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1"))
    assert [finding.rule for finding in wrong] == ["STP035"]


def shortening(name: str, reads: str, writes: str, *after: str) -> dict[str, Any]:
    target = {"S3Uri": writes, "LocalPath": "/opt/ml/processing/out", "S3UploadMode": "EndOfJob"}
    step = processing(
        name,
        ProcessingInputs=[processing_input("in", reads)],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": target}]},
    )
    return {**step, "DependsOn": list(after)}


def test_step_that_waits_for_one_of_those_that_write_a_place() -> None:
    raw, short = "s3://example-bucket/text/raw/", "s3://example-bucket/text/short/"
    steps = [shortening("ShortenHere", raw, short), shortening("ShortenThere", raw, short)]
    waits = [*steps, shortening("Judge", short, "s3://example-bucket/text/judged/", "ShortenHere")]
    assert "DEP030" not in rules_of(errors(pipeline(*waits)))
    starts = [*steps, shortening("Judge", short, "s3://example-bucket/text/judged/")]
    assert "DEP030" in rules_of(errors(pipeline(*starts)))


def test_model_data_may_be_an_objects_address() -> None:
    address = "https://example-bucket.s3-us-east-1.amazonaws.com/churn/model.tar.gz"
    container = {"Image": XGBOOST, "ModelDataUrl": address}
    assert errors(pipeline(model(container))) == []
    container["ModelDataUrl"] = "https://console.aws.amazon.com/s3/buckets/example-bucket"
    wrong = errors(pipeline(model(container)))
    assert [finding.rule for finding in wrong] == ["STP041"]


def test_plain_ddp_in_an_image_of_ones_own() -> None:
    switch = {"HyperParameters": {"sagemaker_distributed_dataparallel_enabled": "true"}}
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1"
    gpus = {"ResourceConfig": {"InstanceType": "ml.g5.12xlarge"}}
    assert errors(request({**switch, **gpus}, image)) == []
    newest = {"ResourceConfig": {"InstanceType": "ml.p5.48xlarge"}}
    assert [f.rule for f in errors(request({**switch, **newest}, image))] == ["DST002"]


def test_tabular_algorithms_take_more_than_the_guide_knows() -> None:
    cache = "s3://jumpstart-cache-prod-us-east-1/source-directory-tarballs"
    archive = f"{cache}/lightgbm/transfer_learning/classification/v2.1.3/sourcedir.tar.gz"
    taken = {
        "sagemaker_program": "transfer_learning.py",
        "sagemaker_submit_directory": archive,
        "use_ray": "True",
    }
    data = {"InputDataConfig": [channel("training", ContentType="text/csv")]}
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:1.9.0-cpu-py38"
    found = cursus.check(request({"HyperParameters": taken, **data}, image)).findings
    assert [(f.rule, f.severity) for f in found if "use_ray" in str(f.path)] == [("HPO039", "warning")]
    assert [f for f in found if f.severity == "error"] == []


def test_older_image_in_the_registry_of_the_newer_ones() -> None:
    hyperparameters = {
        "HyperParameters": {"num_round": "10"},
        "InputDataConfig": [channel("train", ContentType="text/csv")],
    }
    west = "dkr.ecr.us-west-2.amazonaws.com"
    found = cursus.check(request(hyperparameters, f"246618743249.{west}/xgboost:1")).findings
    assert [f.severity for f in found if f.rule == "FRM006"] == ["warning"]
    older = errors(request(hyperparameters, f"433757028032.{west}/sagemaker-xgboost:1.7-1"))
    assert [f.rule for f in older] == ["FRM006"]


@pytest.mark.parametrize(
    ("strategy", "content", "rules"),
    [
        ("SingleRecord", "application/x-image", []),
        ("MultiRecord", "application/x-image", []),
        ("SingleRecord", "text/csv", []),
        ("MultiRecord", "text/csv", ["DEP038"]),
    ],
)
def test_whole_images_are_sent_as_they_are(strategy: str, content: str, rules: list[str]) -> None:
    document = {"TransformJobName": "job-1", **transform(BatchStrategy=strategy)["Arguments"]}
    document["ModelName"] = "model-1"
    document["TransformInput"] = {**document["TransformInput"], "ContentType": content, "SplitType": "None"}
    assert rules_of(told(cursus.check(document).findings)) == rules


@pytest.mark.parametrize(
    ("strategy", "content", "repository", "rules"),
    [
        ("MultiRecord", "application/json", "pytorch-inference:2.1.0-cpu-py310", ["DEP038"]),
        ("SingleRecord", "application/json", "pytorch-inference:2.1.0-cpu-py310", []),
        ("MultiRecord", "application/jsonlines", "pytorch-inference:2.1.0-cpu-py310", []),
        ("MultiRecord", "application/json", "tensorflow-inference:2.14.1-cpu", []),
    ],
)
def test_lines_of_json_are_no_document(
    strategy: str, content: str, repository: str, rules: list[str]
) -> None:
    image = f"763104351884.dkr.ecr.us-east-1.amazonaws.com/{repository}"
    create = model({"Image": image, "ModelDataUrl": "s3://example-bucket/m.tar.gz"})
    score = transform(BatchStrategy=strategy)
    arguments = score["Arguments"]
    arguments["TransformInput"] = {**arguments["TransformInput"], "ContentType": content, "SplitType": "Line"}
    assert rules_of(told(cursus.check(pipeline(create, score)).findings)) == rules
    by_itself = {"TransformJobName": "job-1", **arguments, "ModelName": "model-1"}
    assert told(cursus.check(by_itself).findings) == []  # whose server may take lines


@pytest.mark.parametrize(("name", "severity"), [("silent", "warning"), ("num_round", None)])
def test_image_by_its_digest_may_be_of_any_version(name: str, severity: str | None) -> None:
    given = {
        "HyperParameters": {"num_round": "10", name: "1"},
        "InputDataConfig": [channel("train", ContentType="text/csv")],
    }
    registry = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost"
    for image, wanted in (
        (f"{registry}@sha256:{'ab' * 32}", severity),
        (f"{registry}:1.7-1", severity and "error"),
    ):
        found = cursus.check(request(given, image)).findings
        assert [f.severity for f in found if f.rule == "HPO039"] == ([wanted] if wanted else []), image


def test_names_that_the_older_xgboost_takes_too() -> None:
    given = {
        "HyperParameters": {"num_round": "10", "reg_lambda": "0.1", "max_dept": "3"},
        "InputDataConfig": [channel("train", ContentType="text/csv")],
    }
    found = cursus.check(request(given, "433757028032.dkr.ecr.us-west-2.amazonaws.com/xgboost:1")).findings
    assert [f.path for f in found if f.rule == "HPO039"] == ["HyperParameters.max_dept"]


def test_a_script_of_jumpstart_in_an_isolated_network() -> None:
    """The SDK hands it over in the channel code, where the archive in that says which algorithm it is."""
    archive = "s3://jumpstart-cache-prod-us-east-1/source-directory-tarballs/lightgbm/transfer_learning/classification/v1.2.1/sourcedir.tar.gz"
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:1.9.0-cpu-py38"
    for uri, expected in ((archive, ["HPO040"]), ("s3://example-bucket/sourcedir.tar.gz", [])):
        request = {
            "AlgorithmSpecification": {"TrainingImage": image},
            "EnableNetworkIsolation": True,
            "HyperParameters": {
                "sagemaker_program": "transfer_learning.py",
                "sagemaker_submit_directory": "/opt/ml/input/data/code/sourcedir.tar.gz",
                "learning_rate": "7",
            },
            "InputDataConfig": [
                {
                    "ChannelName": name,
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": each}},
                }
                for name, each in (
                    ("training", "s3://example-bucket/t/"),
                    ("model", "s3://jumpstart-cache-prod-us-east-1/training/lightgbm.tar.gz"),
                    ("code", uri),
                )
            ],
        }
        for _ in range(3):
            assert rules_of(errors(merge(copy.deepcopy(BASES["CreateTrainingJob"]), request))) == expected
