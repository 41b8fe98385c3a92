"""Transform jobs, models and processing jobs by themselves: what is told of them, and of what is sound nothing."""

from __future__ import annotations

from typing import Any

import pytest

import cursus
from cursus.checks.examples import BASES, merge
from tests.checks.made import DLC

TRANSFORM = merge(
    BASES["CreateTransformJob"],
    {
        "TransformInput": {
            "ContentType": "text/csv",
            "SplitType": "Line",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/in/"}},
        },
        "TransformOutput": {
            "S3OutputPath": "s3://example-bucket/out/",
            "Accept": "text/csv",
            "AssembleWith": "Line",
        },
    },
)
LINES = {
    "TransformInput": {"ContentType": "application/jsonlines"},
    "TransformOutput": {"Accept": "application/jsonlines"},
}
SERVE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"
GATED = {
    "S3Uri": "s3://jumpstart-private-cache-prod-us-east-1/llm/",
    "S3DataType": "S3Prefix",
    "CompressionType": "None",
}


def found(request: dict[str, Any], *patches: dict[str, Any]) -> list[tuple[str, str]]:
    """Rule and severity of what is told of a request."""
    for patch in patches:
        request = merge(request, patch)
    told = cursus.check(request).findings
    return [(one.rule, one.severity) for one in told if one.severity != "info"]


@pytest.mark.parametrize(
    "path",
    ["$", "$.features", "$.id.*", "$['id','SageMakerOutput']", "$.a.['b','c']", "$.x[0, -1].y", "$['what?']"],
)
def test_filters_that_batch_transform_knows(path: str) -> None:
    assert found(TRANSFORM, LINES, {"DataProcessing": {"OutputFilter": path, "JoinSource": "Input"}}) == []


@pytest.mark.parametrize(
    "path", ["$[a]", "$[1-3]", "$[1:10:2]", "$(1:)", "$[?@.id>1]", "$..id", "$id", "$[]"]
)
def test_filters_that_it_does_not_know(path: str) -> None:
    assert ("FRM024", "error") in found(TRANSFORM, LINES, {"DataProcessing": {"InputFilter": path}})


@pytest.mark.parametrize("path", ["$[1:]", "$[0,5:]", "$[-1]", "$[0, -1]"])
def test_filters_of_rows(path: str) -> None:
    assert found(TRANSFORM, {"DataProcessing": {"OutputFilter": path, "JoinSource": "Input"}}) == []


@pytest.mark.parametrize(
    ("patch", "rule"),
    [
        (
            {"TransformInput": {"ContentType": "text/libsvm"}, "DataProcessing": {"InputFilter": "$[1:]"}},
            "FRM029",
        ),
        ({"TransformOutput": {"Accept": None}, "DataProcessing": {"JoinSource": "Input"}}, "FRM029"),
        ({**LINES, "DataProcessing": {"OutputFilter": "$.SageMakerOutput"}}, "FRM029"),
        (
            {**LINES, "DataProcessing": {"OutputFilter": "$.SagemakerOutput", "JoinSource": "Input"}},
            "FRM029",
        ),
        ({"TransformInput": {"ContentType": "csv"}}, "FRM030"),
        ({"TransformOutput": {"Accept": "application/jsonline"}}, "FRM030"),
        (
            {
                "TransformInput": {"CompressionType": "Gzip"},
                "TransformOutput": {"S3OutputPath": "s3://b-b/o"},
            },
            "",
        ),
        ({"TransformOutput": {"S3OutputPath": "s3://example-bucket/in/scores/"}}, "DEP050"),
    ],
)
def test_records(patch: dict[str, Any], rule: str) -> None:
    assert [name for name, _ in found(TRANSFORM, patch)] == [rule] * bool(rule)


