"""Steps of pipelines that several tests are made of, and how what is found in a pipeline is read."""

from __future__ import annotations

import copy
from typing import Any

import cursus
from cursus import engine
from cursus.checks.examples import DEFINITION, ROLE
from cursus.checks.views import Settings
from cursus.model import Finding, Pipeline
from tests.checks.made import XGBOOST, model, pipeline, told

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:ask"
OUTPUT = {
    "S3Uri": "s3://example-bucket/out",
    "LocalPath": "/opt/ml/processing/out",
    "S3UploadMode": "EndOfJob",
}
OUT = "Steps.Prepare.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"
LEARNED = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
CONDITION = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}


def step(name: str, kind: str, arguments: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A step with these members beside its arguments."""
    return {"Name": name, "Type": kind, "Arguments": arguments, **members}


def request(kind: str, name: str = "It", **arguments: Any) -> dict[str, Any]:
    """A step that has nothing but arguments."""
    return step(name, kind, arguments)


def ask(name: str, **arguments: Any) -> dict[str, Any]:
    """A step that asks a function."""
    return step(name, "Lambda", arguments, FunctionArn=FUNCTION)


def train(image: str = XGBOOST, **members: Any) -> dict[str, Any]:
    """The step Train, on lines of CSV."""
    arguments = copy.deepcopy(DEFINITION)
    arguments["AlgorithmSpecification"] = {"TrainingImage": image, "TrainingInputMode": "File"}
    arguments["HyperParameters"] = {"num_round": "5"}
    arguments["InputDataConfig"][0]["ContentType"] = "text/csv"
    return step("Train", "Training", arguments, **members)


def learned(image: str = XGBOOST, data: Any = LEARNED, **environment: str) -> dict[str, Any]:
    """The step Create, which makes a model of what the step Train learned."""
    return model({"Image": image, "ModelDataUrl": data, "Environment": environment})


def decide(yes: list[Any], no: list[Any], kind: str, value: Any) -> dict[str, Any]:
    """The step Decide, which holds a value against 0.8."""
    conditions = [{"Type": kind, "LeftValue": value, "RightValue": 0.8}]
    return request("Condition", "Decide", Conditions=conditions, IfSteps=yes, ElseSteps=no)


def metric(path: str) -> dict[str, Any]:
    """A number in a report."""
    return {"Std:JsonGet": {"S3Uri": "s3://example-bucket/report.json", "Path": path}}


def written(name: str, uri: str) -> dict[str, Any]:
    """An output of a processing job."""
    target = {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/{name}", "S3UploadMode": "EndOfJob"}
    return {"OutputName": name, "S3Output": target}


TRAIN: dict[str, Any] = step("Train", "Training", DEFINITION)
ASK = ask("Ask")
STOP = request("Fail", "Stop", ErrorMessage="not good enough")
CREATE = learned(data="s3://example-bucket/model.tar.gz")
LINEAGE = request(
    "Lineage",
    Actions=[
        {"ActionName": "train", "ActionType": "Training", "Source": {"SourceUri": "s3://example-bucket/run"}}
    ],
    Artifacts=[
        {"ArtifactName": "model", "ArtifactType": "Model", "Source": {"SourceUri": "s3://example-bucket/m"}}
    ],
    Associations=[
        {
            "Source": {"Name": "train", "Type": "Action"},
            "Destination": {"Name": "model", "Type": "Artifact"},
            "AssociationType": "Produced",
        }
    ],
)
COMPONENT = request(
    "InferenceComponent",
    InferenceComponentName="churn",
    EndpointName="churn",
    VariantName="AllTraffic",
    Specification={"ModelName": "churn", "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024}},
    RuntimeConfig={"CopyCount": 1},
)
JOB = request(
    "Job",
    JobCategory="AgentRFT",
    JobConfigSchemaVersion="1.0.0",
    RoleArn=ROLE,
    JobConfigDocument='{"A": "b"}',
)


def check(definition: dict[str, Any], **parameters: Any) -> list[Finding]:
    """What the engine finds with these values of parameters."""
    return engine.check_pipeline(Pipeline("p", definition, parameters), Settings())[0]


def errors(definition: dict[str, Any], **parameters: Any) -> set[str]:
    """The rules with an error."""
    return {one.rule for one in check(definition, **parameters) if one.severity == "error"}


def warned(definition: dict[str, Any]) -> set[str]:
    """The rules with a warning."""
    return {one.rule for one in check(definition) if one.severity == "warning"}


def rules(*steps: dict[str, Any], region: str | None = None, **rest: Any) -> list[str]:
    """The rules on pipelines of which something is told."""
    findings = cursus.check(pipeline(*steps, **rest), region=region).findings
    return [f.rule for f in told(findings) if f.rule.startswith("DEP")]


def found(*steps: dict[str, Any], **rest: Any) -> list[tuple[str, str]]:
    """Rule and path of what is told, the path from the last step on."""
    findings = cursus.check(pipeline(*steps, **rest)).findings
    start = f"Steps[{len(steps) - 1}]."
    return [(f.rule, f.path.removeprefix(start).removeprefix("Arguments.")) for f in told(findings)]
