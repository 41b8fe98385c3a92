"""Rules on the endpoints that steps of a pipeline make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cursus.aws.pipelines import named_step, nodes
from cursus.checks.pipeline import place_of
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, mapping, mappings, text
from cursus.model import Path, Step
from cursus.redact import show
from cursus.suggest import did_you_mean


@rule("DEP099", scope="pipeline")
def endpoint_variants(view: PipelineView) -> Iterator[Problem]:
    """A variant of an endpoint configuration says two things of where it runs, or nothing; or a least is above a most.

    What it does:
        Looks at the ProductionVariants of every EndpointConfig step: names that stand twice; a ServerlessConfig beside an
        instance type, beside other variants, with memory that is no multiple of 1024 MB, or with more concurrency
        provisioned than allowed; and neither of the two. A variant without a ModelName is for inference components, and
        its configuration needs an ExecutionRoleArn: a warning. Of these and of InferenceComponent steps: members such as
        MinMemoryRequiredInMb above MaxMemoryRequiredInMb, and a VariantName that the pipeline's endpoint does not have.
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
        https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
    """
    for step in view.steps:
        if step.operation in ("CreateEndpointConfig", "CreateInferenceComponent"):
            yield from _bounds(step.request, place_of(view, step))
        if step.operation == "CreateInferenceComponent":
            yield from _deployed(view, step)
        if step.operation != "CreateEndpointConfig":
            continue
        top: Path = (*place_of(view, step), "ProductionVariants")
        variants = list(mappings(step.request, "ProductionVariants"))
        names: set[str] = set()
        for i, variant in variants:
            place, name = (*top, i), text(variant, "VariantName")
            if name in names:
                yield Problem(
                    f"two variants are called {show(name)}",
                    (*place, "VariantName"),
                    "give each a name of its own",
                )
            names.add(name or "")
            if variant.get("ServerlessConfig") is not None:
                yield from _serverless(variant, len(variants), place)
            elif all(variant.get(member) is None for member in ("InstanceType", "InstancePools")):
                yield Problem(
                    "nothing says on what the variant runs",
                    (*place, "InstanceType"),
                    "add InstanceType and InitialInstanceCount, or ServerlessConfig",
                )
            if variant.get("ModelName") is None and step.request.get("ExecutionRoleArn") is None:
                yield Problem(
                    "the variant has no ModelName, and the configuration no ExecutionRoleArn for inference components",
                    (*place, "ModelName"),
                    "add the model's name, or the role that inference components take",
                    severity="warning",
                )


def _deployed(view: PipelineView, component: Step) -> Iterator[Problem]:
    """An inference component for a variant that the endpoint, which the pipeline makes too, does not have."""
    made = {step.name: step.request for step in view.steps}
    endpoint = made.get(named_step(component.request.get("EndpointName")), {})
    config = made.get(named_step(endpoint.get("EndpointConfigName")), {})
    variants = [text(variant, "VariantName") for _, variant in mappings(config, "ProductionVariants")]
    name = text(component.request, "VariantName")
    if name is not None and variants and None not in variants and name not in variants:
        yield Problem(
            f"the endpoint has no variant {show(name)}.{did_you_mean(name, [str(each) for each in variants])}",
            (*place_of(view, component), "VariantName"),
            "write one of " + ", ".join(map(str, variants)),
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
