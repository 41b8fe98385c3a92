"""One mistake in a pipeline definition is one finding."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import cursus
from cursus.checks.examples import DEFINITION
from cursus.model import Finding
from tests.checks.made import XGBOOST, pipeline, processing, processing_input, told

TRAIN: dict[str, Any] = {"Name": "Train", "Type": "Training", "Arguments": DEFINITION}
ASK: dict[str, Any] = {
    "Name": "Ask",
    "Type": "Lambda",
    "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:ask",
    "Arguments": {},
    "OutputParameters": [{"OutputName": "answer", "OutputType": "String"}],
}
ANSWER = {"Get": "Steps.Ask.OutputParameters['answer']"}


def named(step: dict[str, Any], name: str, **members: Any) -> dict[str, Any]:
    return {**copy.deepcopy(step), "Name": name, **members}


def decide(yes: list[Any], no: list[Any], *conditions: dict[str, Any]) -> dict[str, Any]:
    listed = list(conditions) or [{"Type": "Equals", "LeftValue": ANSWER, "RightValue": "go"}]
    arguments = {"Conditions": listed, "IfSteps": yes, "ElseSteps": no}
    return {"Name": "Decide", "Type": "Condition", "Arguments": arguments}


def training(**members: Any) -> dict[str, Any]:
    step = copy.deepcopy(TRAIN)
    step["Arguments"].update(members)
    return step


def xgboost(**hyperparameters: str) -> dict[str, Any]:
    channel = copy.deepcopy(DEFINITION["InputDataConfig"][0])
    return training(
        AlgorithmSpecification={"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
        HyperParameters={"num_round": "5", **hyperparameters},
        InputDataConfig=[{**channel, "ContentType": "text/csv"}],
    )


def found(*steps: dict[str, Any], parameters: tuple[Any, ...] = ()) -> list[Finding]:
    return told(cursus.check(pipeline(*steps, Parameters=list(parameters))).findings)


MISSPELT = {"S3Uri": "s3://example-bucket/report.json", "JsonPath": "metrics.auc"}


def prepare(*inputs: dict[str, Any]) -> dict[str, Any]:
    step = processing(ProcessingInputs=list(inputs))
    step["Arguments"]["AppSpecification"]["ContainerEntrypoint"] = [
        "python3",
        "/opt/ml/processing/code/step.py",
    ]
    return step


CODE = processing_input("code", "s3://example-bucket/code/step.py", "/opt/ml/input/code")
EPOCHS = {"Name": "Epochs", "Type": "Integer", "DefaultValue": 5}
BARE = {"Type": "Equals", "LeftValue": ANSWER, "RightValue": "go"}


@pytest.mark.parametrize(
    ("steps", "rule"),
    [
        ([xgboost(num_round="ParameterInteger(name='Epochs', default_value=5)")], "DEP004"),
        ([training(OutputDataConfig={"S3OutputPath": "s3://{'Get': 'Parameters.Epochs'}/models"})], "DEP004"),
        ([training(RoleArn={"get": "Parameters.Epochs"})], "DEP004"),
        ([ASK, named(TRAIN, "Train", DependsOn=[{"Get": "Steps.Ask"}])], "DEP005"),
        ([ASK, named(TRAIN, "Train", DependsOn=[{"Name": "Ask"}])], "DEP005"),
        ([ASK, decide([named(ASK, "Go")], [], {"Type": "Not", "Expression": BARE})], "DEP040"),
        (
            [ASK, decide([named(ASK, "Go")], [], {"Type": "In", "LeftValue": ANSWER, "RightValue": ["go"]})],
            "DEP040",
        ),
        ([ASK, decide([named(ASK, "Ask")], [])], "DEP003"),
        (
            [training(), named(ASK, "Tell", PropertyFiles=[{"PropertyFileName": "a", "OutputName": "b"}])],
            "DEP002",
        ),
        (
            [
                named(ASK, "Ask", DependsOn=["Tell", "Other"]),
                named(ASK, "Tell", DependsOn=["Ask"]),
                named(ASK, "Other", DependsOn=["Tell"]),
            ],
            "DEP006",
        ),
        (
            [
                decide([named(ASK, "Yes", DependsOn=["Last"])], [named(ASK, "No")], BARE),
                ASK,
                named(ASK, "Last", DependsOn=["Yes", "No"]),
            ],
            "DEP006",
        ),
        ([training(), {"name": "Ask", "type": "Lambda", "Arguments": {}}], "DEP002"),
        (
            [ASK, decide([named(ASK, "Go")], [], {**BARE, "LeftValue": {"Std:JsonGet": MISSPELT}})],
            "DEP013",
        ),
        ([training(RoleArn={"Ref": "Epochs"})], "DEP013"),
        ([prepare(CODE)], "DEP036"),
    ],
)
def test_one_cause_is_one_finding(steps: list[dict[str, Any]], rule: str) -> None:
    parameters = (EPOCHS,) if "Epochs" in str(steps) else ()
    assert [finding.rule for finding in found(*steps, parameters=parameters)] == [rule]


def test_an_output_that_is_not_there_is_not_also_another_ones() -> None:
    outputs = [
        {"OutputName": "train", "S3Output": {"S3Uri": "s3://b/t/", "LocalPath": "/opt/ml/processing/t"}}
    ]
    before = {
        "Name": "Prepare",
        "Type": "Processing",
        "Arguments": {"ProcessingOutputConfig": {"Outputs": outputs}},
    }
    step = training()
    source = step["Arguments"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    step["Arguments"]["InputDataConfig"][0]["ChannelName"] = "train"
    source["S3Uri"] = {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['training'].S3Output.S3Uri"}
    told = [
        finding.rule
        for finding in found(before, step)
        if finding.path.endswith("S3Uri") and "Steps[1]" in finding.path
    ]
    assert told == ["DEP012"]


def test_a_channel_that_stands_twice_is_not_also_the_wrong_output() -> None:
    outputs = [
        {
            "OutputName": name,
            "S3Output": {"S3Uri": f"s3://b/{name}", "LocalPath": f"/opt/ml/processing/{name}"},
        }
        for name in ("train", "validation")
    ]
    before = prepare()
    before["Arguments"]["ProcessingOutputConfig"] = {"Outputs": outputs}
    step = training()
    channels = [copy.deepcopy(DEFINITION["InputDataConfig"][0]) for _ in outputs]
    for channel, output in zip(channels, outputs, strict=True):
        uri = {
            "Get": f"Steps.Prepare.ProcessingOutputConfig.Outputs['{output['OutputName']}'].S3Output.S3Uri"
        }
        channel["DataSource"]["S3DataSource"]["S3Uri"] = uri
    step["Arguments"]["InputDataConfig"] = channels  # both are called train
    told = [finding.rule for finding in found(before, step) if "Steps[1]" in finding.path]
    assert told == ["CHN001"]


@pytest.mark.parametrize(
    "reference", ["Steps.answer.OutputParameters['answer']", "Steps.Ask.Outputs['answer']"]
)
def test_an_output_that_is_looked_for_elsewhere_is_shown(reference: str) -> None:
    (finding,) = found(ASK, named(ASK, "Tell", Arguments={"a": {"Get": reference}}))
    assert finding.remedy.endswith("write Steps.Ask.OutputParameters['answer']")


def test_a_number_where_a_text_belongs_is_told_of_the_parameter() -> None:
    step = prepare()
    step["Arguments"]["AppSpecification"]["ContainerEntrypoint"] = ["run", {"Get": "Parameters.Epochs"}]
    (finding,) = found(step, parameters=(EPOCHS,))
    assert "the parameter 'Epochs', which is of type 'Integer'; the API takes a text" in finding.message
    assert '{"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Epochs"}]}}' in finding.remedy


def test_circles_with_nothing_in_common_are_each_told() -> None:
    steps = [named(ASK, name, DependsOn=[other]) for name, other in ("AB", "BA", "CD", "DC")]
    assert [finding.rule for finding in found(*steps)] == ["DEP006", "DEP006"]


def test_values_of_another_type_in_an_enum_are_one_finding() -> None:
    parameter = {"Name": "Epochs", "Type": "String", "DefaultValue": "5", "EnumValues": [5, 10]}
    step = training(HyperParameters={"epochs": {"Get": "Parameters.Epochs"}})
    (finding,) = found(step, parameters=(parameter,))
    assert (finding.rule, finding.path) == ("DEP020", "Parameters[0].EnumValues")
    assert "5, 10 are no String" in finding.message
    parameter["EnumValues"] = ["5", 10]
    (finding,) = found(step, parameters=(parameter,))
    assert finding.path == "Parameters[0].EnumValues[1]"


def test_what_is_told_of_a_function_is_not_told_of_the_values_of_a_parameter_too() -> None:
    kind = {
        "Name": "Kind",
        "Type": "String",
        "DefaultValue": "ml.m5.xlarge",
        "EnumValues": ["ml.m5.xlarge", "ml.m5.large"],
    }
    resources = {**DEFINITION["ResourceConfig"], "InstanceType": {"Get": "Parameters.Kind"}}
    joined = {"Std:join": {"On": "/", "Values": ["s3://example-bucket"]}}
    step = training(ResourceConfig=resources, OutputDataConfig={"S3OutputPath": joined})
    (finding,) = found(step, parameters=(kind,))
    assert finding.rule == "DEP013"


@pytest.mark.parametrize("name", ["steps", "Stes", "Step"])
def test_misspelt_steps_are_one_finding(name: str) -> None:
    document = {"Version": "2020-12-01", "Parameters": [], name: [copy.deepcopy(TRAIN)]}
    (finding,) = cursus.check(document).findings
    assert (finding.rule, finding.path) == ("DEP001", name) and "'Steps'?" in finding.message


def test_a_misspelt_member_of_a_cache_is_one_finding() -> None:
    step = {**copy.deepcopy(TRAIN), "CacheConfig": {"Enabled": True, "ExpieAfter": "P1D"}}
    (finding,) = found(step)
    assert finding.rule == "DEP042" and "'ExpireAfter'?" in finding.message


@pytest.mark.parametrize(
    "arguments",
    [
        {"ClusterID": "j-1A2B3C", "StepConfig": {"HadoopJarStep": {"Jar": "x.jar"}}},
        {"ClusterId": "j-1A2B3C", "StepConfg": {"HadoopJarStep": {"Jar": "x.jar"}}},
    ],
)
def test_a_misspelt_argument_of_an_emr_step_is_not_missing_too(arguments: dict[str, Any]) -> None:
    (finding,) = found({"Name": "Spark", "Type": "EMR", "Arguments": arguments})
    assert finding.rule == "DEP009"


def test_a_parameter_that_nothing_declares_is_one_finding() -> None:
    steps = [named(ASK, f"Ask{i}", Arguments={"day": {"Get": "Parameters.Day"}}) for i in range(6)]
    (finding,) = [one for one in found(*steps) if one.severity == "error"]
    assert (finding.rule, finding.path) == ("DEP010", "Steps[0].Arguments.day")
    assert "Steps[1].Arguments.day" in finding.message and finding.message.endswith("and 2 more too")


def test_a_misspelt_parameter_is_not_also_unused() -> None:
    step = training(
        HyperParameters={"epochs": {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Epohcs"}]}}}
    )
    assert [finding.rule for finding in found(step, parameters=(EPOCHS,))] == ["DEP010"]
    assert [finding.rule for finding in found(TRAIN, parameters=(EPOCHS,))] == ["DEP022"]


def test_what_a_template_declares_for_steps_that_were_taken_out_is_one_finding() -> None:
    leftover = tuple({"Name": f"Skip{i}", "Type": "String", "DefaultValue": "x"} for i in range(4))
    (finding,) = found(TRAIN, parameters=leftover)
    assert (finding.rule, finding.path) == ("DEP022", "Parameters[0]")
    assert "4 parameters: 'Skip0', 'Skip1', 'Skip2', 'Skip3'" in finding.message
    assert len(found(TRAIN, parameters=leftover[:3])) == 3


@pytest.mark.parametrize(
    "text",
    ["{0}", "Parameters.{0}", "Steps.{0}.ProcessingJobArn", "Steps.Ask.OutputParameters['{0}']"],
)
def test_an_object_as_text_in_a_reference_is_no_wrong_name_too(text: str) -> None:
    shown = text.format("<sagemaker.workflow.steps.ProcessingStep object at 0x7f3b2c1d9a90>")
    stop = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": shown}}}
    (one,) = found(stop)
    assert one.rule == "DEP004"


def test_outputs_in_a_member_that_is_not_there_are_not_missing_too() -> None:
    target = {
        "S3Uri": "s3://example-bucket/train/",
        "S3UploadMode": "EndOfJob",
        "LocalPath": "/opt/ml/processing/train",
    }
    output = {"OutputName": "train", "S3Output": target}
    step = processing(ProcessingOutputs=[output])
    read = {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}
    channel = copy.deepcopy(DEFINITION["InputDataConfig"][0])
    channel["DataSource"]["S3DataSource"]["S3Uri"] = read
    (finding,) = found(step, training(InputDataConfig=[channel]))
    assert (finding.rule, finding.path) == ("STP002", "Steps[0].Arguments.ProcessingOutputs")


def test_a_job_beside_name_and_type_is_one_mistake() -> None:
    (finding,) = found(
        {"Name": "Train", "Type": "Training", "InstanceType": "ml.m5.xlarge", "HyperParameters": {}}
    )
    assert (
        finding.message
        == "a Training step needs Arguments, and has no member 'InstanceType' or 'HyperParameters'"
    )


def test_members_of_a_step_in_its_arguments_are_one_mistake() -> None:
    target = {
        "S3Uri": "s3://example-bucket/r/",
        "S3UploadMode": "EndOfJob",
        "LocalPath": "/opt/ml/processing/report",
    }
    output = {"OutputName": "report", "S3Output": target}
    file = {"PropertyFileName": "Report", "OutputName": "report", "FilePath": "report.json"}
    step = processing(ProcessingOutputConfig={"Outputs": [output]}, PropertyFiles=[file])
    read = {"PropertyFile": {"Get": "Steps.Prepare.PropertyFiles.Report"}, "Path": "auc"}
    (finding,) = found(step, decide([ASK], [], {**BARE, "LeftValue": {"Std:JsonGet": read}}))
    assert finding.remedy == "PropertyFiles belongs to the step itself: move it out of Arguments, beside them"


@pytest.mark.parametrize(
    ("member", "rule"),
    [
        ("Version", "DEP001"),
        ("Parameters", "DEP001"),
        ("Parameters.0.Name", "DEP020"),
        ("Steps.0.Name", "DEP002"),
        ("Steps.0.Arguments", "DEP002"),
        ("Steps.0.Arguments.ProcessingOutputConfig.Outputs", "STP002"),
        ("Steps.1.Arguments.OutputDataConfig.S3OutputPath.Std:Join.Values", "DEP013"),
    ],
)
def test_what_refers_to_something_misspelt_is_not_told_of_too(member: str, rule: str) -> None:
    target = {
        "S3Uri": "s3://example-bucket/train/",
        "S3UploadMode": "EndOfJob",
        "LocalPath": "/opt/ml/processing/train",
    }
    step = processing(ProcessingOutputConfig={"Outputs": [{"OutputName": "train", "S3Output": target}]})
    channel = copy.deepcopy(DEFINITION["InputDataConfig"][0])
    read = {"Get": "Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}
    channel["DataSource"]["S3DataSource"]["S3Uri"] = read
    joined = {"Std:Join": {"On": "/", "Values": ["s3://example-bucket", {"Get": "Parameters.Epochs"}]}}
    train = training(InputDataConfig=[channel], OutputDataConfig={"S3OutputPath": joined})
    document = pipeline(step, train, Parameters=[{**EPOCHS, "Type": "String", "DefaultValue": "5"}])
    assert not [one for one in cursus.check(document).findings if one.severity == "error"]
    *holders, name = member.split(".")
    held: Any = document
    for part in holders:
        held = held[int(part)] if part.isdigit() else held[part]
    held[name[0].lower() + name[1:]] = held.pop(name)
    errors = [one for one in cursus.check(document).findings if one.severity == "error"]
    assert [one.rule for one in errors] == [rule]


@pytest.mark.parametrize("member", ["ProcessingResources.ClusterConfig.InstanceType", "RoleArn"])
def test_a_misspelt_argument_is_not_missing_too(member: str) -> None:
    step = processing()
    *holders, name = member.split(".")
    held: Any = step["Arguments"]
    for part in holders:
        held = held[part]
    held[name[:-1] + "x" + name[-1:]] = held.pop(name)
    errors = [one for one in cursus.check(pipeline(step)).findings if one.severity == "error"]
    assert [one.rule for one in errors] == ["STP002"]


def test_a_misspelt_reference_is_not_a_value_of_another_type_too() -> None:
    output = {"S3OutputPath": {"Gt": "Steps.Ask.OutputParameters['answer']"}}
    errors = [one for one in found(ASK, training(OutputDataConfig=output)) if one.severity == "error"]
    assert [one.rule for one in errors] == ["DEP004"]
