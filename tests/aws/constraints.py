"""Breaks every constraint of a request's model, one at a time, from a request that satisfies it.

``cases(operation)`` yields a valid request for each place of the model, and the same with one constraint
broken there. It reads the distilled schema only to know which constraints there are; what is valid and what
breaks them is written here by hand, so that a pattern translated wrongly shows.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cursus import engine
from cursus.aws import schema
from cursus.checks.examples import BASES
from cursus.checks.views import Settings
from cursus.model import Finding, Step, format_path
from cursus.redact import cut

Path = tuple[str | int, ...]

OPERATIONS = ("CreateTrainingJob", "CreateHyperParameterTuningJob", "CreateAutoMLJob", "CreateAutoMLJobV2")
KINDS = {
    "required": "STP001",
    "unknown": "STP002",
    "type": "STP003",
    "enum": "STP004",
    "pattern": "STP005",
    "length": "STP006",
    "range": "STP007",
    "count": "STP008",
    "union": "STP009",
}


OF_OTHER_TYPES: dict[str, tuple[Any, ...]] = {
    "object": (5, "x", []),
    "array": (5, "x", {}),
    "string": (5, None, True, ["x"]),
    "integer": ("5", 1.5, True, None),
    "number": ("5", True, [1.0]),
    "boolean": (5, "true", None),
}


@dataclass(frozen=True)
class Case:
    """One broken constraint: where, of which kind, the sound request, and the broken one."""

    operation: str
    kind: str
    path: Path
    sound: dict[str, Any]
    broken: dict[str, Any]

    @property
    def rule(self) -> str:
        return KINDS[self.kind]

    @property
    def expected(self) -> Counter[tuple[str, str]]:
        """Rule and place of the one finding that it has to give."""
        path = format_path([cut(part) if isinstance(part, str) else part for part in self.path])
        return Counter([(self.rule, path)])

    def reported(self) -> Counter[tuple[str, str]]:
        """Rule and place of what is reported of the broken request and not of the sound one.

        What is only worth knowing may follow from a count, and is left out.
        """
        broken, sound = (
            engine.check_step(Step("case", self.operation, request), Settings())
            for request in (self.broken, self.sound)
        )
        return _places(broken) - _places(sound)

    def __str__(self) -> str:
        return f"{self.operation}-{self.kind}-{'.'.join(map(str, self.path))}"


def _places(found: list[Finding]) -> Counter[tuple[str, str]]:
    return Counter((finding.rule, finding.path) for finding in found if finding.severity != "info")


ARN = "arn:aws:sagemaker:us-east-1:123456789012:"
HUB = "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/"
SAMPLES: dict[str, tuple[str, str]] = {
    # AWS's pattern: a text that matches, one that does not
    r".*": ("some text", "two\nlines"),
    r".+": ("some text", "two\nlines"),
    r"[A-Za-z0-9\.\-_]+": ("some.name_1", "some name"),
    r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}": ("churn-1", "churn_1"),
    r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}": ("churn-1", "-churn"),
    r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,63}": ("churn-1", "churn-"),
    r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,119}": ("churn-1", "churn 1"),
    r"[a-zA-Z0-9](-*[a-zA-Z0-9])*": ("churn-1", "churn_1"),
    r"[a-zA-Z_][a-zA-Z0-9_]*": ("SOME_NAME", "1NAME"),
    r"[-0-9a-zA-Z]+": ("subnet-0a1b2c3d", "subnet_0a1b2c3d"),
    r"[a-zA-Z0-9:/_-]*": ("alias/my-key", "alias/my key"),
    r"[a-zA-Z0-9._-]+": ("name-1", "name 1"),
    r"[a-zA-Z0-9_-]+": ("name-1", "name 1"),
    r"[a-zA-Z0-9\_\-]+": ("zero", "ze ro"),
    r"(https|s3)://([^/]+)/?(.*)": ("s3://example-bucket/prefix/", "s3a://example-bucket/prefix/"),
    r"(fs-[0-9a-f]{8,})": ("fs-0a1b2c3d", "fs-0A1B2C3D"),
    r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)": ("größe 1", "a~b"),
    r"\d+K": ("32K", "32k"),
    r"(^p[1-9]\d?$)": ("p50", "p100"),
    r"[A-Z]{2}": ("DE", "de"),
    r"(1Y|Y|([1-9]|1[0-1])M|M|[1-4]W|W|[1-6]D|D|([1-9]|1[0-9]|2[0-3])H|H|([1-9]|[1-5][0-9])min)": (
        "1D",
        "9D",
    ),
}
BY_PART: tuple[tuple[str, str, str], ...] = (
    # a part of AWS's pattern, a text that matches, one that does not
    (":iam::", "arn:aws:iam::123456789012:role/SageMakerRole", "arn:aws:iam::123456789012:user/anna"),
    (
        ":lambda:",
        "arn:aws:lambda:us-east-1:123456789012:function:credentials",
        "arn:aws:lambda:us-east-1:12:function:x",
    ),
    (":training-plan/", ARN + "training-plan/plan-1", ARN + "training-job/plan-1-and-more"),
    (":mlflow-", ARN + "mlflow-tracking-server/server-1", ARN + "tracking-server/server-1"),
    (":model-package-group/", ARN + "model-package-group/group-1", ARN + "model-package/group-1"),
    (":model-package/", ARN + "model-package/package-1/1", ARN + "model/package-1"),
    ("DataSet", HUB + "DataSet/data-1", HUB + "Model/data-1/1.0.0"),
    ("Model", HUB + "Model/model-1", HUB + "DataSet/model-1/1.0.0"),
    ("(?<!-)", "some-algorithm", "some-algorithm-"),
)
BY_NAME: dict[str, Any] = {
    "TrainingInputMode": "File",
    "InputMode": "File",
    "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-trainer:1.4",
    "RuleEvaluatorImage": "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest",
    "InstanceType": "ml.m5.xlarge",
    "Regex": "loss=([0-9.]+)",
    "S3DataType": "S3Prefix",
    "DirectoryPath": "/data",
    "LocalPath": "/opt/ml/checkpoints",
    "CompressionType": "None",
    "MaxRuntimeInSeconds": 3600,
    "InstanceCount": 1,
    "VolumeSizeInGB": 30,
    "SecurityGroupIds": "sg-0a1b2c3d",
    "MinValue": "1",
    "MaxValue": "10",
    "MaxWaitTimeInSeconds": 86400,
    "ProfilingIntervalInMilliseconds": 500,
    "MetricName": "validation:accuracy",
    "AttributeNames": "source",
    "InstanceGroupName": "first",
    "InstanceGroupNames": "first",
    "ContentColumn": "text",
    "TargetLabelColumn": "label",
    "TimestampAttributeName": "time",
    "ItemIdentifierAttributeName": "item",
    "TargetAttributeName": "churned",
}


def sample(node: Mapping[str, Any]) -> tuple[str, str | None]:
    """A text that satisfies a schema, and one of a right length that only breaks its pattern."""
    if "enum" in node:
        return node["enum"][0], None
    pattern = node.get("awsPattern")
    good, bad = "some text", None
    if pattern in SAMPLES:
        good, bad = SAMPLES[pattern]
    elif pattern is not None:
        good, bad = next((g, b) for part, g, b in BY_PART if part in pattern)
    low, high = node.get("minLength", 0), node.get("maxLength", 10**6)
    good = good[:high]
    if len(good) < low:
        good += good[-1] * (low - len(good))
    if bad is not None and len(bad) < low:
        bad = bad[:-1] + bad[-2] * (low - len(bad)) + bad[-1]
    return good, bad


class Maker:
    """Makes the smallest valid value for each place of a schema."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def resolve(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        reference = node.get("$ref")
        return self.document["$defs"][reference.rpartition("/")[2]] if reference else node

    def minimal(self, node: Mapping[str, Any], name: str = "") -> Any:
        node = self.resolve(node)
        kind = node["type"]
        if kind == "object" and "properties" in node:
            wanted = list(node.get("required", ()))
            if node.get("union"):
                wanted = [next(iter(node["properties"]))]
            return {member: self.minimal(node["properties"][member], member) for member in wanted}
        if kind == "object":
            keys = [sample(node.get("propertyNames", {}))[0]] * min(1, node.get("minProperties", 0))
            return {key: self.minimal(node["additionalProperties"], "value") for key in keys}
        if kind == "array":
            return [self.minimal(node["items"], name) for _ in range(node.get("minItems", 0))]
        if name == "MetricName" and "enum" in node:
            return node["enum"][0]
        if name in BY_NAME and ("enum" not in node or BY_NAME[name] in node["enum"]):
            return BY_NAME[name]
        if kind == "string":
            return node["enum"][0] if "enum" in node else sample(node)[0]
        if kind == "boolean":
            return True
        if kind == "integer":
            return max(node["minimum"], 1)
        return node.get("minimum", 0.5)


