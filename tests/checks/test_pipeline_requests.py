"""Steps of a pipeline whose arguments are requests that no job sends: endpoints, lineage, EMR, loops."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import cursus
from cursus.checks.examples import BASES, DEFINITION
from tests.checks.made import TUNING, XGBOOST, model, pipeline, told, transform

TUNED = BASES[TUNING]

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:ask"
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
CREATE = model({"Image": XGBOOST, "ModelDataUrl": "s3://example-bucket/model.tar.gz"})
VARIANT: dict[str, Any] = {
    "VariantName": "AllTraffic",
    "ModelName": {"Get": "Steps.Create.ModelName"},
    "InstanceType": "ml.m5.large",
    "InitialInstanceCount": 1,
    "InitialVariantWeight": 1.0,
}
SERVERLESS: dict[str, Any] = {
    "VariantName": "AllTraffic",
    "ModelName": {"Get": "Steps.Create.ModelName"},
    "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": 5},
}


SCALED: dict[str, Any] = {
    **VARIANT,
    "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2},
}


def step(kind: str, name: str = "It", **arguments: Any) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Arguments": arguments}


def config(*variants: dict[str, Any], **more: Any) -> dict[str, Any]:
    return step("EndpointConfig", "Configure", ProductionVariants=list(variants), **more)


def found(*steps: dict[str, Any], **rest: Any) -> list[tuple[str, str]]:
    """Rule and path of what is told, the path from the last step on."""
    findings = cursus.check(pipeline(*steps, **rest)).findings
    start = f"Steps[{len(steps) - 1}]."
    return [(f.rule, f.path.removeprefix(start).removeprefix("Arguments.")) for f in told(findings)]


LINEAGE = step(
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
SPARK = step(
    "EMRServerless",
    ExecutionRoleArn=ROLE,
    ApplicationId="00f1abcdexample",
    JobConfig={
        "executionRoleArn": ROLE,
        "jobDriver": {
            "sparkSubmit": {"entryPoint": "s3://example-bucket/job.py", "entryPointArguments": ["a"]}
        },
    },
)
APPLICATION = step(
    "EMRServerless",
    ExecutionRoleArn=ROLE,
    ApplicationConfig={"name": "churn", "releaseLabel": "emr-7.0.0", "type": "SPARK"},
    JobConfig=SPARK["Arguments"]["JobConfig"],
)
CLUSTER = step(
    "EMR",
    StepConfig={"HadoopJarStep": {"Jar": "command-runner.jar"}},
    ClusterConfig={
        "ReleaseLabel": "emr-7.5.0",
        "JobFlowRole": "EMR_EC2_DefaultRole",
        "ServiceRole": "EMR_DefaultRole",
        "Instances": {
            "InstanceGroups": [{"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}]
        },
    },
)
COMPONENT = step(
    "InferenceComponent",
    InferenceComponentName="churn",
    EndpointName="churn",
    VariantName="AllTraffic",
    Specification={"ModelName": "churn", "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024}},
    RuntimeConfig={"CopyCount": 1},
)
IMPORT = step(
    "BedrockModelImport", RoleArn=ROLE, ModelDataSource={"S3DataSource": {"S3Uri": "s3://example-bucket/m/"}}
)
THROUGHPUT = step("BedrockProvisionedModelThroughput", ModelId="amazon.titan-text-lite-v1", ModelUnits=1)
JOB = step(
    "Job",
    JobCategory="AgentRFT",
    JobConfigSchemaVersion="1.0.0",
    RoleArn=ROLE,
    JobConfigDocument='{"A": "b"}',
)


@pytest.mark.parametrize(
    "sound",
    [
        LINEAGE,
        SPARK,
        APPLICATION,
        CLUSTER,
        COMPONENT,
        JOB,
        IMPORT,
        THROUGHPUT,
        step("Endpoint", EndpointConfigName="a"),
    ],
)
def test_sound_requests(sound: dict[str, Any]) -> None:
    assert found(sound) == []


@pytest.mark.parametrize(
    ("sound", "path", "value", "expected"),
    [
        (LINEAGE, ("Actions", 0, "Status"), "Done", [("STP004", "Actions[0].Status")]),
        (LINEAGE, ("Artifacts", 0, "Source"), "s3://a/b", [("STP003", "Artifacts[0].Source")]),
        (
            LINEAGE,
            ("Associations", 0, "AssociationType"),
            "ProducedBy",
            [("DEP097", "Associations[0].AssociationType")],
        ),
        (
            SPARK,
            ("JobConfig", "jobDriver", "sparkSubmit", "entryPointArguments"),
            "a b",
            [("STP003", "JobConfig.jobDriver.sparkSubmit.entryPointArguments")],
        ),
        (
            SPARK,
            ("JobConfig", "jobDriver", "SparkSubmit"),
            {},
            [("STP002", "JobConfig.jobDriver.SparkSubmit")],
        ),
        (
            APPLICATION,
            ("ApplicationConfig", "type"),
            None,
            [("STP001", "ApplicationConfig.type")],
        ),
        (
            APPLICATION,
            ("ApplicationConfig",),
            {"Name": "churn", "releaseLabel": "emr-7.0.0", "type": "SPARK"},
            [("DEP047", "ApplicationConfig.Name")],
        ),
        (
            CLUSTER,
            ("ClusterConfig", "Instances", "InstanceGroups", 0, "InstanceCount"),
            "1",
            [("STP003", "ClusterConfig.Instances.InstanceGroups[0].InstanceCount")],
        ),
        (
            COMPONENT,
            ("Specification", "ComputeResourceRequirements"),
            {"NumberOfCpuCoresRequired": 1},
            [("STP001", "Specification.ComputeResourceRequirements.MinMemoryRequiredInMb")],
        ),
        (COMPONENT, ("Specification",), {}, [("DEP099", "Specification.ModelName")]),
        (JOB, ("JobConfigDocument",), {"A": "b"}, [("STP003", "JobConfigDocument")]),
        (JOB, ("JobCategory",), "AgentRft", [("STP004", "JobCategory")]),
        (JOB, ("JobConfigDocument",), "{'A': 'b'}", [("DEP043", "JobConfigDocument")]),
        (
            COMPONENT,
            ("Specification", "ComputeResourceRequirements", "MaxMemoryRequiredInMb"),
            512,
            [("DEP099", "Specification.ComputeResourceRequirements.MinMemoryRequiredInMb")],
        ),
        (LINEAGE, (), {}, [("DEP097", "Arguments")]),
        (IMPORT, ("ModelDataSource",), None, [("STP001", "ModelDataSource")]),
        (IMPORT, ("ImportedModelKmsKey",), "k", [("STP002", "ImportedModelKmsKey")]),
        (THROUGHPUT, ("CommitmentDuration",), "OneYear", [("STP004", "CommitmentDuration")]),
    ],
)
def test_broken_requests(
    sound: dict[str, Any], path: tuple[str | int, ...], value: Any, expected: list[tuple[str, str]]
) -> None:
    broken = copy.deepcopy(sound)
    holder: Any = broken
    place = ("Arguments", *path)
    for part in place[:-1]:
        holder = holder[part]
    holder[place[-1]] = value
    assert found(broken) == expected


def without(variant: dict[str, Any], *members: str) -> dict[str, Any]:
    return {name: value for name, value in variant.items() if name not in members}


@pytest.mark.parametrize(
    ("variants", "more", "expected"),
    [
        ([VARIANT], {}, []),
        ([SERVERLESS], {}, []),
        ([VARIANT, {**VARIANT, "VariantName": "Other"}], {}, []),
        ([VARIANT, VARIANT], {}, ["[1].VariantName"]),
        ([{**SERVERLESS, "InstanceType": "ml.m5.large"}], {}, ["[0].InstanceType"]),
        ([SERVERLESS, {**VARIANT, "VariantName": "Other"}], {}, ["[0].ServerlessConfig"]),
        ([without(VARIANT, "InstanceType", "InitialInstanceCount")], {}, ["[0].InstanceType"]),
        ([without(VARIANT, "ModelName")], {}, ["[0].ModelName"]),
        ([without(VARIANT, "ModelName")], {"ExecutionRoleArn": ROLE}, []),
        ([without(SCALED, "ModelName")], {"ExecutionRoleArn": ROLE, "EnableNetworkIsolation": True}, []),
        ([SCALED], {}, ["[0].ManagedInstanceScaling"]),
        (
            [{**SERVERLESS, "ServerlessConfig": {"MemorySizeInMB": 3000, "MaxConcurrency": 5}}],
            {},
            ["[0].ServerlessConfig.MemorySizeInMB"],
        ),
        (
            [
                {
                    **SERVERLESS,
                    "ServerlessConfig": {
                        "MemorySizeInMB": 1024,
                        "MaxConcurrency": 5,
                        "ProvisionedConcurrency": 6,
                    },
                }
            ],
            {},
            ["[0].ServerlessConfig.ProvisionedConcurrency"],
        ),
    ],
)
def test_variants_of_endpoints(
    variants: list[dict[str, Any]], more: dict[str, Any], expected: list[str]
) -> None:
    assert found(CREATE, config(*variants, **more)) == [
        ("DEP099", "ProductionVariants" + p) for p in expected
    ]


def test_instance_types_of_endpoints_come_from_parameters_too() -> None:
    steps = (CREATE, config({**VARIANT, "InstanceType": {"Get": "Parameters.Type"}}))
    kinds = [{"Name": "Type", "Type": "String", "DefaultValue": "m5.large"}]
    assert [rule for rule, _ in found(*steps, Parameters=kinds)] == ["DEP045"]
    kinds[0]["DefaultValue"] = "ml.m5.large"
    assert found(*steps, Parameters=kinds) == []


@pytest.mark.parametrize(
    ("kind", "member", "get", "expected"),
    [
        ("Endpoint", "EndpointConfigName", "Steps.Configure.EndpointConfigName", []),
        ("Endpoint", "EndpointConfigName", "Steps.Configure.EndpointConfigArn", ["DEP014"]),
        ("Endpoint", "EndpointConfigName", "Steps.Configure.ConfigName", ["DEP012"]),
    ],
)
def test_names_that_steps_of_endpoints_make(kind: str, member: str, get: str, expected: list[str]) -> None:
    steps = (CREATE, config(VARIANT), {"Name": "Serve", "Type": kind, "Arguments": {member: {"Get": get}}})
    assert [rule for rule, _ in found(*steps)] == expected


@pytest.mark.parametrize(
    ("get", "expected"),
    [
        ("Steps.Each.IterationOutputs[0].Create.ModelName", []),
        ("Steps.Each.IterationOutputs.Create.ModelName", ["DEP012"]),
        ("Steps.Each.IterationOutputs[0].Creat.ModelName", ["DEP012"]),
        ("Steps.Each.IterationOutputs[0].Create.Name", ["DEP012"]),
        ("Steps.Each.Status", []),
        ("Steps.Each.Selected.ModelName", ["DEP012"]),
        ("Steps.Each.IterationOutputs[2].Create.ModelName", ["DEP012"]),
        ("Steps.Create.ModelName", ["DEP011"]),
    ],
)
def test_what_a_loop_gave(get: str, expected: list[str]) -> None:
    each = step("ForEach", "Each", IterableItems=["a", "b"], MaxConcurrency=2, ForEachBody=[CREATE])
    ask = {**step("Lambda", given={"Get": get}), "FunctionArn": FUNCTION}
    assert [rule for rule, _ in found(each, ask)] == expected


def test_a_selector_compares_what_the_iterations_gave() -> None:
    field = {"Get": "Steps.Create.ModelName"}
    selector = {"Pick": "MaxBy", "Field": field}
    each = step(
        "ForEach", IterableItems=["a", "b"], MaxConcurrency=2, Selector=selector, ForEachBody=[CREATE]
    )
    assert ("DEP048", "Selector.Field") in found(each)
    selector["Field"] = {"Get": "IterationOutput.Create.Name"}
    assert [rule for rule, _ in found(each)] == ["DEP012"]
    selector["Field"] = {"Get": "IterationOutput.Create.ModelName"}
    assert found(each) == []
    ask = {**step("Lambda", "Ask", given={"Get": "Steps.It.Selected.ModelName"}), "FunctionArn": FUNCTION}
    assert found(each, ask) == []


def test_what_a_loop_repeats_is_there_for_its_own_steps_alone() -> None:
    ask = {**step("Lambda", "Ask", given={"Get": "Steps.Create.ModelName"}), "FunctionArn": FUNCTION}
    ask["DependsOn"] = ["Create"]
    each = step("ForEach", "Each", IterableItems=["a", "b"], MaxConcurrency=2, ForEachBody=[CREATE, ask])
    assert found(each) == []
    outside = {**step("Lambda", "Create-1"), "FunctionArn": FUNCTION, "DependsOn": ["Create"]}
    assert [rule for rule, _ in found(each, outside)] == ["DEP005", "DEP048"]
    assert found(each, {**outside, "Name": "Create-one", "DependsOn": ["Each"]}) == []


def test_the_outputs_of_a_step_in_a_vpc_are_not_cleaned_up() -> None:
    train = step("Training", "Train", **copy.deepcopy(DEFINITION))
    clean = step("Cleanup", Resources={"S3": [{"StepName": "Train"}]})
    assert ("DEP048", "DependsOn") in found(train, clean)
    clean["DependsOn"] = ["Train"]
    assert [rule for rule, _ in found(train, clean) if rule == "DEP048"] == []
    assert ("DEP048", "Resources") in found(train, step("Cleanup", Resources=["s3://example-bucket/"]))
    train["Arguments"]["VpcConfig"] = {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert ("DEP048", "Resources.S3[0].StepName") in found(train, clean)


def test_what_a_transform_step_wrote_is_cleaned_up_by_its_objects() -> None:
    entry: dict[str, Any] = {"StepName": "Score"}
    clean = {**step("Cleanup", Resources={"S3": [entry]}), "DependsOn": ["Score"]}
    assert ("DEP048", "Resources.S3[0].S3Uris") in found(CREATE, transform(), clean)
    for uris in ("s3://example-bucket/out/a.csv.out", ["out/a.csv.out"], []):
        entry["S3Uris"] = uris
        assert ("DEP048", "Resources.S3[0].S3Uris") in found(CREATE, transform(), clean)
    entry["S3Uris"] = ["s3://example-bucket/out/a.csv.out"]
    assert [rule for rule, _ in found(CREATE, transform(), clean) if rule == "DEP048"] == []
    assert ("DEP048", "Resources.S3[0].StepName") in found(step("Cleanup", Resources={"S3": [{}]}))


@pytest.mark.parametrize(
    ("get", "expected"), [("JobConfigDocument.Output.Arn", []), ("JobConfig.Output", ["DEP012"])]
)
def test_what_a_job_answers(get: str, expected: list[str]) -> None:
    ask = {**step("Lambda", "Ask", given={"Get": f"Steps.It.{get}"}), "FunctionArn": FUNCTION}
    assert [rule for rule, _ in found(JOB, ask)] == expected


@pytest.mark.parametrize(("name", "expected"), [("model", []), ("modle", ["DEP012"])])
def test_what_a_lineage_step_records(name: str, expected: list[str]) -> None:
    recorded = {"Get": f"Steps.It.ArtifactArns['{name}']"}
    ask = {**step("Lambda", "Ask", given=recorded), "FunctionArn": FUNCTION}
    assert [rule for rule, _ in found(LINEAGE, ask)] == expected


@pytest.mark.parametrize(("last", "expected"), [("Name", []), ("Arn", ["DEP014"])])
def test_a_name_is_no_arn(last: str, expected: list[str]) -> None:
    tune = {"Name": "Tune", "Type": "Tuning", "Arguments": copy.deepcopy(TUNED)}
    parent = {"HyperParameterTuningJobName": {"Get": f"Steps.Tune.HyperParameterTuningJob{last}"}}
    warm = {"ParentHyperParameterTuningJobs": [parent], "WarmStartType": "IdenticalDataAndAlgorithm"}
    again = {"Name": "Again", "Type": "Tuning", "Arguments": copy.deepcopy(TUNED) | {"WarmStartConfig": warm}}
    assert [rule for rule, _ in found(tune, again) if rule == "DEP014"] == expected


@pytest.mark.parametrize(("get", "expected"), [("['answer']", []), (".answer", ["DEP012"])])
def test_output_parameters_are_named_in_brackets(get: str, expected: list[str]) -> None:
    ask = step("Lambda", "Ask") | {
        "FunctionArn": FUNCTION,
        "OutputParameters": [{"OutputName": "answer", "OutputType": "String"}],
    }
    told_of = step("Lambda", given={"Get": f"Steps.Ask.OutputParameters{get}"}) | {"FunctionArn": FUNCTION}
    assert [rule for rule, _ in found(ask, told_of)] == expected


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (['{"name": "a"}', '{"name": "b"}'], []),
        (['{"name": "a"}', '{"nmae": "b"}'], ["DEP010"]),
        (["a", "b"], ["DEP010"]),
        (['{"name": "a"}', {"Get": "Execution.PipelineName"}], []),
        ({"Get": "Parameters.Items"}, []),
    ],
)
def test_fields_of_the_current_item(items: Any, expected: list[str]) -> None:
    ask = {**step("Lambda", "Ask", given={"Get": "ForEach.CurrentItem.name"}), "FunctionArn": FUNCTION}
    each = step("ForEach", IterableItems=items, MaxConcurrency=2, ForEachBody=[ask])
    declared = [{"Name": "Items", "Type": "String", "DefaultValue": '[{"name": "a"}]'}]
    more = {"Parameters": declared} if isinstance(items, dict) else {}
    assert [rule for rule, _ in found(each, **more)] == expected


def test_fields_of_an_item_that_a_parameter_gives() -> None:
    ask = {**step("Lambda", "Ask", given={"Get": "ForEach.CurrentItem.name"}), "FunctionArn": FUNCTION}
    each = step("ForEach", IterableItems={"Get": "Parameters.Items"}, MaxConcurrency=2, ForEachBody=[ask])
    declared = [{"Name": "Items", "Type": "String", "DefaultValue": '["a"]'}]
    assert [rule for rule, _ in found(each, Parameters=declared)] == ["DEP010"]


@pytest.mark.parametrize(
    ("sound", "member", "expected"),
    [
        (COMPONENT, "CacheConfig", ["DEP002"]),
        (step("Endpoint", EndpointConfigName="a"), "CacheConfig", []),
        (SPARK, "CacheConfig", []),
        (LINEAGE, "CacheConfig", ["DEP002"]),
    ],
)
def test_what_steps_have_beside_their_arguments(
    sound: dict[str, Any], member: str, expected: list[str]
) -> None:
    caching = {"Enabled": True, "ExpireAfter": "P1D"}
    assert [rule for rule, _ in found({**sound, member: caching})] == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("AllTraffic", []), ("variant-1", [("DEP099", "VariantName")])]
)
def test_variants_that_inference_components_name(name: str, expected: list[tuple[str, str]]) -> None:
    empty = config(without(VARIANT, "ModelName"), ExecutionRoleArn=ROLE)
    serve = step("Endpoint", "Serve", EndpointConfigName={"Get": "Steps.Configure.EndpointConfigName"})
    component = copy.deepcopy(COMPONENT)
    component["Arguments"] |= {"EndpointName": {"Get": "Steps.Serve.EndpointName"}, "VariantName": name}
    assert found(empty, serve, component) == expected


def test_inference_components_go_where_no_model_is() -> None:
    serve = step("Endpoint", "Serve", EndpointConfigName={"Get": "Steps.Configure.EndpointConfigName"})
    component = copy.deepcopy(COMPONENT)
    component["Arguments"]["EndpointName"] = {"Get": "Steps.Serve.EndpointName"}
    assert found(CREATE, config(VARIANT), serve, component) == [("DEP099", "VariantName")]
    component["Arguments"] |= {"EndpointName": "churn", "RuntimeConfig": {"CopyCount": 0}}
    assert found(component) == [("DEP099", "RuntimeConfig.CopyCount")]


@pytest.mark.parametrize(
    ("kind", "wanted", "expected"),
    [
        ("ml.g5.xlarge", {"NumberOfAcceleratorDevicesRequired": 1}, []),
        ("ml.g5.xlarge", {"NumberOfAcceleratorDevicesRequired": 2}, ["NumberOfAcceleratorDevicesRequired"]),
        ("ml.m5.xlarge", {"NumberOfAcceleratorDevicesRequired": 1}, ["NumberOfAcceleratorDevicesRequired"]),
        ("ml.m5.xlarge", {"NumberOfCpuCoresRequired": 8}, ["NumberOfCpuCoresRequired"]),
        ("ml.m5.xlarge", {"NumberOfCpuCoresRequired": 0.5, "MinMemoryRequiredInMb": 8192}, []),
        ("ml.m5.xlarge", {"MinMemoryRequiredInMb": 32768}, ["MinMemoryRequiredInMb"]),
        ("ml.trn1.2xlarge", {"NumberOfAcceleratorDevicesRequired": 2}, []),
    ],
)
def test_inference_components_fit_into_an_instance(
    kind: str, wanted: dict[str, Any], expected: list[str]
) -> None:
    variant = {**without(VARIANT, "ModelName"), "InstanceType": kind}
    serve = step("Endpoint", "Serve", EndpointConfigName={"Get": "Steps.Configure.EndpointConfigName"})
    component = copy.deepcopy(COMPONENT)
    component["Arguments"]["EndpointName"] = {"Get": "Steps.Serve.EndpointName"}
    component["Arguments"]["Specification"]["ComputeResourceRequirements"] |= wanted
    top = "Specification.ComputeResourceRequirements."
    assert found(config(variant, ExecutionRoleArn=ROLE), serve, component) == [
        ("DEP099", top + member) for member in expected
    ]


@pytest.mark.parametrize(
    ("variant", "more", "expected"),
    [
        (VARIANT, {}, []),
        (SERVERLESS, {}, ["ProductionVariants[0].ServerlessConfig"]),
        (VARIANT, {"EnableNetworkIsolation": True}, ["EnableNetworkIsolation"]),
    ],
)
def test_isolated_models_behind_endpoints(
    variant: dict[str, Any], more: dict[str, Any], expected: list[str]
) -> None:
    isolated = copy.deepcopy(CREATE)
    isolated["Arguments"]["EnableNetworkIsolation"] = True
    assert [path for rule, path in found(isolated, config(variant, **more)) if rule == "DEP099"] == expected


@pytest.mark.parametrize("role", ["JobFlowRole", "ServiceRole"])
def test_clusters_need_roles(role: str) -> None:
    cluster = copy.deepcopy(CLUSTER)
    del cluster["Arguments"]["ClusterConfig"][role]
    assert found(cluster) == [("DEP047", f"ClusterConfig.{role}")]


CLARIFY = "205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0"
MONITOR = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"


def check(kind: str, image: str, folder: str, **environment: str) -> dict[str, Any]:
    data = {
        "S3Uri": "s3://example-bucket/in/",
        "LocalPath": folder,
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    out = {
        "S3Uri": "s3://example-bucket/q/",
        "LocalPath": "/opt/ml/processing/output",
        "S3UploadMode": "EndOfJob",
    }
    return {
        "CheckType": "DATA_QUALITY" if kind == "QualityCheck" else "DATA_BIAS",
        "SkipCheck": True,
        **step(
            kind,
            RoleArn=ROLE,
            ProcessingResources={
                "ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
            },
            AppSpecification={"ImageUri": image},
            ProcessingInputs=[{"InputName": "data", "S3Input": data}],
            ProcessingOutputConfig={"Outputs": [{"OutputName": "result", "S3Output": out}]},
            Environment=environment,
        ),
    }


CONFIG = "/opt/ml/processing/input/config"
QUALITY = {"dataset_source": "/opt/ml/processing/input/a", "output_path": "/opt/ml/processing/output"}


@pytest.mark.parametrize(
    ("sound", "expected"),
    [
        (check("ClarifyCheck", CLARIFY, CONFIG), []),
        (check("ClarifyCheck", CLARIFY, "/opt/ml/processing/input/analysis"), ["ProcessingInputs"]),
        (check("ClarifyCheck", MONITOR, CONFIG), ["AppSpecification.ImageUri"]),
        (
            check("QualityCheck", CLARIFY, QUALITY["dataset_source"], dataset_format="{}", **QUALITY),
            ["AppSpecification.ImageUri"],
        ),
        (
            check(
                "QualityCheck", MONITOR, QUALITY["dataset_source"], dataset_format='{"csv": {}}', **QUALITY
            ),
            [],
        ),
        (
            check(
                "QualityCheck", MONITOR, QUALITY["dataset_source"], dataset_format="{'csv': {}}", **QUALITY
            ),
            ["Environment.dataset_format"],
        ),
    ],
)
def test_what_checks_are_given(sound: dict[str, Any], expected: list[str]) -> None:
    assert [path for rule, path in found(sound) if rule == "DEP098"] == expected


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"dataset_format": '{"csv": {"header": true}}', **QUALITY}, []),
        ({"dataset_format": "csv", **QUALITY}, [("Environment.dataset_format", "error")]),
        ({**QUALITY}, [("Environment.dataset_format", "warning")]),
        (
            {
                "dataset_format": '{"csv": {}}',
                "analysis_type": "MODEL_QUALITY",
                "problem_type": "Regression",
                "inference_attribute": "_c0",
                "ground_truth_attribute": "_c1",
                **QUALITY,
            },
            [],
        ),
    ],
)
def test_monitors_jobs_are_given_what_checks_are(
    environment: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    step = check("QualityCheck", MONITOR, QUALITY["dataset_source"], **environment)
    told_of = cursus.check({"ProcessingJobName": "baseline", **step["Arguments"]}).findings
    assert [(f.path, f.severity) for f in told_of if f.rule == "DEP098"] == expected


@pytest.mark.parametrize(
    ("statistics", "constraints", "expected"),
    [
        ("statistics.json", "constraints.json", []),
        ("constraints.json", "constraints.json", [("DEP009", "Steps[0].SuppliedBaselineStatistics")]),
        ("statistics.json", "statistics.json", [("DEP009", "Steps[0].SuppliedBaselineConstraints")]),
    ],
)
def test_baselines_are_not_each_other(
    statistics: str, constraints: str, expected: list[tuple[str, str]]
) -> None:
    quality = check("QualityCheck", MONITOR, QUALITY["dataset_source"], dataset_format="{}", **QUALITY)
    quality["SuppliedBaselineStatistics"] = f"s3://example-bucket/base/{statistics}"
    quality["SuppliedBaselineConstraints"] = f"s3://example-bucket/base/{constraints}"
    told_of = cursus.check(pipeline(quality)).findings
    assert [(f.rule, f.path) for f in told(told_of)] == expected


def test_an_item_of_a_list_is_told_as_that() -> None:
    spark = copy.deepcopy(CLUSTER)
    spark["Arguments"]["StepConfig"]["HadoopJarStep"]["Args"] = ["spark-submit", 4]
    (finding,) = told(cursus.check(pipeline(spark)).findings)
    assert (finding.rule, finding.message) == ("DEP009", "an item of Args is 4; this place takes a text")
