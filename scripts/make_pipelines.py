"""Make src/cursus/aws/data/pipelines.json: what a pipeline definition may hold.

Usage: python scripts/make_pipelines.py pipeline-definition.schema.json

The argument is the JSON schema of pipeline definitions that AWS publishes (repository
aws-sagemaker-mlops/sagemaker-model-building-pipeline-definition-JSON-schema, folder schema/). It gives
the members of each step type. It is older than the service, so what the SageMaker Python SDK
(sagemaker 2.257.7, module sagemaker.workflow, and 3.27.0, module sagemaker.mlops.workflow) writes beside it is
listed here, with the properties that its steps offer.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

OUT = Path(__file__).parents[1] / "src" / "cursus" / "aws" / "data" / "pipelines.json"

# step type → (operation whose body Arguments is, Describe* operations that its properties come from,
#              properties beside those, members that the SDK writes and the published schema lacks)
STEP_TYPES: dict[str, tuple[str | None, list[str], list[str], list[str]]] = {
    "Training": (
        "CreateTrainingJob",
        ["DescribeTrainingJob"],
        [
            "ComputingJobName",
            "ComputingJobStatus",
            "NotebookJobInputLocation",
            "NotebookJobOutputLocationPrefix",
            "InputNotebookName",
            "OutputNotebookName",
        ],
        [],
    ),
    "Processing": ("CreateProcessingJob", ["DescribeProcessingJob"], [], ["PropertyFiles"]),
    "Transform": ("CreateTransformJob", ["DescribeTransformJob"], [], []),
    "Tuning": (
        "CreateHyperParameterTuningJob",
        ["DescribeHyperParameterTuningJob"],
        ["TrainingJobSummaries"],
        [],
    ),
    "AutoML": ("CreateAutoMLJob", ["DescribeAutoMLJob"], ["BestCandidateProperties"], []),
    "Model": ("CreateModel", ["DescribeModel"], [], []),
    "RegisterModel": ("CreateModelPackage", ["DescribeModelPackage"], [], []),
    "Condition": (None, [], ["Outcome"], []),
    "Fail": (None, [], [], []),
    "Lambda": (None, [], ["OutputParameters"], []),
    "Callback": (None, [], ["OutputParameters"], []),
    "QualityCheck": (
        "CreateProcessingJob",
        [],
        [
            "CalculatedBaselineConstraints",
            "CalculatedBaselineStatistics",
            "BaselineUsedForDriftCheckStatistics",
            "BaselineUsedForDriftCheckConstraints",
        ],
        ["FailOnViolation"],
    ),
    "ClarifyCheck": (
        "CreateProcessingJob",
        [],
        ["CalculatedBaselineConstraints", "BaselineUsedForDriftCheckConstraints"],
        ["FailOnViolation"],
    ),
    "EMR": (None, [], ["*"], ["RetryPolicies"]),
    "EMRServerless": (None, [], ["*"], []),
    "ForEach": (
        None,
        [],
        [
            "Status",
            "InputItemCount",
            "TotalStepCount",
            "SucceededStepCount",
            "FailedStepCount",
            "StoppedStepCount",
            "IterationOutputs",
            "Selected",
        ],
        [],
    ),
    "Job": ("CreateJob", ["DescribeJob"], ["JobConfigDocument"], []),  # references look into the text
    "Cleanup": (None, [], [], []),
    "Endpoint": ("CreateEndpoint", ["DescribeEndpoint"], [], []),
    "EndpointConfig": ("CreateEndpointConfig", ["DescribeEndpointConfig"], [], []),
    "InferenceComponent": ("CreateInferenceComponent", ["DescribeInferenceComponent"], [], []),
    "Lineage": (None, [], ["ActionArns", "ArtifactArns", "ContextArns", "Associations"], []),
    "MLflow": (None, [], ["*"], []),
    # sagemaker.workflow.bedrock_steps, in the branch master-v2 of github.com/aws/sagemaker-python-sdk (34b16d3dc)
    "BedrockCustomModel": ("CreateCustomModel", [], [], []),
    "BedrockCustomModelDeployment": ("CreateCustomModelDeployment", [], [], []),
    "BedrockModelImport": ("CreateModelImportJob", [], [], []),
    "BedrockProvisionedModelThroughput": ("CreateProvisionedModelThroughput", [], [], []),
}
# Steps of which the SDK says which members they have beside these (sagemaker.mlops.workflow).
COMMON = ["Arguments", "DependsOn", "Description", "DisplayName", "Name", "Type"]
BESIDE = {
    "EMRServerless": ["CacheConfig", "RetryPolicies"],
    "ForEach": [],
    "Job": ["CacheConfig", "RetryPolicies"],
    "Cleanup": [],
    "Endpoint": ["CacheConfig"],
    "EndpointConfig": ["CacheConfig", "RetryPolicies"],
    "InferenceComponent": [],
    "Lineage": [],
}
# Arguments that are requests of their own.
PARTS = {
    "Lineage": {"Actions": "CreateAction", "Artifacts": "CreateArtifact", "Contexts": "CreateContext"},
    "EMR": {"ClusterConfig": "RunJobFlow"},
    "EMRServerless": {"ApplicationConfig": "CreateApplication", "JobConfig": "StartJobRun"},
}
# The operations of other services whose answers are the properties of these steps.
DESCRIBED = {
    "BedrockCustomModel": ("bedrock", "GetCustomModel"),
    "BedrockCustomModelDeployment": ("bedrock", "GetCustomModelDeployment"),
    "BedrockModelImport": ("bedrock", "GetModelImportJob"),
    "BedrockProvisionedModelThroughput": ("bedrock", "GetProvisionedModelThroughput"),
}
DEFINITIONS = {
    "Training": "TrainingStep",
    "Processing": "ProcessingStep",
    "Transform": "TransformStep",
    "Tuning": "TuningStep",
    "AutoML": "AutoMLStep",
    "Model": "CreateModelStep",
    "RegisterModel": "RegisterModelStep",
    "Condition": "ConditionStep",
    "Fail": "FailStep",
    "Lambda": "LambdaStep",
    "Callback": "CallbackStep",
    "QualityCheck": "QualityCheckStep",
    "ClarifyCheck": "ClarifyCheckStep",
    "EMR": "EMRStep",
}


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


def forms(definitions: dict[str, Any], kind: str) -> dict[str, Any]:
    """The types of a step's own members, and of its arguments where these are no request."""
    found = form(definitions[DEFINITIONS.get(kind, f"{kind}Step")], definitions)["members"]
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


