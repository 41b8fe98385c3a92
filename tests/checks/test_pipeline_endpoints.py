"""Steps of a pipeline that make endpoints and what stands behind them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from cursus.checks.examples import ROLE
from tests.checks.made_pipelines import COMPONENT, CREATE, found, request

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


def config(*variants: dict[str, Any], **more: Any) -> dict[str, Any]:
    return request("EndpointConfig", "Configure", ProductionVariants=list(variants), **more)


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
    ("name", "expected"), [("AllTraffic", []), ("variant-1", [("DEP099", "VariantName")])]
)
def test_variants_that_inference_components_name(name: str, expected: list[tuple[str, str]]) -> None:
    empty = config(without(VARIANT, "ModelName"), ExecutionRoleArn=ROLE)
    serve = request("Endpoint", "Serve", EndpointConfigName={"Get": "Steps.Configure.EndpointConfigName"})
    component = copy.deepcopy(COMPONENT)
    component["Arguments"] |= {"EndpointName": {"Get": "Steps.Serve.EndpointName"}, "VariantName": name}
    assert found(empty, serve, component) == expected


def test_inference_components_go_where_no_model_is() -> None:
    serve = request("Endpoint", "Serve", EndpointConfigName={"Get": "Steps.Configure.EndpointConfigName"})
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
    serve = request("Endpoint", "Serve", EndpointConfigName={"Get": "Steps.Configure.EndpointConfigName"})
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