@pytest.mark.parametrize(
    ("name", "members", "told"),
    [
        ("a.csv", {}, False),
        ("a.csv.gz", {"CompressionType": "Gzip"}, False),
        ("a.csv.gz", {"CompressionType": "None"}, True),
        ("a.csv", {"CompressionType": "Gzip"}, True),
        ("a.jsonl", {"ContentType": "application/json"}, False),
        ("a.parquet", {}, True),
        ("v1.2/", {}, False),
        ("a.tar.gz", {"ContentType": "application/octet-stream", "SplitType": "None"}, False),
    ],
)
def test_names_of_the_data(name: str, members: dict[str, str], told: bool) -> None:
    source = {"DataSource": {"S3DataSource": {"S3Uri": f"s3://example-bucket/in/{name}"}}}
    patch = {"TransformInput": {**source, **members}}
    if "ContentType" in members:
        patch["TransformOutput"] = {"Accept": "application/json"}
    assert found(TRANSFORM, patch) == [("FRM030", "warning")] * told


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        ({"PrimaryContainer": {"Image": SERVE}, "InferenceExecutionConfig": {"Mode": "Serial"}}, []),
        (
            {"PrimaryContainer": {"Image": SERVE}, "InferenceExecutionConfig": {"Mode": "Direct"}},
            [("FRM031", "error")],
        ),
        (
            {
                "Containers": [
                    {"Image": SERVE, "Mode": "MultiModel", "ModelDataUrl": "s3://example-bucket/all/"}
                ]
            },
            [],
        ),
        (
            {"PrimaryContainer": {"Image": SERVE, "MultiModelConfig": {"ModelCacheSetting": "Disabled"}}},
            [("FRM031", "warning")],
        ),
        ({"PrimaryContainer": {"ModelPackageName": "churn"}}, []),
        ({"PrimaryContainer": {"ModelPackageName": "churn", "Image": SERVE}}, [("FRM031", "warning")]),
        (
            {"PrimaryContainer": {"Image": SERVE, "ModelDataSource": {"S3DataSource": GATED}}},
            [("FRM032", "error")],
        ),
        (
            {
                "PrimaryContainer": {
                    "Image": SERVE,
                    "ModelDataSource": {
                        "S3DataSource": {**GATED, "ModelAccessConfig": {"AcceptEula": True}},
                    },
                }
            },
            [],
        ),
        (
            {"PrimaryContainer": {"Image": SERVE, "Environment": {"HF_MODEL_ID": "meta-llama/Llama-3.2-3B"}}},
            [("FRM032", "warning")],
        ),
        (
            {
                "PrimaryContainer": {
                    "Image": SERVE,
                    "Environment": {"HF_MODEL_ID": "meta-llama/Llama-3.2-3B", "HF_TOKEN_SECRET": "hub"},
                }
            },
            [],
        ),
        (
            {
                "EnableNetworkIsolation": True,
                "PrimaryContainer": {"Image": SERVE, "Environment": {"HF_MODEL_ID": "/opt/ml/model"}},
            },
            [],
        ),
    ],
)
def test_models(patch: dict[str, Any], told: list[tuple[str, str]]) -> None:
    assert found(BASES["CreateModel"], patch) == told


@pytest.mark.parametrize(
    ("words", "severity"),
    [
        (["--ratio", "0.2", "--name", "a b"], None),
        (["--extra", "--lr 0.1"], None),
        (["--ratio=0.2", "--query=select * from t"], None),
        (["--ratio 0.2"], "error"),
        (["--ratio=1", "--lr 0.1"], "error"),
        (["--log-dir=/opt/logs--file-name=a.json"], "warning"),
        (["--data", "/opt/ml/input/data/train"], "warning"),
    ],
)
def test_arguments_of_processing_jobs(words: list[str], severity: str | None) -> None:
    request = merge(BASES["CreateProcessingJob"], {"AppSpecification": {"ContainerArguments": words}})
    assert found(request) == [("FRM033", severity)] * (severity is not None)


def test_datasets_lie_where_inputs_do() -> None:
    athena = {
        "Catalog": "AwsDataCatalog",
        "Database": "churn",
        "QueryString": "SELECT * FROM customers",
        "OutputS3Uri": "s3://example-bucket/athena/",
        "OutputFormat": "PARQUET",
    }
    inputs = [
        {
            "InputName": f"data-{i}",
            "DatasetDefinition": {"LocalPath": folder, "AthenaDatasetDefinition": athena},
        }
        for i, folder in enumerate(("/opt/ml/processing/a", "/opt/ml/processing/a", "/opt/ml/input/b"))
    ]
    request = {**BASES["CreateProcessingJob"], "ProcessingInputs": inputs}
    assert found(request) == [("DEP034", "error"), ("DEP036", "warning")]


SERVER = f"{DLC}/huggingface-pytorch-inference:2.1.0-transformers4.37.0-cpu-py310-ubuntu22.04"


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"HF_TASK": "translation_en_to_de", "SM_NUM_GPUS": "all", "MMS_MAX_REQUEST_SIZE": "2000000"}, []),
        ({"HF_TASK": "text_classification"}, ["error"]),
        ({"HF_TASK": "churn"}, ["warning"]),
        ({"SAGEMAKER_MODEL_SERVER_WORKERS": "two"}, ["warning"]),
        ({"SAGEMAKER_MODEL_SERVER_WORKERS": "9" * 100}, ["warning"]),
        ({"MAX_INPUT_LENGTH": "1024", "MAX_TOTAL_TOKENS": "2048"}, []),
        ({"MAX_INPUT_LENGTH": "2048", "MAX_TOTAL_TOKENS": "2048"}, ["error"]),
    ],
)
def test_variables_of_servers(environment: dict[str, str], told: list[str]) -> None:
    patch = {"PrimaryContainer": {"Image": SERVER, "Environment": environment}}
    found_ = found(BASES["CreateModel"], patch)
    assert [severity for rule, severity in found_ if rule == "FRM038"] == told