def _enum(operation: str, member: str) -> list[str]:
    """The values that a member of one of SageMaker's requests may have."""
    import botocore.session

    model = botocore.session.get_session().get_service_model("sagemaker").operation_model(operation)
    return list(model.input_shape.members[member].enum)


CONDITIONS = {
    "Equals": ["LeftValue", "RightValue"],
    "NotEquals": ["LeftValue", "RightValue"],
    "GreaterThan": ["LeftValue", "RightValue"],
    "GreaterThanOrEqualTo": ["LeftValue", "RightValue"],
    "LessThan": ["LeftValue", "RightValue"],
    "LessThanOrEqualTo": ["LeftValue", "RightValue"],
    "In": ["QueryValue", "Values"],
    "Not": ["Condition"],
    "Or": ["Conditions"],
}
# sagemaker.workflow._utils.EXPERIMENTS_REGIONS: "Experiments is not expanding to new regions"
EXPERIMENT_REGIONS = [
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ca-central-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
]
MIME_TYPES = [  # top-level types: https://www.iana.org/assignments/media-types
    "application",
    "audio",
    "font",
    "haptics",
    "image",
    "message",
    "model",
    "multipart",
    "text",
    "video",
]
CACHING = {
    # https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html
    "keys": {
        "Processing": ["AppSpecification", "Environment", "ProcessingInputs"],
        "Training": [
            "AlgorithmSpecification",
            "CheckpointConfig",
            "DebugHookConfig",
            "DebugRuleConfigurations",
            "Environment",
            "HyperParameters",
            "InputDataConfig",
        ],
        "Tuning": [
            "HyperParameterTuningJobConfig",
            "TrainingJobDefinition.AlgorithmSpecification",
            "TrainingJobDefinition.HyperParameterRanges",
            "TrainingJobDefinition.InputDataConfig",
            "TrainingJobDefinition.StaticHyperParameters",
            "TrainingJobDefinition.TuningObjective",
            "TrainingJobDefinitions",
        ],
        "AutoML": ["AutoMLJobConfig", "AutoMLJobObjective", "InputDataConfig", "ProblemType"],
        "Transform": ["DataProcessing", "Environment", "ModelName", "TransformInput"],
        "EMR": ["ClusterId", "StepConfig"],
    },
    # What each execution, and each job that is really run, has anew.
    "new_variables": [
        "StartDateTime",
        "CurrentDateTime",
        "PipelineExecutionId",
        "PipelineExecutionArn",
    ],
    "new_properties": {
        "Training": ["ModelArtifacts", "TrainingJobName", "TrainingJobArn"],
        "Tuning": ["BestTrainingJob", "TrainingJobSummaries", "HyperParameterTuningJobName"],
        "Processing": ["ProcessingJobName", "ProcessingJobArn"],
        "Transform": ["TransformJobName", "TransformJobArn"],
        "AutoML": ["BestCandidate", "AutoMLJobName", "AutoMLJobArn"],
        "Model": ["ModelName", "ModelArn"],
    },
}
EXECUTION_VARIABLES = [
    "StartDateTime",
    "CurrentDateTime",
    "PipelineName",
    "PipelineArn",
    "PipelineExecutionId",
    "PipelineExecutionArn",
    "TrainingJobName",
    "ProcessingJobName",
]


