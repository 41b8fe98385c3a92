"""Make src/cursus/aws/data/pipelines.json: what a pipeline definition may hold.

Usage: python scripts/make_pipelines.py pipeline-definition.schema.json

The argument is the JSON schema of pipeline definitions that AWS publishes (repository
aws-sagemaker-mlops/sagemaker-model-building-pipeline-definition-JSON-schema, folder schema/). It gives
the members of each step type. It is older than the service, so what the SageMaker Python SDK writes beside it is
tabled in ``scripts/pipelines.yaml``, with the properties that its steps offer.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import tables
import yaml

SOURCE = (
    "JSON schema of pipeline definitions published by AWS (aws-sagemaker-mlops, 2025-04-03); "
    "sagemaker 2.257.7, sagemaker.workflow; sagemaker 3.27.0, sagemaker.mlops.workflow; botocore 1.44.5"
)
TABLE = Path(__file__).with_name("pipelines.yaml")

# Members of every step that the published schema lacks.
COMMON = ["Arguments", "DependsOn", "Description", "DisplayName", "Name", "Type"]
# What values an argument may have that a reference may stand for, by the definition's name.
ARGUMENTS = {
    "StringArgumentValue": "string",
    "IntegerArgumentValue": "integer",
    "FloatArgumentValue": "number",
    "BooleanArgumentValue": "boolean",
    "StepName": "string",
    "ParameterDescription": "string",
}
# Steps whose arguments are no request of SageMaker's own, so that the published schema is all there is.
NO_REQUEST = ("EMR", "Fail", "Endpoint", "EndpointConfig", "Lambda", "Callback")
# Of these the schema names the arguments; their types are the operation's to say.
ENDPOINTS = ("Endpoint", "EndpointConfig")
# Members with rules of their own.
SEEN = ("Name", "Type", "DependsOn", "RetryPolicies", "CacheConfig", "CheckType")


def form(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The types of a part of the schema: ``type``, ``items``, and ``members`` of a structure that has no others."""
    name = str(node.get("$ref", "")).rpartition("/")[2]
    if name in ARGUMENTS:
        return {"type": ARGUMENTS[name]}
    if name:
        node = definitions[name]
    kind = node.get("type")
    made: dict[str, Any] = (
        {"type": kind} if kind in ("string", "integer", "number", "boolean", "array") else {}
    )
    if kind == "array" and "items" in node:
        made["items"] = form(node["items"], definitions)
    if "properties" in node:
        members = {key: form(value, definitions) for key, value in node["properties"].items()}
        made = {"type": "object", "members": members, "closed": node.get("additionalProperties") is False}
    return made


def forms(definitions: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    """The types of a step's own members, and of its arguments where these are no request; ``name`` is in the schema."""
    found = form(definitions[name], definitions)["members"]
    made = {key: value for key, value in found.items() if key not in SEEN}
    if kind not in NO_REQUEST:
        del made["Arguments"]
    if kind in ENDPOINTS:
        made["Arguments"]["members"] = {name: {} for name in made["Arguments"]["members"]}
    if kind in ("QualityCheck", "ClarifyCheck"):
        made["FailOnViolation"] = {"type": "boolean"}
    if "OutputParameters" in made:
        made["OutputParameters"] = {"type": "array"}
    if kind == "EMR":  # sagemaker.workflow.emr_step
        made["Arguments"]["members"] |= {
            "ClusterConfig": {"type": "object"},
            "ExecutionRoleArn": {"type": "string"},
        }
    return made


def _answered(service: str, operation: str) -> list[str]:
    """The members of an operation's answer, with a capital."""
    import botocore.session

    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    return [name[:1].upper() + name[1:] for name in model.output_shape.members]


def _shape(name: str) -> Any:
    """A structure of SageMaker's service model."""
    import botocore.session

    return botocore.session.get_session().get_service_model("sagemaker").shape_for(name)


def step_types(schema: dict[str, Any], steps: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What is known of each type of step: its operation, properties, members and arguments."""
    types: dict[str, Any] = {}
    for name, known in steps.items():
        properties = _answered(*known["answer"]) if "answer" in known else known.get("properties", [])
        entry: dict[str, Any] = {"outputs": known.get("outputs", []), "properties": properties}
        if "operation" in known:
            entry["operation"] = known["operation"]
        if "definition" in known:
            found = schema[known["definition"]]
            entry["members"] = sorted({*found["properties"], *known.get("written", [])})
            entry["required"] = sorted(found.get("required", ["Name", "Type"]))
            arguments = found["properties"].get("Arguments", {}).get("required", [])
            if name in ("Condition", "Fail"):  # whose arguments are no request
                entry["argument_members"] = sorted(found["properties"]["Arguments"]["properties"])
            if name in ("Model", "AutoML"):  # those of other steps are required by the service's own model
                entry["required_arguments"] = sorted(arguments)
        if "beside" in known:
            entry["members"] = sorted([*COMMON, *known["beside"]])
            entry["required"] = ["Arguments", "Name", "Type"]
        entry.update({name: known[name] for name in ("below", "parts") if name in known})
        if "definition" in known or name in NO_REQUEST:
            entry["forms"] = forms(schema, name, known.get("definition", f"{name}Step"))
        elif "beside" in known:
            entry["forms"] = {member: {"type": "string"} for member in ("DisplayName", "Description")}
            if "arguments" in known:
                entry["forms"]["Arguments"] = {
                    "type": "object",
                    "members": known["arguments"],
                    "closed": True,
                }
        types[name] = entry
    return types


def published(schema: dict[str, Any]) -> dict[str, Any]:
    """What the schema and the service model say of definitions, beside their steps."""
    automl = schema["AutoMLStep"]["properties"]["Arguments"]
    checks = {name: schema[f"{name}Step"]["properties"] for name in ("QualityCheck", "ClarifyCheck")}
    return {
        "retry_exceptions": schema["RetryPolicy"]["properties"]["ExceptionType"]["enum"],
        "retry_members": list(schema["RetryPolicy"]["properties"]),
        "checks": {name: checks[name]["CheckType"]["enum"] for name in checks},
        "problem_types": list(_shape("MonitoringProblemType").enum),
        "association_types": list(_shape("AssociationEdgeType").enum),
        "mlflow_members": {name: one.metadata for name, one in _shape("MLflowConfiguration").members.items()},
        "described": {name: _shape(f"Step{name}").metadata["max"] for name in ("DisplayName", "Description")},
        "fail_message": _shape("FailStepMetadata").members["ErrorMessage"].metadata["max"],
        # What a check compares with, unless it is skipped.
        "baselines": [
            member
            for member in checks["QualityCheck"]
            if member.startswith("Supplied") or member == "ModelPackageGroupName"
        ],
        "automl_modes": automl["properties"]["AutoMLJobConfig"]["properties"]["Mode"]["enum"],
        "default_length": schema["StringParameter"]["properties"]["DefaultValue"]["maxLength"],
    }


def document(schema: dict[str, Any]) -> dict[str, Any]:
    """The whole table."""
    table = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return {
        "source": SOURCE,
        **table["facts"],
        **published(schema),
        "step_types": step_types(schema, table["steps"]),
    }


def main(file: Path) -> None:
    schema = json.loads(file.read_text())["definitions"]
    tables.write("pipelines", document(schema))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
