"""What is remembered between checks in one process: never another answer, and never without bound."""

from __future__ import annotations

import copy
import itertools
import pathlib
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import cursus
from cursus import checks, engine, steps
from cursus.aws import schema
from cursus.checks import texts
from cursus.checks.examples import BASES, Example, merge
from cursus.checks.outlines import members as known_members
from cursus.checks.outlines import outline as outlines
from cursus.checks.outlines import parts, plans, skeletons
from cursus.checks.outlines import walk as walks
from cursus.checks.outlines.outline import take_apart
from cursus.checks.outlines.walk import Suspects
from cursus.checks.rules import RULES, SHARED
from cursus.checks.unknowns import UNKNOWN
from cursus.checks.views import Settings, request_views
from cursus.model import Path, Step

checks.load()

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:9.1.0-gpu-py310-cu121-ubuntu20.04-sagemaker"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


OPERATION = schema.document("CreateHyperParameterTuningJob") or {}
DEFINITION = (schema.at(OPERATION, ("TrainingJobDefinition",)) or {})["properties"]
EXAMPLES = [
    Example(rule, side) for rule in RULES.values() if rule.scope == "request" for side in ("Breaks", "Right")
]


def job(**members: Any) -> dict[str, Any]:
    made: dict[str, Any] = merge(copy.deepcopy(BASES["CreateTrainingJob"]), members)
    return made


def told(request: dict[str, Any], settings: Settings) -> list[tuple[str, str, str]]:
    step = Step("job", "CreateTrainingJob", request)
    return [(f.rule, f.path, f.message) for f in engine.check_step(step, settings)]


def forget() -> None:
    plans.forget()
    parts.forget()
    skeletons.forget()
    outlines.forget()


SETTINGS = (
    Settings(region="us-east-1"),
    Settings(region="eu-west-1"),
    Settings(region="cn-north-1"),
    Settings(),
    Settings(region="us-east-1", allow=("9.1.0",)),
    Settings(region="us-east-1", allow=("9.1.0", "max_dept")),
    Settings(region="us-east-1", ignore=("FRM",)),
    Settings(region="us-east-1", ignore=("HPO039", "CHN")),
    Settings(region="us-east-1", select=("FRM", "STP")),
    Settings(region="us-east-1", select=("HPO",), ignore=("HPO038",)),
)
FAULTY = (
    job(AlgorithmSpecification={"TrainingImage": IMAGE}, ResourceConfig={"InstanceType": "ml.m5.large"}),
    job(AlgorithmSpecification={"TrainingImage": XGBOOST}, HyperParameters={"max_dept": "6", "eta": "1.5"}),
)


@pytest.mark.parametrize("request_", FAULTY, ids=["framework", "built-in"])
def test_what_is_remembered_is_of_the_same_settings(request_: dict[str, Any]) -> None:
    wanted = []
    for settings in SETTINGS:
        forget()
        wanted.append(told(request_, settings))
    assert len({tuple(each) for each in wanted}) > 3  # they do matter
    forget()
    for number in range(6):  # never met, met once, remembered: first the parts, then the outlines
        if number < 3:
            plans.forget()
        assert [told(request_, settings) for settings in SETTINGS] == wanted


def test_a_value_of_another_job_is_never_told() -> None:
    """Jobs that differ in one value have a skeleton and parts in common, and each has its own findings."""
    types = ("ml.m5.large", "ml.p3.2xlarge", "ml.nothing.large", "ml.t3.medium")
    images = (
        IMAGE,
        IMAGE.replace("9.1.0", "2.1.0"),
        XGBOOST,
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1",
    )
    limits = (60, 3600, 2_419_200)
    jobs = [
        job(
            AlgorithmSpecification={"TrainingImage": image},
            ResourceConfig={"InstanceType": kind},
            StoppingCondition={"MaxRuntimeInSeconds": limit},
        )
        for image, kind, limit in itertools.product(images, types, limits)
    ]
    settings = Settings(region="us-east-1")
    alone = []
    for each in jobs:
        forget()
        alone.append(told(each, settings))
    forget()
    for _ in range(3):
        plans.forget()  # the outlines, not the parts
        assert [told(each, settings) for each in jobs] == alone
    for _ in range(3):
        assert [told(each, settings) for each in jobs] == alone


def unlike(count: int) -> Iterator[dict[str, Any]]:
    """Requests of which no two have an outline in common; some have a skeleton or parts in common with others."""
    for number in range(count):
        request = job(StoppingCondition={"MaxRuntimeInSeconds": 3600 + number})
        if number % 2:
            request["AlgorithmSpecification"]["TrainingImage"] = (
                f"123456789012.dkr.ecr.us-east-1.amazonaws.com/own:{number}"
            )
        if number % 3:
            request["HyperParameters"] = {f"parameter-{number}-{i}": "1" for i in range(number % 7)}
        if number % 5 == 0:
            request["Tags"] = [{"Key": f"key-{number}", "Value": "x"}]
        yield request