def step_types(schema: dict[str, Any]) -> dict[str, Any]:
    """What is known of each type of step: its operation, properties, members and arguments."""
    types: dict[str, Any] = {}
    for name, (operation, outputs, properties, members) in STEP_TYPES.items():
        if name in DESCRIBED:
            properties = _answered(*DESCRIBED[name])
        entry: dict[str, Any] = {"outputs": outputs, "properties": properties}
        if operation:
            entry["operation"] = operation
        if name in DEFINITIONS:
            found = schema[DEFINITIONS[name]]
            entry["members"] = sorted({*found["properties"], *members})
            entry["required"] = sorted(found.get("required", ["Name", "Type"]))
            arguments = found["properties"].get("Arguments", {}).get("required", [])
            if name in ("Condition", "Fail"):  # whose arguments are no request
                entry["argument_members"] = sorted(found["properties"]["Arguments"]["properties"])
            if name in ("Model", "AutoML"):  # those of other steps are required by the service's own model
                entry["required_arguments"] = sorted(arguments)
        if name in BESIDE:
            entry["members"] = sorted([*COMMON, *BESIDE[name]])
            entry["required"] = ["Arguments", "Name", "Type"]
        if name in PARTS:
            entry["parts"] = PARTS[name]
        if name in DEFINITIONS or name in NO_REQUEST:
            entry["forms"] = forms(schema, name)
        if name == "Lineage":
            members_of: dict[str, Any] = {key: {} for key in (*PARTS[name], "Associations")}
            entry["forms"] = {"Arguments": {"type": "object", "members": members_of, "closed": True}}
        types[name] = entry
    return types