@pytest.mark.parametrize(
    ("container", "told"),
    [
        ({"ModelDataUrl": "s3://example-bucket/m/model.tar.gz"}, ["warning"]),
        ({"ModelDataUrl": "s3://example-bucket/m/model.tar.gz", "Environment": {"LEVEL": "2"}}, ["warning"]),
        ({"Environment": {"SAGEMAKER_PROGRAM": "inference.py"}}, []),
        ({"ModelDataUrl": "s3://example-bucket/m/", "Mode": "MultiModel"}, []),
    ],
)
def test_the_server_of_sklearn_needs_a_script(container: dict[str, Any], told: list[str]) -> None:
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
    found_ = found(BASES["CreateModel"], {"PrimaryContainer": {"Image": image, **container}})
    assert [severity for rule, severity in found_ if rule == "FRM032"] == told


TGI = "huggingface-pytorch-tgi-inference:2.0.1-tgi0.9.3-gpu-py39-cu118-ubuntu20.04"
LATER_TGI = "huggingface-pytorch-tgi-inference:2.1.1-tgi1.4.0-gpu-py310-cu121-ubuntu20.04"
FIRST_MIXTRAL_TGI = "huggingface-pytorch-tgi-inference:2.1.1-tgi1.3.1-gpu-py310-cu121-ubuntu20.04"
OLD_TRANSFORMERS = "huggingface-pytorch-inference:1.13.1-transformers4.26.0-gpu-py39-cu117-ubuntu20.04"


@pytest.mark.parametrize(
    ("image", "environment", "told"),
    [
        (TGI, {"MAX_INPUT_LENGTH": "2048", "MAX_TOTAL_TOKENS": "2048"}, ["error"]),
        (TGI, {"SM_NUM_GPUS": "[8]"}, ["error"]),
        (TGI, {"SM_NUM_GPUS": ""}, []),
        (TGI, {"SAGEMAKER_MODEL_SERVER_WORKERS": "two"}, ["warning"]),
        (TGI, {"HF_MODEL_ID": "mistralai/Mistral-7B-Instruct-v0.1", "SM_NUM_GPUS": "1"}, ["error"]),
        (LATER_TGI, {"HF_MODEL_ID": "mistralai/Mistral-7B-Instruct-v0.1", "SM_NUM_GPUS": "1"}, []),
        (LATER_TGI, {"HF_MODEL_ID": "HuggingFaceH4/zephyr-7b-beta"}, []),
        (LATER_TGI, {"HF_MODEL_ID": "HuggingFaceH4/zephyr-7b-gemma-v0.1"}, ["error"]),
        (LATER_TGI, {"HF_MODEL_ID": "/opt/ml/model", "HF_TASK": "text-generation"}, []),
        (FIRST_MIXTRAL_TGI, {"HF_MODEL_ID": "mistralai/Mixtral-8x7B-Instruct-v0.1"}, ["error"]),
        (OLD_TRANSFORMERS, {"HF_MODEL_ID": "mistralai/Mixtral-8x7B-v0.1"}, ["error"]),
        ("djl-inference:0.26.0-tensorrtllm0.7.1-cu122", {"OPTION_ROLLING_BATCH": "trtllm"}, []),
        ("djl-inference:0.26.0-tensorrtllm0.7.1-cu122", {"OPTION_ROLLING_BATCH": "tensorrtllm"}, ["error"]),
        ("djl-inference:0.29.0-lmi11.0.0-cu124", {"OPTION_ROLLING_BATCH": "lmi_dist"}, ["error"]),
        ("djl-inference:0.29.0-lmi11.0.0-cu124", {"OPTION_ROLLING_BATCH": "continuous"}, ["warning"]),
        ("djl-inference:0.29.0-lmi11.0.0-cu124", {"OPTION_ROLLING_BATCH": "VLLM"}, []),
        ("djl-inference:0.27.0-neuronx-sdk2.18.0", {"OPTION_ROLLING_BATCH": "lmi_dist"}, ["warning"]),
    ],
)
def test_servers_of_language_models(image: str, environment: dict[str, str], told: list[str]) -> None:
    patch = {"PrimaryContainer": {"Image": f"{DLC}/{image}", "Environment": environment}}
    found_ = found(BASES["CreateModel"], patch)
    assert [severity for rule, severity in found_ if rule == "FRM038"] == told


FOLDER = {"S3Uri": "s3://example-bucket/m/", "S3DataType": "S3Prefix", "CompressionType": "None"}


@pytest.mark.parametrize(
    "model",
    [
        {"ModelDataUrl": "s3://example-bucket/m/model.tar.gz"},
        {"ModelDataSource": {"S3DataSource": FOLDER}},
    ],
)
def test_a_models_archive_may_have_code_of_its_own(model: dict[str, Any]) -> None:
    container = {"Image": SERVER, **model}
    patch = {"PrimaryContainer": {**container, "Environment": {"HF_TASK": "text_classification"}}}
    assert [one for one in found(BASES["CreateModel"], patch) if one[0] == "FRM038"] == [
        ("FRM038", "warning")
    ]