def cases(operation: str) -> Iterator[Case]:
    """Every constraint of one operation's request, broken once."""
    document = schema.document(operation)
    assert document is not None
    yield from _Walk(operation, Maker(document)).node(document, ())


class _Walk:
    def __init__(self, operation: str, maker: Maker) -> None:
        self.operation = operation
        self.maker = maker

    def case(self, kind: str, path: Path, sound: Any, change: Any, at: Path | None = None) -> Case:
        broken = copy.deepcopy(sound)
        change(broken)
        return Case(self.operation, kind, at or path, sound, broken)

    def request(self, path: Path) -> dict[str, Any]:
        """The base request with something valid at ``path`` and at everything above it."""
        made = prepare(self.operation, path)
        here: Any = made
        node: Any = self.maker.document
        for i, part in enumerate(path):
            node = self.maker.resolve(node)
            if isinstance(part, int):
                node = node["items"]
                while len(here) <= part:
                    here.append(self.maker.minimal(node, _name(path[:i])))
            else:
                if node.get("union") and part not in here:
                    here.clear()
                node = node.get("properties", {}).get(part) or node["additionalProperties"]
                if here.get(part) is None:
                    here[part] = self.maker.minimal(node, str(part))
            here = here[part]
        return made

    def node(self, node: Mapping[str, Any], path: Path) -> Iterator[Case]:
        node = self.maker.resolve(node)
        kind = node["type"]
        for wrong in OF_OTHER_TYPES[kind] if path else ():
            yield self.put("type", path, wrong)
        if kind == "object" and "properties" in node:
            yield from self.structure(node, path)
        elif kind == "object":
            yield from self.map(node, path)
        elif kind == "array":
            yield from self.list(node, path)
        elif kind == "string":
            yield from self.string(node, path)
        elif kind in ("integer", "number"):
            yield from self.number(node, path)

    def put(self, kind: str, path: Path, value: Any) -> Case:
        return self.case(kind, path, self.request(path), lambda request: _set(request, path, value))

    def structure(self, node: Mapping[str, Any], path: Path) -> Iterator[Case]:
        for member in node.get("required", ()):
            place = (*path, member)
            yield self.case(
                "required", place, self.request(path), lambda r, p=place: _get(r, p[:-1]).pop(p[-1])
            )
        place = (*path, "NoSuchMember")
        if not node.get("union"):
            yield self.case("unknown", place, self.request(path), lambda r: _set(r, place, "x"))
        else:
            yield self.case("union", path, self.request(path), lambda r: _get(r, path).clear())
        for member, inner in node["properties"].items():
            yield from self.node(inner, (*path, member))

    def map(self, node: Mapping[str, Any], path: Path) -> Iterator[Case]:
        keys, values = node.get("propertyNames", {}), node["additionalProperties"]
        good, bad = sample(keys)
        filler = self.maker.minimal(values, "value")
        if "maxProperties" in node:
            names = keys.get("enum") or [f"{good[:8]}{i}" for i in range(node["maxProperties"] + 1)]
            if len(names) > node["maxProperties"]:
                yield self.put("count", path, dict.fromkeys(names, filler))
        if node.get("minProperties"):
            yield self.put("count", path, {})
        if bad is not None:
            yield self.case(
                "pattern", (*path, bad), self.request(path), lambda r: _set(r, (*path, bad), filler)
            )
        if "maxLength" in keys:
            long = good[:1] * (keys["maxLength"] + 1)
            yield self.case(
                "length", (*path, long), self.request(path), lambda r: _set(r, (*path, long), filler)
            )
        if keys.get("minLength"):
            yield self.case("length", (*path, ""), self.request(path), lambda r: _set(r, (*path, ""), filler))
        yield from self.node(values, (*path, good))

    def list(self, node: Mapping[str, Any], path: Path) -> Iterator[Case]:
        if "maxItems" in node:
            sound = self.request((*path, 0))
            yield self.case("count", path, sound, lambda request: self.fill(request, path, node))
        if node.get("minItems"):
            yield self.put("count", path, [])
        yield from self.node(node["items"], (*path, 0))

    def fill(self, request: dict[str, Any], path: Path, node: Mapping[str, Any]) -> None:
        """One entry more than a list may have, each with a name of its own."""
        entries = _get(request, path)
        for i in range(len(entries), node["maxItems"] + 1):
            entry = self.maker.minimal(node["items"], _name(path))
            if isinstance(entry, dict):
                for name in NAMES.intersection(entry):
                    entry[name] = f"name-{i}"
            elif "enum" not in self.maker.resolve(node["items"]):
                entry = f"p{i + 1}" if entry == "p50" else f"{entry}{i}"
            entries.append(entry)

    def string(self, node: Mapping[str, Any], path: Path) -> Iterator[Case]:
        if "enum" in node:
            yield self.put("enum", path, "NoSuchChoice")
            return
        good, bad = sample(node)
        if bad is not None:
            yield self.put("pattern", path, bad)
        if "maxLength" in node:
            surplus = node["maxLength"] + 1 - len(good)
            yield self.put("length", path, good + "1" * surplus if good[-1] != "K" else "1" * surplus + good)
        if node.get("minLength"):
            yield self.put("length", path, good[: node["minLength"] - 1])

    def number(self, node: Mapping[str, Any], path: Path) -> Iterator[Case]:
        if "minimum" in node:
            yield self.put("range", path, node["minimum"] - 1)
        if "maximum" in node:
            yield self.put("range", path, node["maximum"] + 1)


