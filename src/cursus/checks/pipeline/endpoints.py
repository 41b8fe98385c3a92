"""Rules on the endpoints that steps of a pipeline make."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws import instances
from cursus.aws.pipelines import named_step, nodes
from cursus.checks.pipeline import none_of, place_of
from cursus.checks.rules import Problem, rule
from cursus.checks.step.demands import twice
from cursus.checks.views import PipelineView, is_reference, listing, mapping, mappings, text
from cursus.model import Path
from cursus.redact import show


@rule("DEP099", scope="pipeline")
def endpoint_variants(view: PipelineView) -> Iterator[Problem]:
    """A variant of an endpoint, or an inference component, cannot run as it is asked to.

    What it does:
        Looks at the ProductionVariants of every EndpointConfig step: names that stand twice; a ServerlessConfig beside an
        instance type, beside other variants, with memory that is no multiple of 1024 MB, or with more concurrency
        provisioned than allowed, or for a model of the pipeline with a VPC or network isolation; and neither of the two. A
        variant without a ModelName is for inference components: its configuration needs an ExecutionRoleArn, and it alone may
        have ManagedInstanceScaling or EnableNetworkIsolation. Of InferenceComponent steps: no copies, nothing to deploy, a
        variant that the pipeline's endpoint does not have or has a model for, or more than an instance of it has; and
        members such as MinMemoryRequiredInMb above MaxMemoryRequiredInMb.
    Why:
        SageMaker refuses the request, after what the pipeline trained is paid for.
    Example:
          operation: Pipeline
          Steps:
            - Name: Configure
              Type: EndpointConfig
              Arguments:
                ProductionVariants:
                  - VariantName: AllTraffic
                    ModelName: churn
                    ServerlessConfig: {MemorySizeInMB: 2048, MaxConcurrency: 5}
        -           InstanceType: ml.m5.xlarge
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html,
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantServerlessConfig.html,
        https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html,
        https://github.com/hashicorp/terraform-provider-aws/pull/45926, /pull/48738 and /issues/40644,
        https://github.com/stdapi-ai/stdapi.ai/issues/43, https://github.com/aws/sagemaker-python-sdk/pull/5558
    """
    made = {step.name: step.request for step in view.steps}
    for step in view.steps:
        if step.operation in ("CreateEndpointConfig", "CreateInferenceComponent"):
            yield from _bounds(step.request, place_of(view, step))
        if step.operation == "CreateInferenceComponent":
            yield from _deployed(step.request, made, place_of(view, step))
        if step.operation != "CreateEndpointConfig":
            continue
        top: Path = (*place_of(view, step), "ProductionVariants")
        variants = list(mappings(step.request, "ProductionVariants"))
        yield from twice(
            listing(step.request, "ProductionVariants"), "VariantName", top, "variants are called"
        )
        for i, variant in variants:
            place = (*top, i)
            if variant.get("ServerlessConfig") is not None:
                yield from _serverless(variant, len(variants), place)
                yield from _isolated(made.get(named_step(variant.get("ModelName")), {}), place)
            elif all(variant.get(member) is None for member in ("InstanceType", "InstancePools")):
                yield Problem(
                    "nothing says on what the variant runs",
                    (*place, "InstanceType"),
                    "add InstanceType and InitialInstanceCount, or ServerlessConfig",
                )
            yield from _components(step.request, variant, place)


def _components(config: Mapping[str, Any], variant: Mapping[str, object], place: Path) -> Iterator[Problem]:
    """What only a variant without a model may have, and what it needs."""
    if variant.get("ModelName") is None:
        if config.get("ExecutionRoleArn") is None:
            yield Problem(
                "the variant has no ModelName, and the configuration no ExecutionRoleArn for inference components",
                (*place, "ModelName"),
                "add the model's name, or the role that inference components take",
            )
        return
    if mapping(variant, "ManagedInstanceScaling").get("Status") == "ENABLED":
        yield Problem(
            "ManagedInstanceScaling is only supported for inference component endpoints, and the variant has a ModelName",
            (*place, "ManagedInstanceScaling"),
            "let Application Auto Scaling count the instances, or deploy the model as an inference component",
        )
    if config.get("EnableNetworkIsolation") is True:
        yield Problem(
            "EnableNetworkIsolation of a configuration is for inference components, and the variant has a ModelName",
            (*place[:-2], "EnableNetworkIsolation"),
            "write it in the model",
        )


def _isolated(model: Mapping[str, object], place: Path) -> Iterator[Problem]:
    """A model of the pipeline that no serverless endpoint takes."""
    found = next((name for name in ("VpcConfig", "EnableNetworkIsolation") if model.get(name)), None)
    if found is not None:
        yield Problem(
            f"the model has {found}, which serverless endpoints do not support",
            (*place, "ServerlessConfig"),
            f"give the variant instances, or leave {found} out of the model",
        )


DEPLOYED = frozenset({"ModelName", "Container", "BaseInferenceComponentName"})
"""Members that say what an inference component deploys."""


def _deployed(
    component: Mapping[str, object], made: Mapping[str, Mapping[str, Any]], place: Path
) -> Iterator[Problem]:
    """What an inference component asks of an endpoint, which the pipeline may make too."""
    if mapping(component, "RuntimeConfig").get("CopyCount") == 0:
        yield Problem(
            "an inference component begins with one copy at least",
            (*place, "RuntimeConfig", "CopyCount"),
            "write 1, and let Application Auto Scaling take it to 0 later",
        )
    specification = component.get("Specification") or {}
    based = isinstance(specification, Mapping) and specification.get("BaseInferenceComponentName") is not None
    if component.get("VariantName") is None and not based and not is_reference(specification):
        yield Problem(
            "nothing says on which variant of the endpoint the component runs",
            (*place, "VariantName"),
            "add the VariantName of a variant of its configuration",
        )
    if (
        isinstance(specification, Mapping)
        and not is_reference(specification)
        and not DEPLOYED & specification.keys()
        and component.get("Specifications") is None
    ):
        yield Problem(
            "the Specification does not say what is deployed",
            (*place, "Specification", "ModelName"),
            "add ModelName, Container or BaseInferenceComponentName",
        )
    endpoint = made.get(named_step(component.get("EndpointName")), {})
    config = made.get(named_step(endpoint.get("EndpointConfigName")), {})
    variants = {
        text(variant, "VariantName"): variant for _, variant in mappings(config, "ProductionVariants")
    }
    name = text(component, "VariantName")
    if name is None or not variants or None in variants:
        return
    if name not in variants:
        known = [str(each) for each in variants]
        yield none_of("the endpoint has no variant", name, known, (*place, "VariantName"))
    elif variants[name].get("ModelName") is not None:
        yield Problem(
            "inference components are not supported in this endpoint: its variant has a model of its own",
            (*place, "VariantName"),
            "leave ModelName out of the variant, and give its configuration an ExecutionRoleArn",
        )
    else:
        yield from _fits(component, text(variants[name], "InstanceType"), (*place, "Specification"))


def _fits(component: Mapping[str, object], kind: str | None, place: Path) -> Iterator[Problem]:
    """What a component asks for that no instance of its endpoint has."""
    instance = instances.find(kind)
    wanted = mapping(mapping(component, "Specification"), "ComputeResourceRequirements")
    if instance is None:
        return
    for member, most, of in (
        ("NumberOfAcceleratorDevicesRequired", instance.gpus, "GPUs"),
        ("NumberOfCpuCoresRequired", instance.vcpus, "vCPUs"),
        ("MinMemoryRequiredInMb", (instance.memory or math.inf) * 1024, "MB"),
    ):
        asked = wanted.get(member)
        if member.startswith("NumberOfAcc") and instance.processor == "neuron":
            continue  # counted in NeuronCores or in chips
        if isinstance(asked, (int, float)) and asked > most:
            yield Problem(
                f"{member} is {show(asked)}, and {instance.name} has {most:g} {of}",
                (*place, "ComputeResourceRequirements", member),
                "ask for less, or give the variant a larger instance type",
            )


def _bounds(request: Mapping[str, object], top: Path) -> Iterator[Problem]:
    """Members that begin with Min and are above those that begin with Max."""
    for place, here in nodes(request, top):
        if isinstance(here, Mapping):
            for name, least in here.items():
                most = (
                    here.get(f"Max{name[3:]}") if isinstance(name, str) and name.startswith("Min") else None
                )
                if isinstance(least, int) and isinstance(most, int) and least > most:
                    yield Problem(
                        f"{name} {least} is above Max{name[3:]} {most}",
                        (*place, name),
                        f"write at most {most}, or a higher Max{name[3:]}",
                    )


def _serverless(variant: Mapping[str, object], variants: int, place: Path) -> Iterator[Problem]:
    for member in ("InstanceType", "InitialInstanceCount"):
        if variant.get(member) is not None:
            yield Problem(
                f"the variant has a ServerlessConfig and an {member}", (*place, member), "keep one of them"
            )
            break
    if variants > 1:
        yield Problem(
            "a serverless endpoint has one variant alone",
            (*place, "ServerlessConfig"),
            "make an endpoint of each, or give the variants instances",
        )
    config = mapping(variant, "ServerlessConfig")
    memory, most = config.get("MemorySizeInMB"), config.get("MaxConcurrency")
    if isinstance(memory, int) and memory % 1024:
        near = min(6, max(1, round(memory / 1024))) * 1024
        yield Problem(
            f"MemorySizeInMB {memory} is no multiple of 1024",
            (*place, "ServerlessConfig", "MemorySizeInMB"),
            f"write {near}",
        )
    provisioned = config.get("ProvisionedConcurrency")
    if isinstance(provisioned, int) and isinstance(most, int) and provisioned > most:
        yield Problem(
            f"ProvisionedConcurrency {provisioned} is above MaxConcurrency {most}",
            (*place, "ServerlessConfig", "ProvisionedConcurrency"),
            f"write at most {most}",
        )
