"""Rules on the EMR clusters and applications that steps of a pipeline run on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cursus.aws import schema
from cursus.aws.pipelines import PipelineStep, nodes, step_type
from cursus.checks.rules import Problem, rule
from cursus.checks.views import PipelineView, is_reference, mapping
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import closest

MOST = 50
"""Members of the arguments of a step, more than any has, that are looked at for a slip of the pen."""


@rule("DEP047", scope="pipeline")
def emr_cluster(view: PipelineView) -> Iterator[Problem]:
    """An EMR step does not say clearly on which cluster or application it runs.

    What it does:
        Looks for ClusterId and ClusterConfig in the arguments: one of the two; for an ExecutionRoleArn, which goes with a
        ClusterId alone; for what a ClusterConfig needs and must not say (its roles are a warning) and SageMaker's instance types
        in it, for its master group, subnet and release; and for what the step runs, whose Jar ends with .jar (else a warning). Of an EMR Serverless step: for ApplicationId or ApplicationConfig, ExecutionRoleArn and JobConfig, whose members begin small.
    Why:
        CreatePipeline takes a cluster that is there, or the configuration of one that it makes and ends with the step.
    Example:
          operation: Pipeline
          Steps:
            - Name: Spark
              Type: EMR
        -     Arguments: {StepConfig: {HadoopJarStep: {Jar: command-runner.jar}}}
        +     Arguments: {ClusterId: j-1A2B3C4D5E6F7, StepConfig: {HadoopJarStep: {Jar: command-runner.jar}}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html (EMR step),
        https://github.com/aws/sagemaker-python-sdk/pull/3604 and /3703, https://github.com/ambiata/ivory/pull/666
    """
    for step in view.definition.steps:
        if step.type == "EMRServerless" and "Arguments" in step.body:
            yield from _serverless(step.arguments, step.place)
        if step.type != "EMR" or not step.arguments:
            continue
        given = step.arguments
        named, made = given.get("ClusterId") is not None, given.get("ClusterConfig") is not None
        if named == made and (named or not _misspelt(step.arguments, "ClusterId", "ClusterConfig")):
            yield Problem(
                "ClusterId and ClusterConfig are both given"
                if named
                else "nothing says on which cluster the step runs",
                (*step.place, "ClusterId"),
                "keep the one that the step is to run on" if named else "add ClusterId, or ClusterConfig",
            )
        elif made and step.arguments.get("ExecutionRoleArn") is not None:
            yield Problem(
                "ExecutionRoleArn goes with a ClusterId; the cluster of a ClusterConfig has its JobFlowRole",
                (*step.place, "ExecutionRoleArn"),
                "remove it",
            )
        cluster = view.filled(step.arguments.get("ClusterId"))
        if (
            isinstance(cluster, str)
            and cluster
            and not re.fullmatch(r"j-[A-Z0-9]+", cluster)
            and not set("<>{}$") & set(cluster)
        ):
            yield Problem(
                f"{show(cluster)} is no id of a cluster",
                (*step.place, "ClusterId"),
                "write the id, such as j-1A2B3C4D5E6F7",
                # "MyClusterID" stands for what is filled in later.
                severity="warning" if re.search(r"(?i)cluster[-_]?id", cluster) else None,
            )
        role = view.filled(step.arguments.get("ExecutionRoleArn"))
        if isinstance(role, str) and re.fullmatch(r"arn:aws[a-z-]*:iam::.*", role) and ":role/" not in role:
            yield Problem(
                f"ExecutionRoleArn {show(role)} names no role",
                (*step.place, "ExecutionRoleArn"),
                "write arn:aws:iam::<account>:role/<name>",
            )
        yield from _cluster(mapping(step.arguments, "ClusterConfig"), (*step.place, "ClusterConfig"))
        yield from _work(view, step)


def _work(view: PipelineView, step: PipelineStep) -> Iterator[Problem]:
    """What an EMR step runs."""
    work = step.arguments.get("StepConfig")
    given = mapping(mapping(step.arguments, "StepConfig"), "HadoopJarStep").get("Jar")
    jar = view.filled(given)
    if not is_reference(work) and not given and not _misspelt(step.arguments, "StepConfig"):
        yield Problem(
            "the step has no StepConfig: nothing says what it runs"
            if work is None
            else "the StepConfig has no HadoopJarStep with a Jar",
            (*step.place, "StepConfig"),
            'write {"HadoopJarStep": {"Jar": "command-runner.jar", "Args": […]}}',
        )
    elif isinstance(jar, str) and jar and not jar.lower().endswith(".jar") and not set("<>{}$") & set(jar):
        right = "command-runner.jar" if "/" not in jar else "the archive, which ends with .jar"
        yield Problem(
            f"the Jar {show(jar)} is no archive of Java",
            (*step.place, "StepConfig", "HadoopJarStep", "Jar"),
            f"write {right}",
            severity="warning",
        )


def _misspelt(arguments: Mapping[str, object], *members: str) -> bool:
    """True where a member that is not known was to be one of these, which is said of it."""
    strangers = [name for name in arguments if name not in step_type("EMR")["forms"]["Arguments"]["members"]]
    return len(strangers) <= MOST and any(closest(str(name), members) for name in strangers)


def _serverless(arguments: Mapping[str, object], place: Path) -> Iterator[Problem]:
    named, made = arguments.get("ApplicationId") is not None, arguments.get("ApplicationConfig") is not None
    if named == made:
        yield Problem(
            f"ApplicationId and ApplicationConfig are {'both' if named else 'neither'} given",
            (*place, "ApplicationId"),
            "give the one that the step is to run on",
        )
    for member in ("ExecutionRoleArn", "JobConfig"):
        if arguments.get(member) is None:
            yield Problem(f"the EMRServerless step has no {member}", (*place, member), f"add {member}")
    job = mapping(arguments, "JobConfig")
    if job and not is_reference(job) and not any(str(name).lower() == "jobdriver" for name in job):
        yield Problem(
            "the JobConfig has no jobDriver: nothing says what it runs",
            (*place, "JobConfig", "jobDriver"),
            'write {"sparkSubmit": {"entryPoint": …}}',
        )
    for outer, inner in (("ApplicationId", "applicationId"), ("ExecutionRoleArn", "executionRoleArn")):
        values = arguments.get(outer), job.get(inner)
        if all(isinstance(value, str) for value in values) and values[0] != values[1]:
            yield Problem(
                f"{outer} is {show(values[0])}, and {inner} in the JobConfig {show(values[1])}",
                (*place, "JobConfig", inner),
                "write the same in both",
            )
    for part, operation in (("JobConfig", "StartJobRun"), ("ApplicationConfig", "CreateApplication")):
        known = (schema.document(operation) or {}).get("properties", {})
        for name in mapping(arguments, part):
            right = str(name)[:1].lower() + str(name)[1:]
            if right != name and right in known:
                yield Problem(
                    f"{part} has no member {show(name)}: it is what EMR Serverless is asked, with its own names",
                    (*place, part, str(name)),
                    f"write {right}",
                    severity="warning",  # the SDK writes no other, and no refusal is known
                )
                break


def _cluster(config: Mapping[str, object], place: Path) -> Iterator[Problem]:
    """What pipelines say themselves of a cluster that they make, and what they need to be told."""
    if not config:
        return
    owned: list[Path] = [(name,) for name in ("Name", "AutoTerminationPolicy", "Steps")]
    owned += [("Instances", name) for name in ("KeepJobFlowAliveWhenNoSteps", "TerminationProtected")]
    for path in owned:
        holder = config if len(path) == 1 else mapping(config, "Instances")
        if path[-1] in holder:
            yield Problem(
                f"{path[-1]} is the pipeline's own to say: it ends the cluster with the step",
                (*place, *path),
                "remove it",
            )
    for role in ("JobFlowRole", "ServiceRole"):
        if config.get(role) is None:
            yield Problem(
                f"the cluster has no {role}: EMR takes none by default",
                (*place, role),
                f"add {role}, such as {'EMR_EC2_DefaultRole' if role == 'JobFlowRole' else 'EMR_DefaultRole'}",
                severity="warning",
            )
    for inner, kind in nodes(config, ()):
        if inner and str(inner[-1]).endswith("InstanceType") and isinstance(kind, str) and kind[:3] == "ml.":
            yield Problem(
                f"{show(kind)} is an instance type of SageMaker, and EMR runs on EC2's",
                (*place, *inner),
                f"write {kind[3:]}",
            )
    instances_ = mapping(config, "Instances")
    groups, fleets = "InstanceGroups" in instances_, "InstanceFleets" in instances_
    if "Instances" not in config or (instances_ and groups == fleets):
        yield Problem(
            "the cluster's Instances need InstanceGroups or InstanceFleets, and not both",
            (*place, "Instances"),
            "write one of the two",
        )
    yield from _masters(instances_, (*place, "Instances"))
    release = config.get("ReleaseLabel")
    if isinstance(release, str) and re.fullmatch(r"\d+\.\d+\.\d+", release):
        yield Problem(
            f"The supplied release label is invalid: {release}",
            (*place, "ReleaseLabel"),
            f"write emr-{release}",
        )
    subnet = instances_.get("Ec2SubnetId")
    if isinstance(subnet, str) and re.match(r"(?!subnet-)(vpc|sg|eni|rtb|igw)-", subnet):
        yield Problem(
            f"Ec2SubnetId is a subnet, and {show(subnet)} is none",
            (*place, "Instances", "Ec2SubnetId"),
            "write subnet-…",
        )


def _masters(instances_: Mapping[str, Any], place: Path) -> Iterator[Problem]:
    """The group of the cluster's master: one, of one instance or of three."""
    groups = instances_.get("InstanceGroups")
    found = [one for one in groups if isinstance(one, Mapping)] if isinstance(groups, list) else []
    roles = [one.get("InstanceRole") for one in found]
    if not found or len(found) < len(groups or ()) or not all(isinstance(role, str) for role in roles):
        return
    if "MASTER" not in roles:
        yield Problem(
            "the cluster has no master: an instance group with InstanceRole MASTER is required",
            (*place, "InstanceGroups"),
            "add one, of one instance",
        )
    for i, one in enumerate(found):
        count = one.get("InstanceCount")
        if one.get("InstanceRole") == "MASTER" and type(count) is int and count not in (1, 3):
            yield Problem(
                f"a master group has one instance, or three, and not {count}",
                (*place, "InstanceGroups", i, "InstanceCount"),
                "write 1",
            )