def _name(path: Path) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "")


def _get(container: Any, path: Path) -> Any:
    for part in path:
        container = container[part]
    return container


def _set(container: Any, path: Path, value: Any) -> None:
    _get(container, path[:-1])[path[-1]] = value


def prepare(operation: str, path: Path) -> dict[str, Any]:
    """The base request, with what has to stand beside the member at ``path`` to make sense of it."""
    made = copy.deepcopy(BASES[operation])
    names = set(path)
    for member, companion in COMPANIONS:
        if member in names:
            companion(made, path)
    return made


def _job(request: dict[str, Any], path: Path) -> dict[str, Any]:
    """The training job definition that a path lies in."""
    if path[:1] == ("TrainingJobDefinition",):
        definition: dict[str, Any] = request["TrainingJobDefinition"]
        return definition
    if path[:1] == ("TrainingJobDefinitions",):
        first: dict[str, Any] = request["TrainingJobDefinitions"][0]
        return first
    return request


def _tuning_alone(request: dict[str, Any], path: Path) -> None:
    definition = request.pop("TrainingJobDefinition")
    definition["DefinitionName"] = "first"
    config = request["HyperParameterTuningJobConfig"]
    definition["TuningObjective"] = config.pop("HyperParameterTuningJobObjective")
    definition["HyperParameterRanges"] = config.pop("ParameterRanges")
    request["TrainingJobDefinitions"] = [definition]