class Word(str):
    """A text that is none for botocore's serializer alone."""


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from leaves(inner, (*path, name))


def put(request: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(request)
    holder: Any = made
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    return made


@pytest.mark.parametrize(
    "operation", ["CreateTrainingJob", "CreateHyperParameterTuningJob", "CreateAutoMLJobV2"]
)
def test_no_value_passes_for_another_of_the_same_member(operation: str) -> None:
    """Where a sound request was met, the same members with values of any type are seen for what they are."""
    sound = copy.deepcopy(BASES[operation])
    others: list[Any] = [
        None,
        True,
        1,
        1.0,
        0.5,
        10**30,
        float("nan"),
        "x",
        Word("x"),
        b"x",
        (),
        ("x",),
        [],
        ["x"],
    ]
    others += [[{}], {}, {"x": "y"}, {"Get": "Parameters.x"}, {1: "x"}, object()]
    for path in leaves(sound):
        for value in others:
            cursus.check(sound)
            changed = put(sound, path, value)
            in_order = [(f.rule, f.path) for f in cursus.check(changed).findings]
            step = steps.load(changed)[0]
            assert isinstance(step, Step)
            violations = schema.validate(step.operation, step.request)
            assert any(rule.startswith("STP0") for rule, _ in in_order) >= bool(violations), (path, value)
            forget()
            alone = [(f.rule, f.path) for f in cursus.check(changed).findings]
            assert in_order == alone, (path, value)


class Spied:
    """An open text that notes when a rule looks at what it is."""

    def __init__(self, name: str, seen: set[str]) -> None:
        self._name, self._seen = name, seen

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """What isinstance() asks for."""
        self._seen.add(self._name)
        return object


def spied(value: Any, seen: set[str], name: str = "") -> Any:
    if value == UNKNOWN:
        return Spied(name, seen)
    if isinstance(value, dict):
        return {key: spied(inner, seen, key) for key, inner in value.items()}
    return [spied(inner, seen, name) for inner in value] if isinstance(value, list) else value


def test_what_is_told_of_an_outline_is_read_in_no_open_text(tmp_path: pathlib.Path) -> None:
    """A rule that looks at one, and does not say when it has to be run for it, would find nothing the second time."""
    looked: set[tuple[str, str]] = set()
    for step, settings in jobs_of_examples(tmp_path):
        outline = engine.sound(step)
        if outline is None:
            continue
        seen: set[str] = set()
        alike = replace(step, request=spied(outline.request(), seen), source=None)
        for scope, view in request_views(alike, settings):
            for rule in RULES.values():
                if rule.scope == scope and rule.shared and not rule.unless:
                    seen.clear()
                    list(rule.check(view))
                    looked.update((rule.id, name) for name in seen)
    # An archive that says which algorithm runs is in no outline that is remembered.
    assert {each for each in looked if each[1] != "sagemaker_submit_directory"} == set()


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With bounds lowered to what a test can reach, memory stays level however many outlines are met."""
    for module, name, most in (
        (plans, "MAX_OUTLOOKS", 20),
        (plans, "MAX_SEEN", 50),
        (parts, "MAX_KNOWN", 50),
        (parts, "MAX_MET", 50),
        (skeletons, "MAX_PLACES", 2_000),
        (outlines, "MAX_SHAPES", 100),
        (known_members, "MAX_KNOWN", 20),
    ):
        assert getattr(module, name) > most
        monkeypatch.setattr(module, name, most)
    settings = Settings(region="us-east-1")
    forget()
    for cached in (
        texts.suspicions,
        texts.is_read,
        texts.place,
    ):  # other tests may have brought them near a doubling
        cached.cache_clear()
    before = 0
    tracemalloc.start()
    try:
        for number, request in enumerate(unlike(1_200)):
            told(request, settings)
            if number % 4 == 0:
                told(request, settings)  # the second sight is what is remembered in full
            if number == 400:
                before = tracemalloc.get_traced_memory()[0]
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after < before + 3_000_000, f"{before:,} bytes after 400 requests, {after:,} after 1,200"
    assert len(plans._OUTLOOKS) <= 20
    assert len(plans._SEEN) <= 50
    assert len(parts._KNOWN) <= 50
    assert len(known_members._KNOWN) <= 20
    assert len(outlines._MADE) <= 100


def test_long_names_and_values_are_not_remembered() -> None:
    names = job(HyperParameters={"n" * (outlines.MAX_NAMES + 1): "1"})
    assert take_apart(names) is None
    forget()
    long = job(
        AlgorithmSpecification={"MetricDefinitions": [{"Name": "loss", "Regex": "x" * parts.MAX_BYTES}]}
    )
    apart = take_apart(long)
    assert apart is not None
    assert apart.size() > parts.MAX_BYTES
    seen = skeletons.sight(apart, "us-east-1")
    assert seen is not None
    view = next(request_views(Step("job", "CreateTrainingJob", long), Settings()))[1]
    plan = plans.plan("training", (), Settings(), seen[1])
    for _ in range(3):
        plans.by_parts(plan, view, seen[0], apart, Step("job", "CreateTrainingJob", long), Settings())
    held = [key[2] for key in parts._KNOWN]
    assert held
    assert not any("x" * 100 in value for values in held for value in values if isinstance(value, str))


@pytest.mark.parametrize(
    "operation", ["CreateTrainingJob", "CreateHyperParameterTuningJob", "CreateAutoMLJobV2"]
)
def test_a_skeleton_tells_what_a_walk_does(operation: str) -> None:
    request = copy.deepcopy(BASES[operation])
    if operation == "CreateTrainingJob":
        request = job(
            AlgorithmSpecification={"TrainingImage": IMAGE.replace("us-east-1", "eu-west-1")},
            VpcConfig={"Subnets": ["subnet-0a1b2c3d", "x"], "SecurityGroupIds": ["sg-0a1b2c3d"]},
            Tags=[{"Key": "None", "Value": "x"}],
            CheckpointConfig={"S3Uri": "s3://example-bucket/c/", "LocalPath": "${HOME}/x"},
        )
        request["InputDataConfig"][0]["CompressionType"] = "Gzip"
        request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3DataType"] = "ManifestFile"
    for region in ("us-east-1", "eu-west-1"):
        apart = take_apart(request)
        assert apart is not None
        seen = skeletons.sight(apart, region)
        assert seen is not None
        suspects, members = walks.walk(apart.request(), region)
        assert members is not None
        assert seen[2] == suspects
        assert seen[1].names.union(*(part.names for part in seen[1].parts)) == members.names


def suspected(suspects: Suspects) -> dict[str, list[tuple[Path, str]]]:
    return {kind: sorted(texts, key=str) for kind, texts in suspects.items() if texts}


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", ""])
@pytest.mark.parametrize("example", EXAMPLES, ids=[example.rule.id for example in EXAMPLES])
def test_the_texts_that_rules_look_at_are_found_without_a_walk(
    example: Example, region: str, tmp_path: pathlib.Path
) -> None:
    step = example.build(tmp_path)
    assert isinstance(step, Step)
    apart = take_apart(step.request)
    if apart is None:
        pytest.skip("looked at in full")
    seen = skeletons.sight(apart, region)
    assert seen is not None
    found = skeletons.suspects_of(seen, apart, region)
    assert set(found).isdisjoint(apart.kinds)
    whole, _ = walks.walk(step.request, region)
    if not region and "place" not in found:  # all lie where the image does
        whole, _ = walks.walk(step.request, seen[3])
    assert suspected(found) == suspected(whole)
    assert {*found, *apart.kinds} == set(whole)


def jobs_of_examples(folder: pathlib.Path) -> Iterator[tuple[Step, Settings]]:
    """Every example's job, and others made of it, that satisfy the service model."""
    for example in (Example(rule, side) for rule in RULES.values() for side in ("Breaks", "Right")):
        step = example.build(folder) if example.rule.scope in SHARED else None
        if not isinstance(step, Step):
            continue
        made = [step]
        if step.operation in ("CreateTrainingJob", "CreateHyperParameterTuningJob"):
            change = in_tuning_jobs if step.operation == "CreateTrainingJob" else in_definitions
            made.extend(
                replace(step, operation="CreateHyperParameterTuningJob", request=request)
                for request in change(copy.deepcopy(dict(step.request)))
            )
        for each in made:
            if not schema.validate(each.operation, each.request):
                yield each, example.settings()


def in_tuning_jobs(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A training job as what a tuning job runs: with its hyperparameters, and with ranges of these."""
    static = job.pop("HyperParameters", {})
    definition = {member: value for member, value in job.items() if member in DEFINITION}
    ranges = [{"Name": name, "Values": ["1", "2"]} for name in static]
    for own in (
        {"StaticHyperParameters": static},
        {"HyperParameterRanges": {"CategoricalParameterRanges": ranges}},
    ):
        request = copy.deepcopy(BASES["CreateHyperParameterTuningJob"])
        request["TrainingJobDefinition"] = {**definition, **own}
        yield request


def in_definitions(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A tuning job whose ranges and objective are its definition's."""
    config, definition = (
        job.get(name) for name in ("HyperParameterTuningJobConfig", "TrainingJobDefinition")
    )
    if config and definition:
        for member, own in (
            ("ParameterRanges", "HyperParameterRanges"),
            ("HyperParameterTuningJobObjective", "TuningObjective"),
        ):
            if member in config:
                definition[own] = config.pop(member)
        yield job


def test_a_rule_on_one_part_needs_no_other(tmp_path: pathlib.Path) -> None:
    """Each says the same of every example's job, and of that job with no members but those it names."""
    of_parts = {
        scope: parts.of_rules(tuple(rule for rule in RULES.values() if rule.scope == scope))
        for scope in ("training", "tuning", "automl")
    }
    assert all(of_parts.values())
    said: set[tuple[Any, ...]] = set()
    forget()
    for step, settings in jobs_of_examples(tmp_path):
        apart = take_apart(step.request)
        if apart is None:
            continue
        seen = skeletons.sight(apart, settings.region or "")
        assert seen is not None
        alike = replace(step, request=apart.request(), source=None)
        for scope, whole in request_views(alike, settings):
            for part in of_parts[scope]:
                known = [part.said(whole, seen[0], apart, step, settings) for _ in range(2)]
                wanted = [(rule, problem) for rule in part.rules for problem in rule.check(whole)]
                for found in known:
                    assert found is None or list(found) == wanted, step.request
                assert known[1] is not None or "TrainingJobDefinitions" in step.request
                said.update((scope, whole.path, rule.id) for rule, _ in known[1] or ())
    assert {rule for _, _, rule in said} == {rule.id for rule in RULES.values() if rule.of}
    assert len({rule for scope, path, rule in said if scope == "training" and path}) > 10


def test_what_a_part_is_remembered_by_is_all_that_it_holds(tmp_path: pathlib.Path) -> None:
    """Tuning and AutoML jobs that differ in one value, with all that could be remembered, and with nothing."""
    tuning, automl = (
        copy.deepcopy(BASES[f"Create{kind}"]) for kind in ("HyperParameterTuningJob", "AutoMLJobV2")
    )
    definition = ("TrainingJobDefinition",)
    limits = ("HyperParameterTuningJobConfig", "ResourceLimits")
    changes: list[tuple[dict[str, Any], tuple[str, ...], str, tuple[Any, ...]]] = [
        (tuning, limits, "MaxNumberOfTrainingJobs", (1, 2, 20, 100_000)),
        (tuning, limits, "MaxParallelTrainingJobs", (1, 2, 50)),
        (tuning, (*definition, "AlgorithmSpecification"), "TrainingImage", (IMAGE, XGBOOST)),
        (
            tuning,
            (*definition, "ResourceConfig"),
            "InstanceType",
            ("ml.m5.large", "ml.p3.2xlarge", "ml.x.large"),
        ),
        (automl, ("AutoMLJobObjective",), "MetricName", ("F1", "Accuracy", "MSE")),
        (
            automl,
            ("AutoMLProblemTypeConfig", "TabularJobConfig"),
            "ProblemType",
            ("Regression", "BinaryClassification"),
        ),
    ]
    requests = []
    for base, place, member, values in changes:
        for value in values:
            request = copy.deepcopy(base)
            holder = request
            for name in place:
                holder = holder[name]
            holder[member] = value
            requests.append(
                (request, "CreateAutoMLJobV2" if base is automl else "CreateHyperParameterTuningJob")
            )
    settings = Settings(region="us-east-1")

    def all_told(request: dict[str, Any], operation: str) -> list[tuple[str, str, str]]:
        return [
            (f.rule, f.path, f.message) for f in engine.check_step(Step("job", operation, request), settings)
        ]

    alone = []
    for each in requests:
        forget()
        alone.append(all_told(*each))
    assert len({tuple(told) for told in alone}) > 8
    forget()
    for _ in range(3):
        plans.forget()  # the outlines, not the parts
        assert [all_told(*each) for each in requests] == alone


def test_what_is_known_of_one_definition_is_not_told_of_others_beside_it() -> None:
    request = copy.deepcopy(BASES["CreateHyperParameterTuningJob"])
    for _ in range(3):
        cursus.check(copy.deepcopy(request))
    definition = copy.deepcopy(request["TrainingJobDefinition"])
    del definition["ResourceConfig"]
    definition["AlgorithmSpecification"] = {"TrainingInputMode": "File"}
    request["TrainingJobDefinitions"] = [definition]
    first = cursus.check(request)
    forget()
    assert {finding.rule for finding in first.findings} >= {"HPO016", "STP020", "STP021"}
    assert first.findings == cursus.check(request).findings