def document(schema: dict[str, Any]) -> dict[str, Any]:
    """The table."""
    automl = schema["AutoMLStep"]["properties"]["Arguments"]
    checks = {name: schema[f"{name}Step"]["properties"] for name in ("QualityCheck", "ClarifyCheck")}
    return {
        "source": (
            "JSON schema of pipeline definitions published by AWS (aws-sagemaker-mlops, 2025-04-03); "
            "sagemaker 2.257.7, sagemaker.workflow; sagemaker 3.27.0, sagemaker.mlops.workflow; botocore 1.44.5"
        ),
        "date": "2026-11-23",
        "version": "2020-12-01",
        "members": ["Version", "Metadata", "Parameters", "PipelineExperimentConfig", "Steps", "MlflowConfig"],
        "parameter_types": ["String", "Integer", "Float", "Boolean"],
        "parameter_members": ["Name", "Type", "DefaultValue", "EnumValues", "Description"],
        "execution_variables": EXECUTION_VARIABLES,
        "experiment_variables": ["ExperimentName", "TrialName"],
        "conditions": CONDITIONS,
        "retry_exceptions": schema["RetryPolicy"]["properties"]["ExceptionType"]["enum"],
        "retry_members": list(schema["RetryPolicy"]["properties"]),
        # sagemaker.workflow.retry.SageMakerJobStepRetryPolicy is for steps that start jobs.
        "steps_without_jobs": ["Model", "RegisterModel", "Lambda", "Callback", "Endpoint", "EndpointConfig"],
        "retry_limits": {"MaxAttempts": 20, "ExpireAfterMin": 14400, "IntervalSeconds": 43200},
        "checks": {name: checks[name]["CheckType"]["enum"] for name in checks},
        "association_types": _enum("AddAssociation", "AssociationType"),
        # What a check compares with, unless it is skipped.
        "baselines": [
            member
            for member in checks["QualityCheck"]
            if member.startswith("Supplied") or member == "ModelPackageGroupName"
        ],
        "automl_modes": automl["properties"]["AutoMLJobConfig"]["properties"]["Mode"]["enum"],
        "job_summaries": 50,  # sagemaker.workflow.steps.TuningStep.get_top_model_s3_uri
        "transform_payload": 100,  # MB: API_CreateTransformJob, MaxPayloadInMB
        "transform_hosts": 100,  # API_TransformResources, InstanceCount
        # What the servers take by default, 6,553,500 bytes: pytorch.org/serve/configuration.html (max_request_size),
        # github.com/awslabs/multi-model-server/blob/master/docs/configuration.md
        "served_requests": {
            "pytorch-inference": {"mb": 6, "variable": "TS_MAX_REQUEST_SIZE"},
            "huggingface-pytorch-inference": {"mb": 6, "variable": "MMS_MAX_REQUEST_SIZE"},
        },
        # From which version on the GPU images have the label that MultiModel wants; those for CPUs always had it:
        # github.com/aws/deep-learning-containers, tensorflow/inference/docker/*/py3/*/Dockerfile.gpu
        "multi_models_since": {"tensorflow-inference": "2.18"},
        "default_length": schema["StringParameter"]["properties"]["DefaultValue"]["maxLength"],
        "enum_values": 16,  # what the service takes: https://github.com/aws/sagemaker-python-sdk/issues/2314
        # Members that the operation behind a step has and CreatePipeline refuses ("Unknown Argument member"):
        # github.com/aws/sagemaker-python-sdk/pull/3472 and issues/4994.
        "refused_arguments": {
            # https://github.com/boto/boto3/issues/4510
            "RegisterModel": ["ModelPackageName", "AdditionalS3DataSource"],
            "Model": ["AdditionalModelDataSources"],
            # github.com/aws/sagemaker-python-sdk/commit/34b16d3dc ("fields SageMaker Pipelines rejects")
            "EndpointConfig": ["DataCaptureConfig", "ExplainerConfig"],
            "Endpoint": ["DeploymentConfig"],
        },
        # sagemaker.workflow.steps.Step._trim_experiment_config takes them out of the requests of jobs.
        "refused_experiment_members": ["ExperimentName", "TrialName", "RunName"],
        "experiment_regions": EXPERIMENT_REGIONS,
        "mime_types": MIME_TYPES,
        "triggers": ["Completed", "Failed", "Stopped", "Any"],
        "caching": CACHING,
        "for_each": {
            "concurrency": 50,
            "items": 100,
            "picks": ["MaxBy", "MinBy"],
            "refused_steps": ["Condition", "Fail", "ForEach"],
        },
        "step_types": step_types(schema),
    }


def main(published: Path) -> None:
    schema = json.loads(published.read_text())["definitions"]
    OUT.write_text(json.dumps(document(schema), indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