NAMES = frozenset(
    {
        "Name",
        "ChannelName",
        "Key",
        "InstanceGroupName",
        "DefinitionName",
        "RuleConfigurationName",
        "ColumnName",
    }
)
VPC = {"SecurityGroupIds": ["sg-0a1b2c3d"], "Subnets": ["subnet-0a1b2c3d"]}


def _other_instances(names: tuple[str, ...]) -> Any:
    def remove(request: dict[str, Any], path: Path) -> None:
        job = _job(request, path)
        member = next(str(part) for part in path if str(part).endswith("ResourceConfig"))
        config = job.get(member)
        if config is None:
            config = job[member] = job.pop("ResourceConfig")
        for name in names:
            config.pop(name, None)

    return remove


def _spot(request: dict[str, Any], path: Path) -> None:
    job = _job(request, path)
    job["EnableManagedSpotTraining"] = True
    job["CheckpointConfig"] = {"S3Uri": "s3://example-bucket/checkpoints/"}


def _tensorboard(request: dict[str, Any], path: Path) -> None:
    _job(request, path)["TensorBoardOutputConfig"] = {
        "S3OutputPath": "s3://example-bucket/tensorboard/",
        "LocalPath": "/opt/tensorboard",
    }


def _no_s3(request: dict[str, Any], path: Path) -> None:
    _job(request, path)["InputDataConfig"][0]["DataSource"].pop("S3DataSource", None)


def _tuning_resources(request: dict[str, Any], path: Path) -> None:
    job = _job(request, path)
    if "HyperParameterTuningResourceConfig" not in job:
        job["HyperParameterTuningResourceConfig"] = job.pop("ResourceConfig")


def _hyperband(request: dict[str, Any], path: Path) -> None:
    request["HyperParameterTuningJobConfig"]["Strategy"] = "Hyperband"


def _warm_start(request: dict[str, Any], path: Path) -> None:
    request["WarmStartConfig"] = {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent-0"}],
        "WarmStartType": "TransferLearning",
    }


def _groups(request: dict[str, Any], path: Path) -> None:
    group = {"InstanceGroupName": "first", "InstanceType": "ml.m5.xlarge", "InstanceCount": 1}
    _job(request, path)["ResourceConfig"] = {"InstanceGroups": [group], "VolumeSizeInGB": 30}


def _manifest(request: dict[str, Any], path: Path) -> None:
    channel = _job(request, path)["InputDataConfig"][0]
    channel["DataSource"]["S3DataSource"].update(
        S3DataType="AugmentedManifestFile", S3Uri="s3://example-bucket/train.manifest"
    )
    channel.update(InputMode="Pipe", RecordWrapperType="RecordIO", ContentType="application/x-recordio")


def _objective(request: dict[str, Any], path: Path) -> None:
    if "TabularJobConfig" not in path:
        request.pop("AutoMLJobObjective", None)


COMPANIONS: tuple[tuple[str, Any], ...] = (
    ("TrainingJobDefinitions", _tuning_alone),
    ("InstanceGroups", _other_instances(("InstanceType", "InstanceCount"))),
    ("InstancePreferences", _other_instances(("InstanceType",))),
    ("InstanceConfigs", _other_instances(("InstanceType", "InstanceCount", "VolumeSizeInGB"))),
    ("AlgorithmName", lambda r, p: _job(r, p)["AlgorithmSpecification"].pop("TrainingImage")),
    ("MaxWaitTimeInSeconds", _spot),
    (
        "EnableManagedSpotTraining",
        lambda r, p: _job(r, p)["StoppingCondition"].update(MaxWaitTimeInSeconds=86400),
    ),
    ("AutoMLProblemTypeConfig", _objective),
    ("TensorBoardOutputConfig", _tensorboard),
    ("FileSystemDataSource", _no_s3),
    ("DatasetSource", _no_s3),
    ("HyperParameterTuningResourceConfig", _tuning_resources),
    ("AutoParameters", lambda r, p: r.update(Autotune={"Mode": "Enabled"})),
    ("StrategyConfig", _hyperband),
    ("WarmStartConfig", _warm_start),
    ("InstanceGroupNames", _groups),
    ("AttributeNames", _manifest),
    ("FileSystemDataSource", lambda r, p: _job(r, p).update(VpcConfig=copy.deepcopy(VPC))),
)
